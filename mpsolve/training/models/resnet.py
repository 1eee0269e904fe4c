"""ResNets: He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from mpsolve.training.models.blocks import Residual, classifier, convolution

#: Table 1: channels of the 3 x 3 convolutions of conv2_x to conv5_x.
CHANNELS = (64, 128, 256, 512)
#: Table 1: number of blocks of conv2_x to conv5_x.
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
#: Table 1: a bottleneck block has four times the channels of its 3 x 3 convolution.
EXPANSION = 4


def resnet(classes: int, channels: int, depth: int, width: float = 1.0) -> nn.Sequential:
    """``conv0``, ``b0.conv0``, ``b0.conv1``, where the shape changes ``b0.shortcut``, ``fc``.

    From 50 layers on, blocks are bottlenecks with their stride in the 3 x 3 convolution, as
    ResNet v1.5 has it. The paper knows no width multiplier; here it is rounded down.
    """
    bottleneck = depth >= 50
    last = int(64 * width)
    parts = convolution("conv0", (channels, last), 7, 2)
    parts["pool0"] = nn.MaxPool2d(3, 2, 1)
    blocks = (
        (int(inner * width), 2 if stage > 0 and i == 0 else 1)
        for stage, inner in enumerate(CHANNELS)
        for i in range(BLOCKS[depth][stage])
    )
    for i, (inner, stride) in enumerate(blocks):
        after = inner * EXPANSION if bottleneck else inner
        way = bottleneck_way(last, inner, stride) if bottleneck else basic_way(last, inner, stride)
        shortcut: OrderedDict[str, nn.Module] = OrderedDict()
        if stride != 1 or last != after:
            shortcut = convolution("shortcut", (last, after), 1, stride, activation=None)
        parts[f"b{i}"] = Residual(way, shortcut, nn.ReLU())
        last = after
    return nn.Sequential(parts | classifier(last, classes))


def basic_way(in_channels: int, channels: int, stride: int) -> OrderedDict[str, nn.Module]:
    """Figure 5, left: two 3 x 3 convolutions."""
    way = convolution("conv0", (in_channels, channels), 3, stride)
    return way | convolution("conv1", (channels, channels), 3, activation=None)


def bottleneck_way(in_channels: int, channels: int, stride: int) -> OrderedDict[str, nn.Module]:
    """Figure 5, right: 1 x 1, 3 x 3 and 1 x 1 convolutions."""
    way = convolution("conv0", (in_channels, channels))
    way |= convolution("conv1", (channels, channels), 3, stride)
    return way | convolution("conv2", (channels, channels * EXPANSION), activation=None)
