"""MobileNetV1: Howard et al., MobileNets, arXiv:1704.04861, table 1.

With ReLU6, as the implementations that quantisation papers start from have it.
"""

from __future__ import annotations

from torch import nn

from mpsolve.training.models.blocks import classifier, convolution, depthwise_separable

#: Output channels and stride of the blocks.
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *[(512, 1)] * 5,
    (1024, 2),
    (1024, 1),
)


def mobilenet_v1(classes: int, channels: int, width: float = 1.0) -> nn.Sequential:
    """``conv0``, ``b0.dw``, ``b0.pw`` to ``b12.pw``, ``fc``; widths are rounded down."""
    last = int(32 * width)
    parts = convolution("conv0", channels, last, 3, 2, activation=nn.ReLU6)
    for i, (wanted, stride) in enumerate(BLOCKS):
        parts[f"b{i}"] = depthwise_separable(last, int(wanted * width), stride, nn.ReLU6)
        last = int(wanted * width)
    return nn.Sequential(parts | classifier(last, classes))
