"""Rules for thresholds against NumPy and against plain loops."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import InputError
from mpsolve.training import Grid, MovingThreshold
from mpsolve.training.quantisers.thresholds import (
    LEAST,
    deviations,
    largest,
    percentile,
)
from tests.training.support import GRIDS, SEEDS, assert_close, normal

SIGNED, UNSIGNED = Grid(4, signed=True), Grid(4, signed=False)
X = torch.tensor([[1.0, -3.0, 2.0], [0.5, 0.25, -0.5]])


def test_largest() -> None:
    """The largest magnitude, of positive values alone where the grid has no others."""
    assert largest(X, SIGNED).item() == 3
    assert largest(X, UNSIGNED).item() == 2
    assert largest(X, SIGNED, True).tolist() == [3, 0.5]
    assert largest(X, UNSIGNED, True).tolist() == [2, 0.5]


def test_deviations() -> None:
    """NumPy's moments; a negative mean shrinks the range of an unsigned grid."""
    x = normal(3, 50, seed=4, dtype=torch.float64) - 0.5
    mean, spread = x.numpy().mean(1), x.numpy().std(1)
    assert_close(deviations(x, SIGNED, True), np.abs(mean) + 3 * spread, 1e-12)
    assert_close(deviations(x, UNSIGNED, True, number=2), mean + 2 * spread, 1e-12)
    assert deviations(x, SIGNED).item() == pytest.approx(
        abs(x.numpy().mean()) + 3 * x.numpy().std()
    )


@settings(deadline=None)
@given(SEEDS, st.floats(0.1, 100), st.booleans())
def test_percentile(seed: int, percent: float, signed: bool) -> None:
    """NumPy's inverted distribution function of the magnitudes."""
    x = normal(2, 37, seed=seed)
    magnitudes = x.abs() if signed else x.clamp(min=0)
    grid = Grid(4, signed)
    expected = np.percentile(magnitudes.numpy(), percent, axis=1, method="inverted_cdf")
    assert_close(percentile(x, grid, True, percent=percent), np.maximum(expected, LEAST), 1e-6)


def test_percentile_of_everything_is_the_largest() -> None:
    """One hundred percent leave nothing out."""
    assert percentile(X, SIGNED, True, percent=100).tolist() == [3, 0.5]


@pytest.mark.parametrize("percent", [0, -1, 101])
def test_impossible_percentile(percent: float) -> None:
    """A percentile of nothing, or of more than everything, is refused."""
    with pytest.raises(InputError, match="percentile lies above 0"):
        percentile(X, SIGNED, percent=percent)


@settings(deadline=None, max_examples=30)
@given(GRIDS, SEEDS)
def test_channels_are_independent(grid: Grid, seed: int) -> None:
    """The thresholds of channels are those of the channels alone."""
    x = normal(3, 4, 5, seed=seed)
    for rule in (largest, deviations, percentile, partial(percentile, percent=50.0)):
        alone = torch.stack([rule(channel, grid, False) for channel in x])
        assert_close(rule(x, grid, True), alone)


@pytest.mark.parametrize("rule", [largest, deviations, percentile])
def test_a_dead_channel_has_a_finite_logarithm(rule: object) -> None:
    """A channel of zeros gets the least threshold, not zero."""
    assert callable(rule)
    threshold = rule(torch.zeros(2, 3), SIGNED, True)
    assert_close(threshold, torch.full((2,), 1e-8))
    assert bool(threshold.log2().isfinite().all())


def test_an_empty_tensor_has_no_threshold() -> None:
    """There is nothing to read it off."""
    with pytest.raises(InputError, match="at least one value"):
        largest(torch.zeros(0, 3), SIGNED)


def test_moving_average() -> None:
    """0.9 of the past and 0.1 of the new, from the first batch on: 1, 1.2, 1.48."""
    observer = MovingThreshold()
    for new, expected in ((1.0, 1.0), (3.0, 1.2), (-4.0, 1.48)):
        assert observer(torch.tensor([0.5, new]), SIGNED).item() == pytest.approx(expected)


def test_a_moving_average_resumes() -> None:
    """Its state dictionary holds all that it knows."""
    batches = [normal(4, 6, seed=seed) for seed in range(4)]
    whole, first, second = (MovingThreshold(channels=4) for _ in range(3))
    for batch in batches:
        whole(batch, SIGNED)
    for batch in batches[:2]:
        first(batch, SIGNED)
    second.load_state_dict(first.state_dict())
    for batch in batches[2:]:
        second(batch, SIGNED)
    assert torch.equal(second.threshold, whole.threshold)
