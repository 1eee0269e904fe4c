"""Transfers between L2 and L1 by the cluster's DMA engine.

The engine (MCHAN) moves 8 bytes a cycle, but every line that is contiguous in L2 takes at least
``dma_line`` cycles: eight may be under way, and L2 answers after about fifteen [1]_. Activations
lie channel by channel within a pixel, so that a depthwise tile, which needs some channels of all
pixels, is fetched in lines of a single byte [2]_.

.. [1] gvsoc-pulp, ``mchan_v7*``.
.. [2] DORY, ``dory_dma.c``, ``ext_size_1d = 1``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpsolve.profiles.targets.pulp.geometry import Geometry
    from mpsolve.profiles.targets.pulp.parameters import Parameters
    from mpsolve.typing import IntArray, NumberArray


@dataclass(frozen=True, slots=True, eq=False)
class Transfers:
    """One transfer per tile.

    Attributes
    ----------
    size
        ``(T,)`` bytes.
    lines
        ``(T,)`` lines that are contiguous in L2.
    share
        ``(T,)`` in which part of all tiles it takes place.
    """

    size: NumberArray
    lines: NumberArray
    share: NumberArray

    def cycles(self, p: Parameters) -> NumberArray:
        """Cycles of each transfer where it takes place."""
        return np.maximum(self.size / p.dma_bandwidth, self.lines * p.dma_line) + p.dma_start


def transfers(
    geometry: Geometry, channels: IntArray, height: IntArray, width: IntArray, whole: bool
) -> tuple[Transfers, Transfers, Transfers]:
    """The transfers of input, weights and output of tiles of these sizes.

    Tiles are visited row by row for one range of output channels after the other: weights come
    once per range, and the input of a layer that is cut by channels alone once for all. A layer
    that is not cut is loaded before and stored after its only tile.

    Parameters
    ----------
    geometry
        The layer.
    channels, height, width
        ``(T,)`` sizes of the tiles, those of most tiles first.
    whole
        Whether there is but one tile.
    """
    g = geometry
    ranges = -(-g.out_channels // int(channels[0]))
    per_range = -(-g.out_h // int(height[0])) * -(-g.out_w // int(width[0]))
    rows = g.in_rows(height)
    pixels = rows * g.in_columns(width)
    in_size = (channels if g.depthwise else g.in_channels) * pixels * g.b_in / 8
    in_lines = in_size if g.depthwise else np.where(width == g.out_w, 1, rows)
    stays = per_range == 1 and ranges > 1 and not g.depthwise
    all_channels = channels == g.out_channels
    out_lines = np.where(
        all_channels & (width == g.out_w), 1, np.where(all_channels, height, height * width)
    )
    out_size = channels * height * width * g.out_bits / 8

    def of(size: NumberArray, lines: NumberArray | float, share: float) -> Transfers:
        shape = np.shape(channels)
        fill = (np.broadcast_to(v, shape) for v in (size, lines, 0.0 if whole else share))
        return Transfers(*fill)

    return (
        of(in_size, in_lines, 0.0 if stays else 1.0),
        of(channels * g.depth * g.b_wt / 8, 1, 1 / per_range),
        of(out_size, out_lines, 1.0),
    )
