"""MobileNetV2: Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018,
arXiv:1801.04381."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.profiles.networks.architectures.channels import multiple_of_8
from mpsolve.profiles.networks.builder import NetworkBuilder

if TYPE_CHECKING:
    from mpsolve.profiles.networks.network import Network

PAPER = "Sandler et al., MobileNetV2, arXiv:1801.04381, 2018, table 2"

#: Table 2: expansion factor t, output channels c, number of blocks n, stride s of the first.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(
    name: str = "mobilenet_v2", width: float = 1.0, resolution: int = 224, classes: int = 1000
) -> Network:
    """MobileNetV2 of any width multiplier and input resolution (section 4)."""
    net = NetworkBuilder(name, PAPER)
    x = net.input(3, resolution, resolution)
    x = net.conv("conv0", x, multiple_of_8(32, width), stride=2)
    blocks = ((t, c, s if i == 0 else 1) for t, c, n, s in STAGES for i in range(n))
    for i, (expansion, channels, stride) in enumerate(blocks):
        x = bottleneck(net, f"b{i}", x, expansion, multiple_of_8(channels, width), stride)
    # Section 4: a width multiplier below 1 spares the very last convolution.
    x = net.pw("conv_last", x, multiple_of_8(1280, max(1.0, width)))
    x = net.global_pool("pool", x)
    x = net.linear("fc", x, classes, bias=True)
    return net.build(x)


def bottleneck(
    net: NetworkBuilder, name: str, x: str, expansion: int, channels: int, stride: int
) -> str:
    """Table 1: the bottleneck residual block; figure 4 (d) for what is added."""
    block_input, in_channels = x, net.shape(x)[0]
    if expansion != 1:
        x = net.pw(f"{name}.expand", x, expansion * in_channels)
    x = net.dw(f"{name}.dw", x, stride=stride)
    x = net.pw(f"{name}.project", x, channels)
    if stride == 1 and channels == in_channels:
        x = net.add(f"{name}.add", block_input, x)
    return x
