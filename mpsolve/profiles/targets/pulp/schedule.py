"""What the cluster executes for a layer, before any parameter of the model is known."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import product
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mpsolve.profiles.targets.pulp.compute import counts
from mpsolve.profiles.targets.pulp.dma import Transfers, transfers
from mpsolve.profiles.targets.pulp.instructions import Counts
from mpsolve.profiles.targets.pulp.l3 import Streaming, pieces
from mpsolve.profiles.targets.pulp.tiling import l1_tile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpsolve.profiles.targets.pulp.geometry import Geometry
    from mpsolve.profiles.targets.pulp.platform import Platform
    from mpsolve.profiles.targets.pulp.tiling import Tile
    from mpsolve.typing import IntArray

Part = TypeVar("Part", Counts, Transfers, Streaming)


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """One layer in one precision on one platform, or S of them one after the other.

    The tiles of a layer have at most eight sizes: full ones, and what is left at the three edges.

    Attributes
    ----------
    starts
        ``(S,)`` where the tile sizes of each layer begin; the largest tile is the first.
    repeats
        ``(T,)`` tiles of each size.
    counts
        What the cores execute for one tile.
    loads, weights, stores
        Transfers of its input, weights and output.
    streaming
        What passes between HyperRAM and L2.
    """

    starts: IntArray
    repeats: IntArray
    counts: Counts
    loads: Transfers
    weights: Transfers
    stores: Transfers
    streaming: Streaming

    @property
    def ends(self) -> IntArray:
        """``(S,)`` the last tile size of each layer."""
        return np.append(self.starts[1:], len(self.repeats)) - 1


def schedule(geometry: Geometry, platform: Platform) -> Schedule | None:
    """How DORY executes a layer; None if it does not fit into L2 or L1."""
    streamed = pieces(geometry, platform.l2_bytes)
    tile = l1_tile(streamed[0], platform.l1_bytes) if streamed else None
    if streamed is None or tile is None:
        return None
    piece, streaming = streamed
    repeats, channels, height, width = _tile_sizes(piece, tile)
    return Schedule(
        np.zeros(1, np.int64),
        repeats,
        counts(piece, platform.isa, channels, height, width),
        *transfers(piece, channels, height, width, tile.whole),
        streaming,
    )


def join(schedules: Sequence[Schedule]) -> Schedule:
    """Many layers as one object, so that all are evaluated at once."""
    tiles = [len(s.repeats) for s in schedules]
    return Schedule(
        np.cumsum([0, *tiles[:-1]]),
        np.concatenate([s.repeats for s in schedules]),
        _joined([s.counts for s in schedules], tiles),
        _joined([s.loads for s in schedules], tiles),
        _joined([s.weights for s in schedules], tiles),
        _joined([s.stores for s in schedules], tiles),
        _joined([s.streaming for s in schedules], [1] * len(schedules)),
    )


def _joined(parts: Sequence[Part], lengths: Sequence[int]) -> Part:
    """One part with the arrays of all, in which a single number stands for as many as needed."""
    columns = (
        [
            np.broadcast_to(getattr(part, field.name), length)
            for part, length in zip(parts, lengths, strict=True)
        ]
        for field in fields(parts[0])
    )
    return type(parts[0])(*map(np.concatenate, columns))


def _tile_sizes(g: Geometry, tile: Tile) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """How many tiles there are of each size, and their channels, heights and widths."""
    axes = (
        _cuts(g.out_channels, tile.channels),
        _cuts(g.out_h, tile.height),
        _cuts(g.out_w, tile.width),
    )
    sizes = [tuple(zip(*cuts, strict=True)) for cuts in product(*axes)]
    repeats = np.array([np.prod(numbers) for numbers, _ in sizes])
    channels, height, width = np.array([size for _, size in sizes]).T
    return repeats, channels, height, width


def _cuts(total: int, size: int) -> list[tuple[int, int]]:
    """How often an axis is cut into pieces of each size: full ones, and the rest."""
    number, rest = divmod(total, size)
    return [(number, size)] + ([(1, rest)] if rest else [])
