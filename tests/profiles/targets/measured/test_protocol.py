"""The protocol of measurements, on clocks that are under control, and its statistics."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import median_abs_deviation, norm

from mpsolve import InputError
from mpsolve.profiles.targets.measured.protocol import (
    Summary,
    Timing,
    by_clock,
    deviation,
    interleaved,
)
from mpsolve.profiles.targets.target import Latency

if TYPE_CHECKING:
    from collections.abc import Callable


class Machine:
    """A clock, and calls that take a known time by it, longer and longer as time passes."""

    def __init__(self, drift: float = 0.0) -> None:
        self.now = 0.0
        self.drift = drift
        self.log: list[str] = []

    def sample(self, call: Callable[[], object], runs: int) -> float:
        """As `by_clock`, by this clock."""
        return by_clock(call, runs, lambda: int(self.now))

    def call(self, name: str, us: float) -> Callable[[], None]:
        """A call of so many microseconds when time begins."""

        def run() -> None:
            self.now += 1000 * us * (1 + self.drift * self.now / 1e9)
            self.log.append(name)

        return run


def test_samples_are_means_of_runs() -> None:
    """On a steady machine every sample is what one run takes, however many it consists of."""
    machine = Machine()
    calls = {"fast": machine.call("fast", 7.5), "slow": machine.call("slow", 5000.0)}
    samples = interleaved(calls, Timing(rounds=6, sample_us=1000), machine.sample)
    assert samples["fast"].tolist() == [7.5] * 6
    assert samples["slow"].tolist() == [5000.0] * 6


def test_a_sample_lasts_long_enough() -> None:
    """A call of 7.5 us runs 134 times in a row for a sample of 1000 us; a slow one runs once."""
    machine = Machine()
    calls = {"fast": machine.call("fast", 7.5), "slow": machine.call("slow", 5000.0)}
    interleaved(calls, Timing(rounds=2, warm_up=0, sample_us=1000), machine.sample)
    rounds = "".join(name[0] for name in machine.log).rpartition("s" + "f" * 134 + "s")
    assert rounds[1]
    assert rounds[2] == ""


def test_a_clock_that_stands_still_ends_too() -> None:
    """Where the clock does not see a call, more runs are made until it does."""
    ticks = iter(range(0, 10**9, 1))
    timing = Timing(rounds=1, sample_us=0.001)
    samples = interleaved(
        {0: lambda: None}, timing, lambda c, n: by_clock(c, n, lambda: next(ticks))
    )
    assert samples[0][0] > 0


def test_drift_hits_all_alike() -> None:
    """A machine that becomes twice as slow meanwhile does not change the ratio of two calls."""
    machine = Machine(drift=2.0)
    calls = {"a": machine.call("a", 1000.0), "b": machine.call("b", 3000.0)}
    samples = interleaved(calls, Timing(rounds=101, warm_up=0, sample_us=0), machine.sample)
    assert samples["a"].max() > 1.9 * samples["a"].min()
    ratio = np.median(samples["b"]) / np.median(samples["a"])
    assert ratio == pytest.approx(3, rel=0.01)


def test_warming_up_does_not_count() -> None:
    """A first round that takes a hundred times as long leaves no trace."""
    machine = Machine()
    first = iter([100.0] * 5)
    plain = machine.call("x", 1.0)

    def call() -> None:
        for _ in range(int(next(first, 1))):
            plain()

    samples = interleaved({0: call}, Timing(rounds=3, warm_up=4, sample_us=0), machine.sample)
    assert samples[0].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_off_meanwhile(enabled: bool) -> None:
    """It is as before afterwards, also when a call fails."""
    seen = []

    def fail() -> None:
        seen.append(gc.isenabled())
        if len(seen) == 5:
            raise KeyboardInterrupt

    (gc.enable if enabled else gc.disable)()
    try:
        with pytest.raises(KeyboardInterrupt):
            interleaved({0: fail}, Timing(rounds=10, sample_us=0))
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
    assert seen[-1] is False


def test_numbers_that_make_no_sense() -> None:
    """One sentence."""
    for wrong in ({"passes": 0}, {"rounds": 0}, {"warm_up": -1}, {"sample_us": float("nan")}):
        with pytest.raises(InputError, match="Measure at least 1 pass"):
            Timing(**wrong)


samples_of_passes = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(0, 1e6))
)


@given(samples_of_passes)
def test_the_median_of_medians(samples: np.ndarray) -> None:
    """The value is the middle one of the passes' middle ones."""
    summary = Summary.of(samples)
    middle = sorted(sorted(row)[len(row) // 2] for row in samples.tolist())
    if samples.shape[0] % 2 and samples.shape[1] % 2:
        assert summary.median == middle[len(middle) // 2]
    assert samples.min() == summary.least <= summary.median <= samples.max()
    assert summary.latency == Latency(summary.median, summary.error)


@given(arrays(np.float64, st.integers(10, 60), elements=st.floats(-1e3, 1e3)))
def test_deviations_of_many(samples: np.ndarray) -> None:
    """SciPy's median absolute deviation, but for the factor of Croux and Rousseeuw."""
    expected = median_abs_deviation(samples, scale="normal") * len(samples) / (len(samples) - 0.8)
    assert deviation(samples) == pytest.approx(expected, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7, 8, 9, 10, 25])
def test_deviations_of_few_normal_samples_are_right_on_average(count: int) -> None:
    """That is what the factors are for; 4,000 draws."""
    rng = np.random.default_rng(count)
    found = [deviation(row) for row in rng.normal(10.0, 2.0, (4_000, count))]
    assert np.mean(found) == pytest.approx(2.0, rel=0.05)


def test_single_samples_do_not_deviate() -> None:
    """There is nothing to tell how much they would."""
    assert Summary.of(np.array([[3.0]])) == Summary(3.0, 0.0, 0.0, 3.0)


@pytest.mark.parametrize("between", [0.0, 3.0])
def test_the_error_is_how_far_medians_scatter(between: float) -> None:
    """Over 1,000 measurements of 5 passes of 8 samples, whose passes differ or do not.

    The larger one of two estimates is too large on average, by less than a half.
    """
    rng = np.random.default_rng(1)
    levels = rng.normal(100.0, between, (1000, 5, 1)) if between else np.full((1000, 5, 1), 100.0)
    summaries = [Summary.of(own) for own in rng.normal(levels, 1.0, (1000, 5, 8))]
    scatter = np.std([summary.median for summary in summaries])
    stated = np.mean([summary.error for summary in summaries])
    assert 0.9 * scatter < stated < 1.5 * scatter


def test_disturbed_samples_hardly_matter() -> None:
    """A fifth of the samples, ten times as slow, moves neither value nor error by much."""
    rng = np.random.default_rng(2)
    clean = rng.normal(100.0, 1.0, (5, 20))
    disturbed = np.where(np.arange(20) < 4, 1000.0, clean)
    summary = Summary.of(disturbed)
    assert summary.median == pytest.approx(100, abs=norm.ppf(0.9))
    assert summary.error < 1.0
