"""MobileNetV1: Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile
Vision Applications, arXiv:1704.04861, 2017."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.profiles.networks.architectures.channels import floor_channels
from mpsolve.profiles.networks.builder import NetworkBuilder

if TYPE_CHECKING:
    from mpsolve.profiles.networks.network import Network

PAPER = "Howard et al., MobileNets, arXiv:1704.04861, 2017, table 1"

#: Table 1: output channels and stride of every depthwise separable convolution. The last one has
#: stride 1: the table prints 2 beside a 7 x 7 input and a 7 x 7 output.
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)


def mobilenet_v1(
    name: str = "mobilenet_v1",
    width: float = 1.0,
    resolution: int = 224,
    classes: int = 1000,
    *,
    bias: bool = False,
) -> Network:
    """MobileNetV1 of any width multiplier and input resolution (sections 3.3 and 3.4).

    ``bias`` says whether convolutions have biases beside the batch normalisation.
    """
    net = NetworkBuilder(name, PAPER)
    x = net.input(3, resolution, resolution)
    x = net.conv("conv0", x, floor_channels(32, width), stride=2, bias=bias)
    for i, (channels, stride) in enumerate(BLOCKS):
        x = net.dw(f"b{i}.dw", x, stride=stride, bias=bias)
        x = net.pw(f"b{i}.pw", x, floor_channels(channels, width), bias=bias)
    x = net.global_pool("pool", x)
    x = net.linear("fc", x, classes, bias=True)
    return net.build(x)
