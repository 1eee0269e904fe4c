"""Networks: their layers, the tensors between them, and where both are read from."""

from mpsolve.profiles.networks.layer_type import LayerType as LayerType
from mpsolve.profiles.networks.network import Layer as Layer
from mpsolve.profiles.networks.network import Network as Network
from mpsolve.profiles.networks.network import Node as Node
