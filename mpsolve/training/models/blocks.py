"""Parts that the networks share."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


class Add(nn.Module):
    """Element-wise sum; a module, so that it has a name and can be replaced."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The sum of two tensors of one shape."""
        return first + second


class Residual(nn.Module):
    """The sum ``add`` of a way and of a shortcut, then an activation.

    Their parts are modules of the block itself, under the names that they are given.
    """

    def __init__(
        self,
        way: OrderedDict[str, nn.Module],
        shortcut: OrderedDict[str, nn.Module] | None = None,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self._way, self._shortcut = tuple(way), tuple(shortcut or ())
        for name, part in (way | (shortcut or {})).items():
            self.add_module(name, part)
        self.add = Add()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        y = x
        for name in self._way:
            y = self.get_submodule(name)(y)
        for name in self._shortcut:
            x = self.get_submodule(name)(x)
        y = self.add(x, y)
        return y if self.activation is None else self.activation(y)


def convolution(
    name: str,
    channels: tuple[int, int],
    kernel: int = 1,
    stride: int = 1,
    *,
    groups: int = 1,
    bias: bool = False,
    activation: Callable[[], nn.Module] | None = nn.ReLU,
) -> OrderedDict[str, nn.Module]:
    """A convolution ``NAME`` with batch normalisation ``NAME_norm`` and ``NAME_activation``.

    ``channels`` are those of the input and of the output. The kernel is padded so that stride 1
    keeps the size.
    """
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    parts[name] = nn.Conv2d(*channels, kernel, stride, kernel // 2, groups=groups, bias=bias)
    parts[f"{name}_norm"] = nn.BatchNorm2d(channels[1])
    if activation:
        parts[f"{name}_activation"] = activation()
    return parts


def depthwise_separable(
    in_channels: int,
    out_channels: int,
    stride: int,
    activation: Callable[[], nn.Module],
    *,
    bias: bool = False,
) -> nn.Sequential:
    """``dw`` and ``pw``: Howard et al., MobileNets, arXiv:1704.04861, figure 3."""
    dw = convolution(
        "dw",
        (in_channels, in_channels),
        3,
        stride,
        groups=in_channels,
        bias=bias,
        activation=activation,
    )
    pw = convolution("pw", (in_channels, out_channels), bias=bias, activation=activation)
    return nn.Sequential(dw | pw)


def classifier(channels: int, classes: int) -> OrderedDict[str, nn.Module]:
    """Global mean ``pool``, ``flatten`` and the linear layer ``fc``."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    parts["pool"] = nn.AdaptiveAvgPool2d(1)
    parts["flatten"] = nn.Flatten()
    parts["fc"] = nn.Linear(channels, classes)
    return parts
