"""Networks that compute with integers alone, and the files that microcontrollers are built from.

NumPy in, files out: whoever quantises a model builds a `Graph` from its weights, scales and batch
normalisations, and writes it for ONNX Runtime or for DORY.
"""

from mpsolve.training.integer.graph import Graph as Graph
from mpsolve.training.integer.layers import Conv as Conv
from mpsolve.training.integer.layers import Linear as Linear
from mpsolve.training.integer.operators import Add as Add
from mpsolve.training.integer.operators import AveragePool as AveragePool
from mpsolve.training.integer.operators import Flatten as Flatten
from mpsolve.training.integer.operators import MaxPool as MaxPool
from mpsolve.training.integer.requant import AccumulatorRange as AccumulatorRange
from mpsolve.training.integer.requant import Requant as Requant
from mpsolve.training.integer.requantise import Affine as Affine
from mpsolve.training.integer.requantise import fold_batch_norm as fold_batch_norm
from mpsolve.training.integer.requantise import fold_bias as fold_bias
from mpsolve.training.integer.requantise import integer_bias as integer_bias
from mpsolve.training.integer.requantise import requantise as requantise
from mpsolve.training.integer.requantise import rescale as rescale
from mpsolve.training.integer.tensor import Tensor as Tensor
