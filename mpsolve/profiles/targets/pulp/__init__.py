"""The analytic latency model of an 8-core PULP cluster: modelled, never measured.

``docs/pulp_model.md`` has its equations, their sources, and how far to trust it.
"""

from mpsolve.profiles.targets.pulp.model import layer_cycles as layer_cycles
from mpsolve.profiles.targets.pulp.parameters import CALIBRATED as CALIBRATED
from mpsolve.profiles.targets.pulp.parameters import PRIOR as PRIOR
from mpsolve.profiles.targets.pulp.parameters import Parameters as Parameters
from mpsolve.profiles.targets.pulp.platform import Isa as Isa
from mpsolve.profiles.targets.pulp.platform import Platform as Platform
from mpsolve.profiles.targets.pulp.target import PULP_MODELS as PULP_MODELS
from mpsolve.profiles.targets.pulp.target import PulpModel as PulpModel
