"""The layer types of ONNX operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpsolve.profiles.networks.convolution import Window, convolution, least_padding
from mpsolve.profiles.networks.readers.onnx_operators import CONVOLUTIONS
from mpsolve.profiles.networks.readers.shapes import linear_type

if TYPE_CHECKING:
    from mpsolve.profiles.networks.convolution import Pair
    from mpsolve.profiles.networks.layer_type import LayerType

Dims = tuple[int, ...]


def onnx_layer_type(node: Any, x: Dims, weights: Dims, y: Dims, *, bias: bool) -> LayerType | None:
    """The layer type of an operator with weights, or None if it is no layer.

    Parameters
    ----------
    node
        The operator.
    x, y
        Shapes of its input and of its output for one sample.
    weights
        Shape of its weights.
    bias
        Whether it has biases.
    """
    attributes = {attribute.name: attribute for attribute in node.attribute}
    if node.op_type in CONVOLUTIONS:
        planar = len(weights) in (3, 4)
        return _convolution(attributes, x, weights, y, bias=bias) if planar else None
    while len(weights) > 2 and weights[0] == 1:
        weights = weights[1:]
    transposed = [name for name in ("transA", "transB") if name in attributes]
    transposed = [name for name in transposed if attributes[name].i]
    if len(weights) != 2 or "transA" in transposed:
        return None
    return linear_type(x, weights[0 if "transB" in transposed else 1], bias=bias)


def _convolution(
    attributes: dict[str, Any], x: Dims, weights: Dims, y: Dims, *, bias: bool
) -> LayerType:
    """A convolution of one or two dimensions, whose padding may differ on opposite sides."""

    def pair(name: str) -> Pair:
        return _pair(attributes[name].ints, 1) if name in attributes else (1, 1)

    kernel, in_size, out_size = _pair(weights[2:], 1), _pair(x[1:], 1), _pair(y[1:], 1)
    stride, dilation = pair("strides"), pair("dilations")
    automatic = attributes["auto_pad"].s if "auto_pad" in attributes else b"NOTSET"
    if automatic.startswith(b"SAME"):
        padding = least_padding(in_size, out_size, kernel, stride, dilation)
    else:
        pads = tuple(attributes["pads"].ints) if "pads" in attributes else (0, 0)
        both = (a + b for a, b in zip(*_halves(pads), strict=True))
        padding = _pair(tuple(-(-total // 2) for total in both), 0)
    return convolution(
        x[0],
        weights[0],
        in_size,
        Window(kernel, stride, padding, dilation),
        groups=attributes["group"].i if "group" in attributes else 1,
        bias=bias,
        out_size=out_size,
    )


def _halves(pads: Dims) -> tuple[Dims, Dims]:
    """The paddings before and after each axis."""
    return pads[: len(pads) // 2], pads[len(pads) // 2 :]


def _pair(sizes: Dims, single: int) -> Pair:
    """Height and width; a signal has a height of ``single``."""
    height, width = (single, *sizes)[-2:]
    return int(height), int(width)
