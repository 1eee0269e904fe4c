"""MNasNet-A1: Tan et al., MnasNet: Platform-Aware Neural Architecture Search for Mobile, CVPR 2019,
arXiv:1807.11626."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpsolve.profiles.networks.architectures.channels import multiple_of_8
from mpsolve.profiles.networks.builder import NetworkBuilder

if TYPE_CHECKING:
    from mpsolve.profiles.networks.network import Network

PAPER = "Tan et al., MnasNet, arXiv:1807.11626, 2019, figure 7 (MnasNet-A1)"


class Stage(NamedTuple):
    """Blocks that are alike but for the stride, which is that of the first."""

    expansion: int
    kernel: int
    channels: int
    blocks: int
    stride: int
    excite: bool


#: Figure 7 (a). The first stage, SepConv, expands by nothing.
STAGES = (
    Stage(1, 3, 16, 1, 1, excite=False),
    Stage(6, 3, 24, 2, 2, excite=False),
    Stage(3, 5, 40, 3, 2, excite=True),
    Stage(6, 3, 80, 4, 2, excite=False),
    Stage(6, 3, 112, 2, 1, excite=True),
    Stage(6, 5, 160, 3, 2, excite=True),
    Stage(6, 3, 320, 1, 1, excite=False),
)

#: Section 4.1: the squeeze-and-excitation ratio, of the channels that the block reads.
SE_RATIO = 0.25


def mnasnet_a1(
    name: str = "mnasnet_a1", width: float = 1.0, resolution: int = 224, classes: int = 1000
) -> Network:
    """MNasNet-A1 of any depth multiplier and input resolution."""
    net = NetworkBuilder(name, PAPER)
    x = net.input(3, resolution, resolution)
    x = net.conv("conv0", x, multiple_of_8(32, width), stride=2)
    blocks = (
        (stage, stage.stride if i == 0 else 1) for stage in STAGES for i in range(stage.blocks)
    )
    for i, (stage, stride) in enumerate(blocks):
        x = _block(net, f"b{i}", x, stage, multiple_of_8(stage.channels, width), stride)
    x = net.pw("conv_last", x, 1280)  # whatever the width
    x = net.global_pool("pool", x)
    x = net.linear("fc", x, classes, bias=True)
    return net.build(x)


def _block(net: NetworkBuilder, name: str, x: str, stage: Stage, channels: int, stride: int) -> str:
    """Figure 7 (b) to (d): SepConv or MBConv."""
    block_input, in_channels = x, net.shape(x)[0]
    if stage.expansion != 1:
        x = net.pw(f"{name}.expand", x, stage.expansion * in_channels)
    x = net.dw(f"{name}.dw", x, stage.kernel, stride)
    if stage.excite:
        x = squeeze_and_excite(net, name, x, max(1, int(SE_RATIO * in_channels)))
    x = net.pw(f"{name}.project", x, channels)
    if stride == 1 and channels == in_channels:
        x = net.add(f"{name}.add", block_input, x)
    return x


def squeeze_and_excite(net: NetworkBuilder, name: str, x: str, squeezed: int) -> str:
    """Multiply every channel by what two pointwise layers make of all channels' means."""
    gate = net.global_pool(f"{name}.se_pool", x)
    gate = net.pw(f"{name}.se_fc1", gate, squeezed, bias=True)
    gate = net.pw(f"{name}.se_fc2", gate, net.shape(x)[0], bias=True)
    return net.mul(f"{name}.se_mul", x, gate)
