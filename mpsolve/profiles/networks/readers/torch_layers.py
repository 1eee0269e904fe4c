"""The layer types of PyTorch convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpsolve.profiles.networks.convolution import Window, convolution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.profiles.networks.convolution import Pair
    from mpsolve.profiles.networks.layer_type import LayerType

Dims = tuple[int, ...]


def convolution_type(
    arguments: Mapping[str, Any], x: Dims, weights: Dims, y: Dims, *, bias: bool
) -> LayerType | None:
    """The layer type of a convolution of one or two dimensions; None for any other.

    Parameters
    ----------
    arguments
        The arguments of ``torch.conv2d`` by name.
    x, y
        Shapes of its input and of its output for one sample.
    weights
        Shape of its weights.
    bias
        Whether it has biases.
    """
    if len(weights) not in (3, 4) or arguments.get("transposed"):
        return None
    padding = arguments["padding"]
    if padding == "valid":
        padding = 0
    axes = len(weights) - 2
    return convolution(
        x[0],
        weights[0],
        _pair(x[1:], axes, 1),
        Window(
            _pair(weights[2:], axes, 1),
            _pair(arguments["stride"], axes, 1),
            None if padding == "same" else _pair(padding, axes, 0),
            _pair(arguments["dilation"], axes, 1),
        ),
        groups=arguments["groups"],
        bias=bias,
        out_size=_pair(y[1:], axes, 1),
    )


def _pair(sizes: Any, axes: int, single: int) -> Pair:
    """Height and width; a signal has a height of ``single``."""
    sizes = (sizes,) if isinstance(sizes, int) else tuple(sizes)
    if len(sizes) == 1:
        sizes *= axes
    height, width = (single, *sizes)[-2:]
    return int(height), int(width)
