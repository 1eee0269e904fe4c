"""What the operators of PyTorch are to a network.

Source: https://docs.pytorch.org/docs/stable/torch.compiler_ir.html, and the operators that
``torch.export`` keeps whole, such as ``linear`` and ``conv2d``; PyTorch 2.13.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from mpsolve.profiles.networks.readers.reader import Role

#: Convolutions of one and two dimensions; ``convolution`` stands for all of them.
CONVOLUTIONS: Final = frozenset(("conv1d", "conv2d", "convolution"))
#: Products by a matrix: which argument is multiplied, which one holds the weights, which one the
#: biases, and whether an output feature is a row of the weights and not a column.
PRODUCTS: Final = MappingProxyType(
    {
        "linear": ("input", "weight", "bias", True),
        "addmm": ("mat1", "mat2", "self", False),
        "mm": ("self", "mat2", None, False),
        "matmul": ("self", "other", None, False),
        "bmm": ("self", "mat2", None, False),
    }
)

#: What cannot be read: weights of other kinds.
REFUSED: Final = frozenset(
    (
        *("bilinear", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "gru"),
        *("lstm", "rnn_relu", "rnn_tanh"),
    )
)

#: Parts of the names of operators that do not multiply by the matrices that they read.
WITHOUT_PRODUCTS: Final = ("attention", "embedding", "norm")

_GROUPS: Final = {
    Role.IDENTITY: """
        _to_copy alias alpha_dropout clone contiguous detach dropout feature_dropout
        lift_fresh_copy native_dropout to type_as
        dequantize_per_channel dequantize_per_tensor dequantize_per_token
        fake_quantize_per_channel_affine fake_quantize_per_tensor_affine
        quantize_per_channel quantize_per_tensor quantize_per_token
        """,
    Role.FUNCTION: """
        _native_batch_norm_legit _native_batch_norm_legit_functional
        _native_batch_norm_legit_no_training batch_norm native_batch_norm
        abs bitwise_not ceil celu clamp clamp_max clamp_min cos elu erf exp floor gelu hardsigmoid
        hardswish hardtanh isnan leaky_relu log log_sigmoid logical_not masked_fill mish neg
        reciprocal relu relu6 round rrelu rsqrt selu sigmoid sign silu sin softplus sqrt square tanh
        threshold
        """,
    Role.ADD: "add sub rsub",
    Role.MUL: "mul",
    Role.COMBINATION: """
        bitwise_and bitwise_or div eq fmod ge gt le logical_and logical_or lt maximum minimum ne
        pow prelu remainder where
        """,
    Role.POOL: """
        _adaptive_avg_pool2d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool1d
        adaptive_max_pool2d amax avg_pool1d avg_pool2d max max_pool1d max_pool1d_with_indices
        max_pool2d max_pool2d_with_indices mean sum upsample_bicubic2d upsample_bilinear2d
        upsample_nearest1d upsample_nearest2d
        """,
    Role.RESHAPE: """
        _unsafe_view channel_shuffle chunk constant_pad_nd expand flatten flip index index_select
        narrow pad pixel_shuffle pixel_unshuffle reflection_pad1d reflection_pad2d repeat
        repeat_interleave replication_pad1d replication_pad2d reshape roll select slice split
        split_with_sizes squeeze unbind unflatten unsqueeze view view_as
        """,
    Role.SWAP: "movedim permute t transpose",
    Role.CONCAT: "cat stack",
}

#: Operators without weights; any further one is `Role.OTHER`.
ROLES: Final = MappingProxyType(
    {operator: role for role, operators in _GROUPS.items() for operator in operators.split()}
)
