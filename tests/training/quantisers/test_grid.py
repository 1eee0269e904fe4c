"""Grids: their codes and scales."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given

from mpsolve import InputError
from mpsolve.training import Grid
from tests.training.support import GRIDS


@pytest.mark.parametrize(
    ("grid", "lowest", "highest", "scale"),
    [
        (Grid(8, signed=False), 0, 255, 6 / 255),
        (Grid(4, signed=False), 0, 15, 6 / 15),
        (Grid(2, signed=False), 0, 3, 2.0),
        (Grid(1, signed=False), 0, 1, 6.0),
        (Grid(8, signed=True), -128, 127, 6 / 128),
        (Grid(4, signed=True), -8, 7, 6 / 8),
        (Grid(2, signed=True), -2, 1, 3.0),
        (Grid(2, signed=True, odd=True), -1, 1, 12 / 3),
        (Grid(4, signed=True, odd=True), -7, 7, 12 / 15),
        (Grid(8, signed=True, odd=True), -127, 127, 12 / 255),
    ],
)
def test_codes_and_scale(grid: Grid, lowest: int, highest: int, scale: float) -> None:
    """Unsigned t / (2^b - 1), two's complement 2 t / 2^b, odd 2 t / (2^b - 1), here for t = 6."""
    assert (grid.lowest, grid.highest) == (lowest, highest)
    assert grid.scale(6.0) == scale


@given(GRIDS)
def test_zero_has_code_zero(grid: Grid) -> None:
    """Padding with zeros is exact on every grid, which has 2^b codes."""
    assert grid.lowest <= 0 <= grid.highest
    assert grid.highest - grid.lowest + 1 == 2**grid.bits


def test_doubling_precisions_nest() -> None:
    """The scale of 2b bits divides that of b bits by 2^b or 2^b + 1, so that grids nest."""
    for bits in (2, 4):
        signed, unsigned = (
            Grid(bits, sign).scale(1.0) / Grid(2 * bits, sign).scale(1.0) for sign in (True, False)
        )
        odd = Grid(bits, True, odd=True).scale(1.0) / Grid(2 * bits, True, odd=True).scale(1.0)
        assert signed == 2**bits
        assert unsigned == pytest.approx(2**bits + 1, rel=1e-15)
        assert odd == pytest.approx(2**bits + 1, rel=1e-15)


@pytest.mark.parametrize(
    ("bits", "signed"), [(0, False), (1, True), (17, True), (17, False), (4.0, True), (True, False)]
)
def test_impossible_bits(bits: object, signed: bool) -> None:
    """A signed grid has 2 to 16 bits, an unsigned one 1 to 16."""
    with pytest.raises(InputError, match=r"signed grid has [12] to 16 bits, not"):
        Grid(cast("Any", bits), signed)


def test_unsigned_grids_are_not_odd() -> None:
    """Without negative codes there is no lowest one to leave out."""
    with pytest.raises(InputError, match="Only a signed grid"):
        Grid(4, signed=False, odd=True)
