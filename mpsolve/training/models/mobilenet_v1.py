"""MobileNetV1: Howard et al., MobileNets, arXiv:1704.04861, table 1.

With ReLU6, as the implementations that quantisation papers start from have it.
"""

from __future__ import annotations

from torch import nn

from mpsolve.profiles.networks.architectures.channels import floor_channels
from mpsolve.profiles.networks.architectures.mobilenet_v1 import BLOCKS
from mpsolve.training.models.blocks import classifier, convolution, depthwise_separable


def mobilenet_v1(classes: int, channels: int, width: float = 1.0) -> nn.Sequential:
    """``conv0``, ``b0.dw``, ``b0.pw`` to ``b12.pw``, ``fc``; widths are rounded down."""
    last = floor_channels(32, width)
    parts = convolution("conv0", (channels, last), 3, 2, activation=nn.ReLU6)
    for i, (wanted, stride) in enumerate(BLOCKS):
        before, last = last, floor_channels(wanted, width)
        parts[f"b{i}"] = depthwise_separable(before, last, stride, nn.ReLU6)
    return nn.Sequential(parts | classifier(last, classes))
