"""Transfers between L2 and L1, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mpsolve.profiles.targets.pulp import PRIOR
from mpsolve.profiles.targets.pulp.dma import Transfers, transfers
from mpsolve.profiles.targets.pulp.geometry import Geometry

POINTWISE = Geometry("conv", 16, 64, 1, 1, 0, 14, 14, 14, 14, 4, 8)


def of(geometry: Geometry, *size: int, whole: bool = False) -> tuple[Transfers, ...]:
    """The transfers of one tile."""
    channels, height, width = (np.array([n]) for n in size)
    return transfers(geometry, channels, height, width, whole)


def test_short_lines_are_slower_than_bytes() -> None:
    """160 bytes take 20 cycles, or 1.9 per line, and 60 to start."""
    size = np.full(2, 160.0)
    found = Transfers(size, np.array([1, 20]), np.ones(2)).cycles(PRIOR.parameters)
    assert found == pytest.approx([80, 98])


def test_a_tile_of_a_convolution() -> None:
    """16 half bytes per pixel; lines of input are rows, of output pixels; 2 x 2 tiles a range."""
    loads, weights, stores = of(POINTWISE, 32, 8, 10)
    assert (loads.size[0], loads.lines[0], loads.share[0]) == (8 * 80, 8, 1)
    assert (weights.size[0], weights.lines[0], weights.share[0]) == (32 * 16, 1, 1 / 4)
    assert (stores.size[0], stores.lines[0], stores.share[0]) == (32 * 80, 80, 1)


def test_full_rows_and_channels_are_contiguous() -> None:
    """Tiles of full width are read in one line; of all channels, written row by row or at once."""
    assert of(POINTWISE, 32, 8, 14)[0].lines[0] == 1
    assert of(POINTWISE, 64, 8, 10)[2].lines[0] == 8
    assert of(POINTWISE, 64, 8, 14)[2].lines[0] == 1


def test_an_input_that_is_cut_by_channels_alone_stays() -> None:
    """It is loaded once; weights come with every tile."""
    loads, weights, _ = of(POINTWISE, 32, 14, 14)
    assert (loads.share[0], weights.share[0]) == (0, 1)


def test_depthwise_inputs_come_byte_by_byte() -> None:
    """Eight channels of 10 x 14 pixels in half bytes: 560 lines of one byte, for every tile."""
    geometry = Geometry("depthwise", 64, 64, 3, 1, 2, 14, 14, 14, 14, 4, 4)
    loads, weights, _ = of(geometry, 8, 8, 14)
    assert (loads.size[0], loads.lines[0], loads.share[0]) == (560, 560, 1)
    assert weights.size[0] == 8 * 9 / 2
    assert loads.cycles(PRIOR.parameters)[0] == pytest.approx(560 * 1.9 + 60)
    assert of(geometry, 8, 14, 14)[0].share[0] == 1


def test_a_whole_layer_is_transferred_outside_its_tile() -> None:
    """Nothing overlaps with its only tile."""
    assert all(one.share[0] == 0 for one in of(POINTWISE, 64, 14, 14, whole=True))
