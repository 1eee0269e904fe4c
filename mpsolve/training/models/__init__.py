"""Reference networks.

Their convolutions and linear layers have the names that latency tables of these networks use, so
that a configuration applies to them as it is.
"""

from mpsolve.training.models.build import build_model as build_model
from mpsolve.training.models.build import models as models
