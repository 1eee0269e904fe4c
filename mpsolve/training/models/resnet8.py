"""ResNet8 of MLPerf Tiny: Banbury et al., MLPerf Tiny Benchmark, arXiv:2106.07597, image
classification. Its convolutions have biases beside the batch normalisation, and its shortcuts
have no batch normalisation."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from mpsolve.training.models.blocks import Residual, classifier, convolution

#: Output channels and stride of the blocks.
BLOCKS = ((16, 1), (32, 2), (64, 2))


def resnet8(classes: int, channels: int) -> nn.Sequential:
    """``conv0``, ``b0.conv0``, ``b0.conv1``, ``b1.conv0``, ``b1.shortcut`` and so on, ``fc``."""
    last = BLOCKS[0][0]
    parts = convolution("conv0", (channels, last), 3, bias=True)
    for i, (wanted, stride) in enumerate(BLOCKS):
        parts[f"b{i}"] = residual_block(last, wanted, stride)
        last = wanted
    return nn.Sequential(parts | classifier(last, classes))


def residual_block(in_channels: int, out_channels: int, stride: int) -> Residual:
    """``conv0``, ``conv1``, where the shape changes ``shortcut``, and ``add``."""
    way = convolution("conv0", (in_channels, out_channels), 3, stride, bias=True)
    way |= convolution("conv1", (out_channels, out_channels), 3, bias=True, activation=None)
    shortcut: OrderedDict[str, nn.Module] = OrderedDict()
    if stride != 1 or in_channels != out_channels:
        shortcut["shortcut"] = nn.Conv2d(in_channels, out_channels, 1, stride)
    return Residual(way, shortcut, nn.ReLU())
