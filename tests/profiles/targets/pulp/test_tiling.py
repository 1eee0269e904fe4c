"""The L1 tile: against a constraint programme, and by hand."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings

from mpsolve.profiles.targets.pulp.geometry import Geometry, Kernel
from mpsolve.profiles.targets.pulp.platform import L1_BYTES
from mpsolve.profiles.targets.pulp.tiling import (
    Tile,
    has_tile,
    l1_tile,
    score,
    tile_bytes,
    whole_bytes,
)
from tests.profiles.targets.pulp.helpers import geometries
from tests.profiles.targets.pulp.tiling_cpsat import l1_tiles_by_cpsat

CASES = 60


def drawn(rng: np.random.Generator) -> Geometry:
    """A layer of realistic size that does not fit into L1 as a whole."""
    while True:
        kernel: Kernel = rng.choice(["conv", "conv", "depthwise", "linear"])
        linear = kernel == "linear"
        k = 1 if linear else int(rng.choice([1, 3, 5]))
        stride = 1 if linear else int(rng.choice([1, 2]))
        height, width = (1, 1) if linear else rng.choice([7, 14, 28, 56, 112], 2).tolist()
        b_in, b_wt = rng.choice([2, 4, 8], 2).tolist()
        channels = 8 * int(rng.integers(1, 130))
        out = channels if kernel == "depthwise" else int(rng.choice([16, 24, 96, 100, 384, 1000]))
        outs = (-(-height // stride), -(-width // stride))
        geometry = Geometry(
            kernel, channels, out, k, stride, k - 1, height, width, *outs, b_in, b_wt
        )
        if whole_bytes(geometry) > L1_BYTES:
            return geometry


def value(geometry: Geometry, tile: Tile) -> int:
    """What DORY maximises."""
    size = (np.array(n) for n in (tile.channels, tile.height, tile.width))
    channels, height, width = size
    used = tile_bytes(geometry, channels, height, width)
    assert used <= L1_BYTES
    return int(score(geometry, channels, height, width) + used)


def require_ortools() -> None:
    """Skip without it; it is not loaded here, where it might meet another HiGHS."""
    if find_spec("ortools") is None:
        pytest.skip("OR-Tools is not installed")


def test_enumeration_and_constraint_programme_find_equally_good_tiles() -> None:
    """On sixty random layers and precisions, of which most have a tile, the optima are equal."""
    require_ortools()
    rng = np.random.default_rng(0)
    layers = [drawn(rng) for _ in range(CASES)]
    tiled = 0
    for geometry, programme in zip(layers, l1_tiles_by_cpsat(layers, L1_BYTES), strict=True):
        found = l1_tile(geometry, L1_BYTES)
        assert (found is None) == (programme is None), geometry
        if found is not None and programme is not None:
            tiled += 1
            assert value(geometry, found) == value(geometry, programme[0]) == programme[1], geometry
    assert tiled >= 30


def test_a_layer_that_fits_is_not_cut() -> None:
    """Both ways: 8 x 8 pixels of 16 channels need 16 x 8 x 8 x 2 + 16 x 16 + 16 x 8 + 256 bytes."""
    geometry = Geometry("conv", 16, 16, 1, 1, 0, 8, 8, 8, 8, 8, 8)
    assert whole_bytes(geometry) == 16 * 8 * 8 * 2 + 16 * 16 + 16 * 8 + 2 * 8 * 16
    whole = Tile(16, 8, 8, whole=True)
    assert l1_tile(geometry, L1_BYTES) == whole
    require_ortools()
    assert l1_tiles_by_cpsat([geometry], L1_BYTES) == [(whole, 0)]


def test_bytes_of_a_tile_by_hand() -> None:
    """3 x 3, stride 2, 4b/2b, 8 to 16 channels; a tile of 8 channels and 2 x 3 pixels.

    Twice 8 x 5 x 7 inputs of half a byte, 8 x 2 x 3 outputs, 8 x 72 weights of a quarter, and eight
    pairs of constants; 16 columns of 72; 40 lost.
    """
    geometry = Geometry("conv", 8, 16, 3, 2, 2, 32, 32, 16, 16, 4, 2)
    channels, height, width = (np.array(n) for n in (8, 2, 3))
    expected = 2 * (8 * 5 * 7 // 2 + 8 * 2 * 3 + 8 * 72 // 4 + 8 * 8) + 16 * 72 + 40
    assert tile_bytes(geometry, channels, height, width) == expected


def test_bytes_of_a_depthwise_tile_by_hand() -> None:
    """3 x 3, 8b/4b, 4 channels of 32 x 32: column buffers, and weights widened to 8 bits."""
    geometry = Geometry("depthwise", 64, 64, 3, 1, 2, 32, 32, 32, 32, 8, 4)
    channels, height, width = (np.array(n) for n in (4, 32, 32))
    tensors = 2 * (4 * 32 * 32 * 2 + 4 * 9 // 2 + 4 * 8)
    scratch = (8 * (3 * (4 + 2) + 3) + 2 * 64 * 9) * 2
    assert tile_bytes(geometry, channels, height, width) == tensors + scratch + 40


@settings(max_examples=80)
@given(geometries())
def test_tiles_keep_the_rules(geometry: Geometry) -> None:
    """Multiples of whole bytes, full width of depthwise maps, and never more than L1."""
    tile = l1_tile(geometry, L1_BYTES)
    assert (tile is not None) == has_tile(geometry, L1_BYTES)
    if tile is None:
        return
    assert tile.whole == (whole_bytes(geometry) <= L1_BYTES)
    if tile.whole:
        assert (tile.channels, tile.height, tile.width) == (
            geometry.out_channels,
            geometry.out_h,
            geometry.out_w,
        )
        return
    assert value(geometry, tile) > 0
    assert tile.channels % geometry.unit == 0 or tile.channels == geometry.out_channels
    if geometry.depthwise:
        assert tile.width == geometry.out_w
        if max(geometry.in_h, geometry.in_w) <= 32:
            assert tile.height == geometry.out_h


def test_more_memory_never_gives_a_worse_tile() -> None:
    """Whatever fits into less fits into more."""
    geometry = Geometry("conv", 96, 384, 3, 1, 2, 14, 14, 14, 14, 8, 8)
    values = []
    for size in range(18_000, 60_000, 3_000):
        tile = l1_tile(geometry, size)
        if tile is not None and not tile.whole:
            n, h, w = (np.array(v) for v in (tile.channels, tile.height, tile.width))
            values.append(int(score(geometry, n, h, w) + tile_bytes(geometry, n, h, w)))
    assert len(values) > 10
    assert values == sorted(values)


def test_fewer_channels_than_fill_a_byte_are_one_tile() -> None:
    """Three output channels of 2 bits: no multiple of four exists, so all three are taken."""
    geometry = Geometry("conv", 64, 3, 3, 1, 2, 56, 56, 56, 56, 2, 2)
    tile = l1_tile(geometry, L1_BYTES)
    assert tile is not None
    assert tile.channels == 3
    assert l1_tile(replace(geometry, in_channels=3000), L1_BYTES) is None
