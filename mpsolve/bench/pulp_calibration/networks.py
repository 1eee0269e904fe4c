"""The layers of the two networks of Free Bits, and which of them read an 8-bit tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.profiles.networks import LayerType

if TYPE_CHECKING:
    from collections.abc import Iterator

CLASSES = 1000
#: Output channels at width 1, and stride, of the 13 blocks of MobileNetV1.
_V1_BLOCKS = (
    ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2))
    + ((512, 1),) * 5
    + ((1024, 2), (1024, 1))
)
#: Expansion, output channels, blocks and stride of the first of them (MobileNetV2, table 2).
_V2_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


@dataclass(frozen=True, slots=True)
class ProfiledLayer:
    """One layer as Free Bits profiles it.

    Attributes
    ----------
    layer_type
        Its layer type.
    eight_bits
        Whether its input always has 8 bits: the image, or a tensor that enters or leaves an adder.
    """

    layer_type: LayerType
    eight_bits: bool = False


def mobilenet_v1(width: float = 0.75, size: int = 224) -> tuple[ProfiledLayer, ...]:
    """MobileNetV1 (Howard et al. 2017, table 1)."""

    def layers() -> Iterator[ProfiledLayer]:
        channels, side = round(32 * width), size // 2
        yield ProfiledLayer(_conv(3, channels, size, 2), eight_bits=True)
        for full, stride in _V1_BLOCKS:
            out = round(full * width)
            yield ProfiledLayer(_depthwise(channels, side, stride))
            side //= stride
            yield ProfiledLayer(_pointwise(channels, out, side))
            channels = out
        yield ProfiledLayer(LayerType("linear", channels, CLASSES, bias=True))

    return tuple(layers())


def mobilenet_v2(size: int = 224) -> tuple[ProfiledLayer, ...]:
    """MobileNetV2 of width 1 (Sandler et al. 2018, table 2)."""

    def layers() -> Iterator[ProfiledLayer]:
        channels, side, after_adder = 32, size // 2, False
        yield ProfiledLayer(_conv(3, channels, size, 2), eight_bits=True)
        for expansion, out, blocks, first_stride in _V2_STAGES:
            for block in range(blocks):
                stride = 1 if block else first_stride
                added, wide = stride == 1 and channels == out, channels * expansion
                if expansion > 1:
                    yield ProfiledLayer(_pointwise(channels, wide, side), added or after_adder)
                yield ProfiledLayer(_depthwise(wide, side, stride))
                side //= stride
                yield ProfiledLayer(_pointwise(wide, out, side))
                channels, after_adder = out, added
        yield ProfiledLayer(_pointwise(channels, 1280, side))
        yield ProfiledLayer(LayerType("linear", 1280, CLASSES, bias=True))

    return tuple(layers())


def _conv(channels: int, out: int, size: int, stride: int) -> LayerType:
    sides = (size, size), (size // stride, size // stride)
    return LayerType("conv", channels, out, *sides, (3, 3), (stride, stride), (1, 1))


def _depthwise(channels: int, size: int, stride: int) -> LayerType:
    sides = (size, size), (size // stride, size // stride)
    window = (3, 3), (stride, stride), (1, 1)
    return LayerType("dw", channels, channels, *sides, *window, groups=channels)


def _pointwise(channels: int, out: int, size: int) -> LayerType:
    return LayerType("pw", channels, out, (size, size), (size, size))
