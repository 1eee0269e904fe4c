"""What a search has found."""

from __future__ import annotations

import pytest
import torch

from mpsolve import InputError, Precision
from mpsolve.training import Fixed, Gates, Mixture, SearchedLayer
from mpsolve.training.search.extraction import (
    configuration,
    effective_bits,
    expected_bits,
    relative_bops,
)


def decided(*phi: float) -> Gates:
    """Gates of 2, 4 and 8 bits with these parameters."""
    gates = Gates()
    with torch.no_grad():
        gates.phi.copy_(torch.tensor(phi))
    return gates


LAYERS = [
    SearchedLayer("first", 100, Fixed(8), decided(9, -9)),
    SearchedLayer("second", 300, decided(-9, 9), decided(9, 9)),
]


def test_configuration() -> None:
    """Input bits first, as in the rest of the library."""
    assert configuration(LAYERS) == {"first": Precision(8, 4), "second": Precision(2, 8)}


def test_bit_operations() -> None:
    """(100 * 8 * 4 + 300 * 2 * 8) / (400 * 64) = 0.3125, as much as 4.47 bits everywhere."""
    assert relative_bops(LAYERS) == 0.3125
    assert effective_bits(LAYERS) == pytest.approx(4.472136)


def test_expected_bits() -> None:
    """(100 * 8 + 300 * 2) / 400 and (100 * 4 + 300 * 8) / 400; a mixture has its mean."""
    assert expected_bits(LAYERS) == pytest.approx((3.5, 7.0), abs=1e-2)
    even = SearchedLayer("a", 1, Mixture(initial=0.0), Fixed(8))
    assert expected_bits([even]) == pytest.approx((14 / 3, 8))


def test_layers_have_different_names() -> None:
    """A configuration names every layer once."""
    with pytest.raises(InputError, match="one name"):
        configuration([LAYERS[0], LAYERS[0]])


@pytest.mark.parametrize("macs", [0, -1, float("nan"), float("inf")])
def test_layers_have_operations(macs: float) -> None:
    """A number of MACs that is none is refused, and the layer is named."""
    with pytest.raises(InputError, match="Layer conv1 needs a positive number of MACs"):
        SearchedLayer("conv1", macs, Fixed(8), Fixed(8))


@pytest.mark.parametrize(
    "latencies", [[[1, 2, 3]], [1, 2, 3], [[1], [2], [0]], [[1], [2], [float("nan")]]]
)
def test_latencies_fit_the_precisions(latencies: list[list[float]]) -> None:
    """A row for each precision of the input, a column for each of the weights."""
    with pytest.raises(InputError, match="Layer conv1 needs 3 x 1 positive latencies"):
        SearchedLayer("conv1", 1, Gates(), Fixed(8), latencies)


def test_impossible_fixed_precision() -> None:
    """Half a bit is none."""
    with pytest.raises(InputError, match="whole bit-widths"):
        Fixed(0)
