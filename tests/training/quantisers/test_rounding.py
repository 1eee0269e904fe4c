"""Fake quantisation against torch's own operator and against a search over all codes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import InputError
from mpsolve.training import Grid, fake_quantise
from mpsolve.training.quantisers.rounding import in_range, integers, straight_through
from tests.training.support import BITS, GRIDS, SEEDS, away_from_ties, by_search, normal


@settings(deadline=None)
@given(GRIDS, SEEDS, st.integers(-8, 8))
def test_per_tensor_as_torch_for_powers_of_two(grid: Grid, seed: int, exponent: int) -> None:
    """Where scales are exact, values are torch's in every bit, and so are the gradients."""
    scale = 2.0**exponent
    x = normal(200, seed=seed) * scale * 2**grid.bits / 2
    threshold = torch.tensor(scale * grid.divisor)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    value = fake_quantise(ours, threshold, grid)
    expected = torch.fake_quantize_per_tensor_affine(theirs, scale, 0, grid.lowest, grid.highest)
    assert torch.equal(value, expected)
    weights = normal(200, seed=seed + 1)
    (value * weights).sum().backward()
    (expected * weights).sum().backward()
    assert ours.grad is not None
    assert theirs.grad is not None
    assert torch.equal(ours.grad, theirs.grad)


@settings(deadline=None)
@given(GRIDS, SEEDS, st.floats(0.01, 100))
def test_per_tensor_as_torch(grid: Grid, seed: int, threshold: float) -> None:
    """For any threshold the values are torch's, except at ties of its reciprocal."""
    x = normal(300, seed=seed) * threshold
    scale = grid.scale(torch.tensor(threshold))
    value = fake_quantise(x, torch.tensor(threshold), grid)
    expected = torch.fake_quantize_per_tensor_affine(x, float(scale), 0, grid.lowest, grid.highest)
    clear = away_from_ties(x, scale)
    assert clear.float().mean() > 0.9
    assert torch.equal(value[clear], expected[clear])


@settings(deadline=None)
@given(BITS, SEEDS, st.sampled_from([(5, 7), (5, 3, 3, 3), (5,)]))
def test_per_channel_as_torch(bits: int, seed: int, shape: tuple[int, ...]) -> None:
    """One threshold for every index of axis 0, in values and gradients."""
    grid = Grid(bits, signed=True)
    x = normal(*shape, seed=seed)
    threshold = 0.1 + torch.rand(5, generator=torch.Generator().manual_seed(seed))
    scale = grid.scale(threshold)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    value = fake_quantise(ours, threshold, grid)
    expected = torch.fake_quantize_per_channel_affine(
        theirs, scale, torch.zeros(5, dtype=torch.int32), 0, grid.lowest, grid.highest
    )
    clear = away_from_ties(x, scale.reshape(-1, *[1] * (len(shape) - 1)))
    assert torch.equal(value[clear], expected[clear])
    value.sum().backward()
    expected.sum().backward()
    assert ours.grad is not None
    assert theirs.grad is not None
    assert torch.equal(ours.grad[clear], theirs.grad[clear])


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize(("signed", "odd"), [(True, False), (False, False), (True, True)])
def test_codes_by_search(bits: int, signed: bool, odd: bool) -> None:
    """The code is the nearest of all codes, and the even one halfway between two."""
    grid = Grid(bits, signed, odd)
    threshold = grid.divisor / 4  # scale 1/4: halves are exact
    x = torch.arange(-1.2 * threshold, 1.2 * threshold, 1 / 64, dtype=torch.float64)
    codes = integers(x, torch.tensor(threshold), grid)
    assert codes.tolist() == [by_search(v, threshold, bits, signed, odd) for v in x.tolist()]


@pytest.mark.parametrize(
    ("signed", "inside"),
    [
        (True, [False, True, True, True, True, False]),
        (False, [False, False, True, True, True, True]),
    ],
)
def test_the_gradient_ends_half_a_step_beyond_the_codes(signed: bool, inside: list[bool]) -> None:
    """At 2 bits and scale 1: codes -2 to 1 or 0 to 3, halves to even."""
    grid = Grid(2, signed)
    x = torch.tensor([-2.51, -2.5, -0.5, 0.0, 1.49, 1.5], requires_grad=True)
    threshold = torch.tensor(grid.divisor)
    assert in_range(x, threshold, grid).tolist() == [*inside[:1], *(signed, *inside[2:])]
    fake_quantise(x, threshold, grid).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [float(i) for i in inside]


def test_thresholds_get_no_gradient() -> None:
    """The plain quantiser learns nothing."""
    threshold = torch.tensor(1.0, requires_grad=True)
    x = normal(9).requires_grad_()
    fake_quantise(x, threshold, Grid(4, True)).sum().backward()
    assert threshold.grad is None


def test_a_quantised_tensor_may_be_changed_in_place() -> None:
    """Residual connections are often written ``x += y``."""
    x = normal(4).requires_grad_()
    y = fake_quantise(x, torch.tensor(1.0), Grid(8, True))
    y += 1
    y.sum().backward()
    assert x.grad is not None


def test_straight_through() -> None:
    """The value is handed on, and the gradient where the mask allows it."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    out = straight_through(x, torch.tensor([7.0, 8.0]), torch.tensor([True, False]))
    assert out.tolist() == [7.0, 8.0]
    (3 * out).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [3.0, 0.0]


@pytest.mark.parametrize("shape", [(3,), (1,), (2, 1)])
def test_thresholds_must_fit(shape: tuple[int, ...]) -> None:
    """Thresholds are one number or one for each index of axis 0."""
    with pytest.raises(InputError, match=r"do not fit a tensor of shape \(2, 3\)"):
        fake_quantise(torch.zeros(2, 3), torch.ones(shape), Grid(4, True))
