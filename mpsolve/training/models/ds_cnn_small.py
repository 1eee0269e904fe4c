"""A depthwise separable network of 5,546 parameters, for images of 8 to 16 pixels.

Its pattern is the DS-CNN of Zhang et al., Hello Edge, arXiv:1711.07128.
"""

from __future__ import annotations

from torch import nn

from mpsolve.training.models.blocks import classifier, convolution, depthwise_separable

#: Output channels and stride of the blocks.
BLOCKS = ((32, 1), (32, 2), (64, 1))


def ds_cnn_small(classes: int, channels: int) -> nn.Sequential:
    """``conv0``, ``b0.dw``, ``b0.pw`` to ``b2.pw``, ``fc``: eight layers."""
    last = 16
    parts = convolution("conv0", (channels, last), 3, activation=nn.ReLU6)
    for i, (wanted, stride) in enumerate(BLOCKS):
        parts[f"b{i}"] = depthwise_separable(last, wanted, stride, nn.ReLU6)
        last = wanted
    return nn.Sequential(parts | classifier(last, classes))
