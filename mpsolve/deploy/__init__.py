"""Networks that compute with integers alone, and the files that microcontrollers are built from.

NumPy in, files out: whoever quantises a model builds a `Graph` from its weights, scales and batch
normalisations, and writes it for ONNX Runtime or for DORY.
"""

from mpsolve.deploy.dory_files import write_dory as write_dory
from mpsolve.deploy.dory_rules import check_folder as check_folder
from mpsolve.deploy.export import export_network as export_network
from mpsolve.deploy.graph import Graph as Graph
from mpsolve.deploy.interpreter import run as run
from mpsolve.deploy.layers import Conv as Conv
from mpsolve.deploy.layers import Linear as Linear
from mpsolve.deploy.network import IntegerNetwork as IntegerNetwork
from mpsolve.deploy.onnxruntime_emitter import write_onnx as write_onnx
from mpsolve.deploy.operators import Add as Add
from mpsolve.deploy.operators import AveragePool as AveragePool
from mpsolve.deploy.operators import Flatten as Flatten
from mpsolve.deploy.operators import MaxPool as MaxPool
from mpsolve.deploy.requant import AccumulatorRange as AccumulatorRange
from mpsolve.deploy.requant import Requant as Requant
from mpsolve.deploy.requantise import Affine as Affine
from mpsolve.deploy.requantise import BatchNorm as BatchNorm
from mpsolve.deploy.requantise import fold_batch_norm as fold_batch_norm
from mpsolve.deploy.requantise import fold_bias as fold_bias
from mpsolve.deploy.requantise import integer_bias as integer_bias
from mpsolve.deploy.requantise import requantise as requantise
from mpsolve.deploy.requantise import rescale as rescale
from mpsolve.deploy.tensor import Tensor as Tensor
