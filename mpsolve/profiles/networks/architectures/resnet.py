"""ResNets: He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.profiles.networks.architectures.channels import floor_channels
from mpsolve.profiles.networks.builder import NetworkBuilder

if TYPE_CHECKING:
    from mpsolve.profiles.networks.network import Network

PAPER = "He et al., Deep Residual Learning, arXiv:1512.03385, 2015, table 1"

#: Table 1: channels of the 3 x 3 convolutions of conv2_x to conv5_x.
WIDTHS = (64, 128, 256, 512)
#: Table 1: number of blocks of conv2_x to conv5_x.
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
#: Section 4.1, deeper bottleneck architectures: from 50 layers on.
BOTTLENECK_DEPTH = 50
#: Table 1: a bottleneck block has four times the channels of its 3 x 3 convolution.
EXPANSION = 4


def resnet(
    name: str, depth: int, width: float = 1.0, resolution: int = 224, classes: int = 1000
) -> Network:
    """ResNet of 18, 34, 50 or 101 layers with projection shortcuts (option B).

    Bottleneck blocks have their stride in the 3 x 3 convolution, as ResNet v1.5 has, while the
    paper has it in the first 1 x 1. The paper knows no width multiplier; here it multiplies the
    channels of all convolutions and is rounded down.
    """
    net = NetworkBuilder(name, PAPER + ("; v1.5" if depth >= BOTTLENECK_DEPTH else ""))
    block = bottleneck_block if depth >= BOTTLENECK_DEPTH else basic_block
    x = net.input(3, resolution, resolution)
    x = net.conv("conv0", x, floor_channels(64, width), kernel=7, stride=2)
    x = net.pool("pool0", x, stride=2)
    blocks = (
        (channels, 2 if stage > 0 and i == 0 else 1)
        for stage, channels in enumerate(WIDTHS)
        for i in range(BLOCKS[depth][stage])
    )
    for i, (channels, stride) in enumerate(blocks):
        x = block(net, f"b{i}", x, floor_channels(channels, width), stride)
    x = net.global_pool("pool", x)
    x = net.linear("fc", x, classes, bias=True)
    return net.build(x)


def basic_block(net: NetworkBuilder, name: str, x: str, channels: int, stride: int) -> str:
    """Figure 5, left: two 3 x 3 convolutions."""
    y = net.conv(f"{name}.conv0", x, channels, 3, stride)
    y = net.conv(f"{name}.conv1", y, channels, 3)
    return _residual(net, name, x, y, stride)


def bottleneck_block(net: NetworkBuilder, name: str, x: str, channels: int, stride: int) -> str:
    """Figure 5, right: 1 x 1, 3 x 3 and 1 x 1 convolutions."""
    y = net.pw(f"{name}.conv0", x, channels)
    y = net.conv(f"{name}.conv1", y, channels, 3, stride)
    y = net.pw(f"{name}.conv2", y, EXPANSION * channels)
    return _residual(net, name, x, y, stride)


def _residual(net: NetworkBuilder, name: str, x: str, y: str, stride: int) -> str:
    """Add the block's input, projected by a 1 x 1 convolution if its shape differs."""
    if net.shape(x) != net.shape(y):
        x = net.pw(f"{name}.shortcut", x, net.shape(y)[0], stride)
    return net.add(f"{name}.add", x, y)
