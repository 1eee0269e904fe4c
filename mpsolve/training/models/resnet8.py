"""ResNet8 of MLPerf Tiny: Banbury et al., MLPerf Tiny Benchmark, arXiv:2106.07597, image
classification. Its convolutions have biases beside the batch normalisation, and its shortcuts
have no batch normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from mpsolve.training.models.blocks import Add, classifier, convolution

if TYPE_CHECKING:
    from torch import Tensor

#: Output channels and stride of the blocks.
BLOCKS = ((16, 1), (32, 2), (64, 2))


def resnet8(classes: int, channels: int) -> nn.Sequential:
    """``conv0``, ``b0.conv0``, ``b0.conv1``, ``b1.conv0``, ``b1.shortcut`` and so on, ``fc``."""
    last = BLOCKS[0][0]
    parts = convolution("conv0", channels, last, 3, bias=True)
    for i, (wanted, stride) in enumerate(BLOCKS):
        parts[f"b{i}"] = ResidualBlock(last, wanted, stride)
        last = wanted
    return nn.Sequential(parts | classifier(last, classes))


class ResidualBlock(nn.Module):
    """``conv0``, ``conv1``, where the shape changes ``shortcut``, and ``add``."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        first = convolution("conv0", in_channels, out_channels, 3, stride, bias=True)
        second = convolution("conv1", out_channels, out_channels, 3, bias=True, activation=None)
        self._way = (*first, *second)
        for name, part in (first | second).items():
            self.add_module(name, part)
        same = stride == 1 and in_channels == out_channels
        self.shortcut = None if same else nn.Conv2d(in_channels, out_channels, 1, stride)
        self.add = Add()
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        y = x
        for name in self._way:
            y = self.get_submodule(name)(y)
        if self.shortcut is not None:
            x = self.shortcut(x)
        return self.activation(self.add(x, y))
