"""The L1 tile: what DORY's constraint programme finds, by enumeration.

DORY [1]_ computes a layer tile by tile, the next tile being loaded while one is computed. All input
channels of a convolution lie in a tile; tiles of a depthwise convolution have full width, and full
height where the input has at most 32 x 32 pixels. Channels come in multiples of what the narrowest
operand packs into a byte. Of the tiles that fit, DORY takes one of greatest score (section 4,
"tiling"), in which the weights stand for what the kernels like: heights that are a multiple of the
cores, even widths, groups of four channels, a full memory.

The memory rule and the score below are those of
``dory/Hardware_targets/PULP/Common/Tiler/tiler_conv2d.py`` (Apache-2.0), written anew. Where
several tiles are equally good, the first in the order of channels, height, width is taken.

.. [1] A. Burrello et al., DORY: Automatic End-to-End Deployment of Real-World DNNs on Low-Cost IoT
   MCUs, IEEE Transactions on Computers 70 (8), 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.profiles.targets.pulp.platform import CORES

if TYPE_CHECKING:
    from mpsolve.profiles.targets.pulp.geometry import Geometry
    from mpsolve.typing import IntArray

#: Every tensor of a tile exists twice: one half is computed while the other is filled.
BUFFERS = 2
#: Bytes lost to alignment.
ALIGNMENT = 40
#: Depthwise inputs of at most so many pixels a side are never cut in height.
SMALL_MAP = 32


@dataclass(frozen=True, slots=True)
class Tile:
    """The output of one kernel call.

    Attributes
    ----------
    channels, height, width
        Its size.
    whole
        Whether it is the whole layer, which then needs no second buffer.
    """

    channels: int
    height: int
    width: int
    whole: bool = False


def l1_tile(geometry: Geometry, l1_bytes: int) -> Tile | None:
    """The tile that DORY takes; None if not even the smallest fits."""
    if whole_bytes(geometry) <= l1_bytes:
        return Tile(geometry.out_channels, geometry.out_h, geometry.out_w, whole=True)
    channels, heights, widths = candidates(geometry)
    height, width = (axis.ravel() for axis in np.meshgrid(heights, widths, indexing="ij"))
    fits = tile_bytes(geometry, channels[0], height, width) <= l1_bytes
    height, width = height[fits], width[fits]
    if not len(height):
        return None
    channels = channels[tile_bytes(geometry, channels, height[0], width[0]) <= l1_bytes, None]
    used = tile_bytes(geometry, channels, height, width)
    scores = np.where(used <= l1_bytes, score(geometry, channels, height, width) + used, -1)
    n, place = np.unravel_index(int(np.argmax(scores)), scores.shape)
    return Tile(int(channels[n, 0]), int(height[place]), int(width[place]))


def has_tile(geometry: Geometry, l1_bytes: int) -> bool:
    """Whether a tile fits at all."""
    channels, heights, widths = candidates(geometry)
    least = tile_bytes(geometry, channels[0], heights[0], widths[0])
    return bool(whole_bytes(geometry) <= l1_bytes or least <= l1_bytes)


def candidates(geometry: Geometry) -> tuple[IntArray, IntArray, IntArray]:
    """The channels, heights and widths that a tile may have, ascending."""
    step = min(geometry.unit, geometry.out_channels)
    channels = np.arange(step, geometry.out_channels + 1, step)
    heights = np.arange(1, geometry.out_h + 1)
    widths = np.arange(1, geometry.out_w + 1)
    if geometry.depthwise:
        small = max(geometry.in_h, geometry.in_w) <= SMALL_MAP
        return channels, heights[-1:] if small else heights, widths[-1:]
    return channels, heights, widths


def whole_bytes(geometry: Geometry) -> float:
    """L1 bytes of a layer that is computed in one piece, without second buffers."""
    g = geometry
    tensors = g.in_channels * g.in_h * g.in_w * g.b_in // 8 + int(g.out_bytes)
    constants = g.out_channels * g.constant_bytes
    return tensors + g.out_channels * g.depth * g.b_wt // 8 + constants + _whole_scratch(g)


def _whole_scratch(g: Geometry) -> float:
    """The column buffers of all cores, and depthwise weights widened to 8 bits."""
    if g.linear:
        return 0
    if not g.depthwise:
        return 2 * CORES * g.depth * g.b_in / 8
    widened = 0 if g.b_wt == 8 else 8 * g.k**2
    return (CORES * (g.k * (g.in_h + g.padding) + g.k) + widened) * g.unit


def tile_bytes(
    geometry: Geometry, channels: IntArray, height: IntArray, width: IntArray
) -> IntArray:
    """L1 bytes of tiles of these sizes, which broadcast."""
    g = geometry
    rows, columns = g.in_rows(height), g.in_columns(width)
    in_channels = channels if g.depthwise else g.in_channels
    tensors = BUFFERS * in_channels * rows * columns * g.b_in // 8
    tensors = tensors + BUFFERS * channels * height * width * g.out_bits // 8
    weights = BUFFERS * channels * g.depth * g.b_wt // 8
    if g.linear:  # the biases of the whole layer
        return tensors + weights + g.out_channels * g.constant_bytes + ALIGNMENT
    constants = BUFFERS * channels * g.constant_bytes
    return tensors + weights + constants + _tile_scratch(g, channels) + ALIGNMENT


def _tile_scratch(g: Geometry, channels: IntArray) -> IntArray | int:
    """As `_whole_scratch`, by DORY's rule for tiles, which differs."""
    if not g.depthwise:
        return 2 * CORES * g.depth
    widened = 0 if g.b_wt == 8 else BUFFERS * 8 * 8 * g.k**2
    return (CORES * (g.k * (channels + g.padding) + g.k) + widened) * g.unit


def score(geometry: Geometry, channels: IntArray, height: IntArray, width: IntArray) -> IntArray:
    """What DORY maximises, without the bytes in use."""
    g = geometry
    last_channels = (g.out_channels - 1) % channels  # one less than those of the last tile
    last_height, last_width = (g.out_h - 1) % height, (g.out_w - 1) % width
    if g.depthwise:
        return (
            10_000 * (channels > 7)
            + 20_000 * ((channels - 1) % 16)
            + 10_000 * (height % 4 == 0)
            + 1_000 * (width + height)
            + 100 * (last_height + last_width)
            + 100 * (last_channels > 7)
            + 100 * (last_height % 4)
        )
    return (
        2_000_000 * ((height - 1) % 8)
        + 3_000_000 * ((width - 1) % 2)
        + 1_000_000 * ((channels - 1) % 4)
        + 1_000_000 * (width * height >= 16)
        + 100_000 * channels
        + 10_000 * (last_channels + last_channels % 4)
        + 20_000 * (last_height % 8)
        + 30_000 * (last_width % 2)
    )
