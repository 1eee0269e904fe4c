"""Streaming through L2, by hand and by its rules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve.profiles.targets.pulp import PRIOR
from mpsolve.profiles.targets.pulp.geometry import Geometry
from mpsolve.profiles.targets.pulp.l3 import Streaming, pieces
from tests.profiles.targets.pulp.helpers import geometries

#: 768 x 768 weights, little else.
HEAVY = Geometry("conv", 768, 768, 1, 1, 0, 7, 7, 7, 7, 8, 8)
#: 112 x 112 pixels of 16 and 96 channels.
WIDE = Geometry("conv", 16, 96, 1, 1, 0, 112, 112, 112, 112, 8, 8)


def test_a_layer_that_fits_is_not_streamed() -> None:
    """Its bytes are 2 x 768 x 49 + 768 x (768 + 8), and one less does not do."""
    size = 2 * 768 * 49 + 768 * 776
    resident, streamed = pieces(HEAVY, size), pieces(HEAVY, size - 1)
    assert resident is not None
    assert (resident[0], resident[1].overlapped, resident[1].alone) == (HEAVY, 0, 1)
    assert streamed is not None
    assert (streamed[0].out_channels, streamed[1].overlapped) == (256, 2)


def test_weights_are_streamed_in_the_fewest_parts() -> None:
    """392,000 bytes hold both activations and two parts of 192 of 768 channels: four parts."""
    streamed = pieces(HEAVY, 392_000)
    assert streamed is not None
    piece, streaming = streamed
    assert piece.out_channels == 192
    assert (streaming.load_size, streaming.load_requests) == (768 * 776 / 4, 3)
    assert (streaming.overlapped, streaming.alone, streaming.store_size) == (3, 1, 0)
    assert 2 * 768 * 49 + 2 * 256 * 776 > 392_000


def test_rows_are_streamed_in_the_fewest_parts() -> None:
    """Input 200,704 bytes, weights 2,304, and two parts of 10,752 bytes a row: 8 rows do, 9 not."""
    streamed = pieces(WIDE, 392_000)
    assert streamed is not None
    piece, streaming = streamed
    assert 200_704 + 2_304 + 2 * 9 * 10_752 > 392_000 >= 200_704 + 2_304 + 2 * 8 * 10_752
    assert (piece.out_h, piece.in_h, piece.padding) == (8, 8, 0)
    assert (streaming.overlapped, streaming.alone) == (14, 0)
    assert (streaming.load_size, streaming.store_size) == (0, 112 * 10_752 / 14)


def test_an_input_that_does_not_fit_is_streamed_too() -> None:
    """Then two parts of both lie in L2, with the rows that overlap."""
    geometry = Geometry("conv", 48, 24, 3, 1, 2, 112, 112, 112, 112, 8, 8)
    streamed = pieces(geometry, 392_000)
    assert streamed is not None
    piece, streaming = streamed
    assert piece.in_h == piece.out_h + 2
    assert (streaming.load_size, streaming.load_requests) == (48 * 112 * piece.in_h, 1)


def test_cycles_by_hand() -> None:
    """A load of 800 bytes takes 1,000 + 1,500 cycles, a store half of that for its bytes."""
    both = Streaming(800, 1, 400, 1, overlapped=3, alone=1)
    p = PRIOR.parameters
    assert both.cycles(np.array([1_000.0]), p) == pytest.approx([2_500 + 3 * 4_500 + 1_000 + 2_000])
    assert both.cycles(np.array([9_000.0]), p) == pytest.approx([2_500 + 4 * 9_000 + 2_000])
    assert Streaming().cycles(np.array([9_000.0]), p) == pytest.approx([9_000])


def test_too_many_weights_for_rows_and_too_large_maps_for_weights() -> None:
    """Neither can be cut alone, and DORY never cuts both."""
    assert pieces(Geometry("conv", 512, 512, 3, 1, 2, 56, 56, 56, 56, 8, 8), 392_000) is None


@settings(max_examples=80)
@given(geometries(), st.integers(5_000, 400_000))
def test_pieces_fit_and_make_up_the_layer(geometry: Geometry, l2_bytes: int) -> None:
    """The parts hold all channels or rows, and a piece alone never exceeds L2."""
    streamed = pieces(geometry, l2_bytes)
    if streamed is None:
        return
    piece, streaming = streamed
    assert piece.in_bytes + piece.out_bytes + piece.weight_bytes <= l2_bytes or piece != geometry
    parts = float(streaming.overlapped + streaming.alone)
    assert parts * piece.out_channels * piece.out_h >= geometry.out_channels * geometry.out_h
