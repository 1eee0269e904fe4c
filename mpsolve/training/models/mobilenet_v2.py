"""MobileNetV2: Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018,
arXiv:1801.04381."""

from __future__ import annotations

from torch import nn

from mpsolve.profiles.networks.architectures.channels import multiple_of_8
from mpsolve.profiles.networks.architectures.mobilenet_v2 import STAGES
from mpsolve.training.models.blocks import Residual, classifier, convolution


def mobilenet_v2(classes: int, channels: int, width: float = 1.0) -> nn.Sequential:
    """``conv0``, ``b0.dw``, ``b0.project``, ``b1.expand`` and so on, ``conv_last``, ``fc``."""
    last = multiple_of_8(32, width)
    parts = convolution("conv0", (channels, last), 3, 2, activation=nn.ReLU6)
    blocks = ((t, c, s if i == 0 else 1) for t, c, n, s in STAGES for i in range(n))
    for i, (expansion, wanted, stride) in enumerate(blocks):
        parts[f"b{i}"] = inverted_residual(last, multiple_of_8(wanted, width), expansion, stride)
        last = multiple_of_8(wanted, width)
    # Section 4: a width multiplier below 1 spares the very last convolution.
    features = multiple_of_8(1280, max(1.0, width))
    parts |= convolution("conv_last", (last, features), activation=nn.ReLU6)
    return nn.Sequential(parts | classifier(features, classes))


def inverted_residual(
    in_channels: int, out_channels: int, expansion: int, stride: int
) -> nn.Module:
    """Table 1 and figure 4 (d): ``expand``, ``dw``, the linear ``project``, and ``add``."""
    inner = in_channels * expansion
    parts = convolution("expand", (in_channels, inner), activation=nn.ReLU6)
    if expansion == 1:
        parts.clear()
    parts |= convolution("dw", (inner, inner), 3, stride, groups=inner, activation=nn.ReLU6)
    parts |= convolution("project", (inner, out_channels), activation=None)
    same_shape = stride == 1 and in_channels == out_channels
    return Residual(parts) if same_shape else nn.Sequential(parts)
