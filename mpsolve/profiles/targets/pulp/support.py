"""What the model can express, and one sentence about what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.model.precision import Precision
from mpsolve.profiles.targets.pulp.geometry import Geometry
from mpsolve.profiles.targets.pulp.l3 import pieces
from mpsolve.profiles.targets.pulp.tiling import has_tile

if TYPE_CHECKING:
    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.profiles.targets.pulp.platform import Platform

WIDTHS = (2, 4, 8)
#: What the kernels compute, outputs of 8 bits throughout.
PRECISIONS = tuple(Precision(b_in, b_wt) for b_in in WIDTHS for b_wt in WIDTHS)


def unsupported(layer_type: LayerType, precision: Precision, platform: Platform) -> str | None:
    """Why the model has no latency for a layer type in a precision, in a sentence, or None."""
    if precision not in PRECISIONS:
        return f"The kernels compute 2, 4 and 8 bits, not {precision}."
    if reason := unsupported_kernel(layer_type):
        return reason
    geometry = Geometry.of(layer_type, int(precision.b_in), int(precision.b_wt))
    streamed = pieces(geometry, platform.l2_bytes)
    if streamed is None:
        return (
            f"Neither the weights nor the rows of {layer_type} at {precision} can be cut so that "
            f"two pieces fit into {platform.l2_bytes:,} bytes of L2."
        )
    if not has_tile(streamed[0], platform.l1_bytes):
        return (
            f"No tile of {layer_type} at {precision} fits into {platform.l1_bytes:,} bytes of L1, "
            "since a tile holds all input channels and the column buffers of eight cores."
        )
    return None


def unsupported_kernel(layer_type: LayerType) -> str | None:
    """Why the kernels do not compute a layer type in any precision, in a sentence, or None."""
    t = layer_type
    if reason := _wrong_groups(t) or _wrong_window(t):
        return f"The model has no kernel for {t}: {reason}."
    return None


def _wrong_groups(t: LayerType) -> str | None:
    if t.kind == "dw":
        if not t.groups == t.in_channels == t.out_channels:
            return "a depthwise convolution has one output channel per input channel"
    elif t.groups != 1:
        return "convolutions are depthwise or have one group"
    return None


def _wrong_window(t: LayerType) -> str | None:
    if t.kind == "linear":
        if (t.in_size, t.out_size) != ((1, 1), (1, 1)):
            return "the fully connected kernel takes one vector"
        return None
    if t.dilation != (1, 1):
        return "kernels are not dilated"
    if len({*t.kernel}) > 1 or len({*t.stride}) > 1 or len({*t.padding}) > 1:
        return "kernel, stride and padding are the same in height and width"
    if t.in_size[0] == 1 and t.in_size[1] > 1:
        return "signals of one dimension are computed by other kernels"
    for size, out in zip(t.in_size, t.out_size, strict=True):
        beyond = (out - 1) * t.stride[0] + t.kernel[0] - size
        if not -t.stride[0] < beyond <= 2 * (t.kernel[0] - 1) or t.padding[0] >= t.kernel[0]:
            return "its output size does not follow from its windows"
    return None
