"""Networks: their layers, the tensors between them, and where both are read from."""

from mpsolve.profiles.networks.builder import NetworkBuilder as NetworkBuilder
from mpsolve.profiles.networks.geometry import read_geometry as read_geometry
from mpsolve.profiles.networks.layer_type import LayerType as LayerType
from mpsolve.profiles.networks.load import load_network as load_network
from mpsolve.profiles.networks.named import NamedNetwork as NamedNetwork
from mpsolve.profiles.networks.named import named_network as named_network
from mpsolve.profiles.networks.named import named_networks as named_networks
from mpsolve.profiles.networks.network import Layer as Layer
from mpsolve.profiles.networks.network import Network as Network
from mpsolve.profiles.networks.network import Node as Node
from mpsolve.profiles.networks.readers.onnx_file import read_onnx as read_onnx
from mpsolve.profiles.networks.readers.torch_program import from_torch as from_torch
from mpsolve.profiles.networks.transformers.config import from_config as from_config
from mpsolve.profiles.networks.transformers.decoder import Decoder as Decoder
from mpsolve.profiles.networks.transformers.network import decoder_network as decoder_network
from mpsolve.profiles.networks.write import write_network as write_network
