"""What the operators of ONNX are to a network.

Source: https://onnx.ai/onnx/operators, opset 25.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from mpsolve.profiles.networks.readers.reader import Role

#: Layers: which input holds the weights, and which the biases if there are any.
LAYERS: Final = MappingProxyType(
    {
        "Conv": (1, 2),
        "ConvInteger": (1, None),
        "Gemm": (1, 2),
        "MatMul": (1, None),
        "MatMulInteger": (1, None),
        "QLinearConv": (3, 8),
        "QLinearMatMul": (3, None),
    }
)
CONVOLUTIONS: Final = frozenset(("Conv", "ConvInteger", "QLinearConv"))
#: They write integers without the scales of inputs and weights.
INTEGER_SUMS: Final = frozenset(("ConvInteger", "MatMulInteger"))
#: Where ONNX defines operators.
DOMAINS: Final = frozenset(("", "ai.onnx", "ai.onnx.ml"))

#: What cannot be read: weights of other kinds, and what only running the network can tell.
REFUSED: Final = frozenset(
    ("ConvTranspose", "DeformConv", "GRU", "If", "LSTM", "Loop", "RNN", "Scan", "SequenceMap")
)

#: They tell a shape, whatever the values are.
SHAPE_QUERIES: Final = frozenset(("Shape", "Size"))

_GROUPS: Final = {
    Role.IDENTITY: """
        Cast CastLike DequantizeLinear Dropout DynamicQuantizeLinear Identity QuantizeLinear
        """,
    Role.FUNCTION: """
        Abs BatchNormalization Ceil Celu Clip Elu Erf Exp Floor Gelu HardSigmoid HardSwish IsNaN
        LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Sigmoid Sign Softplus Softsign Sqrt
        Swish Tanh ThresholdedRelu
        """,
    Role.ADD: "Add Sub Sum",
    Role.MUL: "Mul",
    Role.COMBINATION: """
        And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Or PRelu Pow Where
        """,
    Role.POOL: """
        AveragePool GlobalAveragePool GlobalLpPool GlobalMaxPool LpPool MaxPool ReduceMax
        ReduceMean ReduceSum Resize Upsample
        """,
    Role.RESHAPE: """
        CenterCropPad DepthToSpace Expand Flatten Pad Reshape Slice SpaceToDepth Split Squeeze Tile
        Unsqueeze
        """,
    Role.SWAP: "Transpose",
    Role.CONCAT: "Concat",
}

#: Operators without weights; any further one is `Role.OTHER`.
ROLES: Final = MappingProxyType(
    {operator: role for role, operators in _GROUPS.items() for operator in operators.split()}
)
