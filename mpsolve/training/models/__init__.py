"""Reference networks.

Their convolutions and linear layers have the names that latency tables of these networks use, so
that a configuration applies to them as it is.
"""

from mpsolve.training.models.build import build_model as build_model
from mpsolve.training.models.build import models as models
from mpsolve.training.models.counting import LayerCount as LayerCount
from mpsolve.training.models.counting import count_layers as count_layers
