"""The layer type of a convolution from what frameworks state about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from mpsolve.profiles.networks.layer_type import LayerType

Pair: TypeAlias = tuple[int, int]

#: Height and width, or one number for both.
Size: TypeAlias = int | Pair


@dataclass(frozen=True, slots=True)
class Window:
    """The kernel of a convolution and how it moves.

    Attributes
    ----------
    kernel, stride, dilation
        Height and width, or one number for both.
    padding
        None for `least_padding`, with an output of the size of the input divided by the stride,
        rounded up: 1 for a kernel 3 x 3 and 2 for 5 x 5.
    """

    kernel: Size = 3
    stride: Size = 1
    padding: Size | None = None
    dilation: Size = 1


def convolution(
    in_channels: int,
    out_channels: int,
    in_size: Pair,
    window: Window,
    *,
    groups: int = 1,
    bias: bool = False,
    out_size: Pair | None = None,
) -> LayerType:
    """The layer type of a convolution: depthwise, pointwise or any other.

    Parameters
    ----------
    in_channels, out_channels, in_size, groups, bias
        See `LayerType`.
    window
        The kernel and how it moves.
    out_size
        Where it is not what the padding implies, since more is padded on one side.
    """
    kernel, stride, dilation = pair(window.kernel), pair(window.stride), pair(window.dilation)
    padding = window.padding
    if padding is None:
        if out_size is None:
            out_size = (-(-in_size[0] // stride[0]), -(-in_size[1] // stride[1]))
        padding = least_padding(in_size, out_size, kernel, stride, dilation)
    layer_type = LayerType(
        kind=convolution_kind(in_channels, kernel, groups),
        in_channels=in_channels,
        out_channels=out_channels,
        in_size=in_size,
        out_size=out_size or (1, 1),
        kernel=kernel,
        stride=stride,
        padding=pair(padding),
        dilation=dilation,
        groups=groups,
        bias=bias,
    )
    return layer_type if out_size else replace(layer_type, out_size=layer_type.regular_out_size)


def convolution_kind(in_channels: int, kernel: Pair, groups: int) -> str:
    """``dw`` if every group has one input channel, ``pw`` if the kernel is 1 x 1, else ``conv``."""
    if groups == in_channels > 1:
        return "dw"
    return "pw" if groups == 1 and kernel == (1, 1) else "conv"


def least_padding(
    in_size: Pair, out_size: Pair, kernel: Pair, stride: Pair, dilation: Pair
) -> Pair:
    """The least padding on all sides that is enough for an output of this size."""
    height, width = (
        -(-max(0, (out - 1) * s + d * (k - 1) + 1 - size) // 2)
        for size, out, k, s, d in zip(in_size, out_size, kernel, stride, dilation, strict=True)
    )
    return height, width


def pair(size: Size) -> Pair:
    """Height and width."""
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
