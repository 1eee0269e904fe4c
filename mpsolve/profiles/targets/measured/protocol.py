"""How latencies are measured: in turn, again and again, with medians.

Each *round* takes one sample of every call, so that whatever slows the machine down for a while
slows all of them down alike, and their ratios stay right. A sample is the mean of so many runs
that it lasts long enough for the clock. The garbage collector is off meanwhile.

Samples of one *pass* agree better among each other than with those of another pass, which begins
later and with tensors at other addresses. So several passes are made, and the value is the median
of their medians. How far it would be off if all were measured again is estimated from how far they
are apart (T. Kalibera and R. Jones, *Rigorous Benchmarking in Reasonable Time*, ISMM 2013, section
5: repeat at the level at which results vary).

Median absolute deviations, which single disturbed samples do not move, stand for standard
deviations: C. Croux and P. J. Rousseeuw, *Time-Efficient Algorithms for Two Highly Robust
Estimators of Scale*, COMPSTAT 1992, give the factors for normal samples.
"""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mpsolve.errors import InputError
from mpsolve.profiles.targets.target import Latency

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mpsolve.typing import FloatArray

K = TypeVar("K")

#: What turns the median absolute deviation of many normal samples into their standard deviation,
#: and the further factor for 2 to 9 of them.
NORMAL = 1.4826
FEW = (1.196, 1.495, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107)
#: The standard error of a median is so many times that of a mean, for normal samples.
MEDIAN = (np.pi / 2) ** 0.5


@dataclass(frozen=True, slots=True)
class Timing:
    """How much is measured.

    Attributes
    ----------
    passes
        How often everything is set up anew.
    rounds
        Samples of every call in each pass.
    warm_up
        Rounds before them that do not count.
    sample_us
        Least duration of one sample in microseconds.
    """

    passes: int = 5
    rounds: int = 8
    warm_up: int = 1
    sample_us: float = 4000.0

    def __post_init__(self) -> None:
        counts = self.passes >= 1 and self.rounds >= 1 and self.warm_up >= 0
        if not counts or not 0 <= self.sample_us < float("inf"):
            raise InputError(
                "Measure at least 1 pass of at least 1 round, after at least 0 to warm up, in "
                "samples of a finite duration."
            )


@dataclass(frozen=True, slots=True)
class Summary:
    """What the samples of one call say, in the unit of the samples.

    Attributes
    ----------
    median
        Median of the medians of all passes.
    error
        Its standard error, which is the deviation of a latency: the larger of what the passes
        and what single samples suggest. 0 for a single sample, too small for a single pass.
    spread
        Standard deviation of single samples around the median of their pass.
    least
        The fastest sample.
    """

    median: float
    error: float
    spread: float
    least: float

    @classmethod
    def of(cls, samples: FloatArray) -> Summary:
        """Summarise ``(passes, rounds)`` samples."""
        medians = np.median(samples, axis=1)
        within = deviation((samples - medians[:, None]).ravel(), centre=0.0)
        errors = deviation(medians) / len(medians) ** 0.5, within / samples.size**0.5
        return cls(float(np.median(medians)), MEDIAN * max(errors), within, float(samples.min()))

    @property
    def latency(self) -> Latency:
        """The median, and its standard error as deviation."""
        return Latency(self.median, self.error)


def deviation(samples: FloatArray, centre: float | None = None) -> float:
    """Robust estimate of the standard deviation of normal samples; 0 for a single one."""
    count = len(samples)
    if count < 2:
        return 0.0
    factor = FEW[count - 2] if count - 2 < len(FEW) else count / (count - 0.8)
    middle = np.median(samples) if centre is None else centre
    return factor * NORMAL * float(np.median(np.abs(samples - middle)))


def by_clock(
    call: Callable[[], object], runs: int, clock: Callable[[], int] = time.perf_counter_ns
) -> float:
    """Microseconds of one run of a call, the mean over ``runs`` of them; the clock has ns."""
    began = clock()
    for _ in range(runs):
        call()
    return (clock() - began) / (1000 * runs)


def interleaved(
    calls: Mapping[K, Callable[[], object]],
    timing: Timing,
    sample: Callable[[Callable[[], object], int], float] = by_clock,
) -> dict[K, FloatArray]:
    """One pass: sample several calls in turn.

    Parameters
    ----------
    calls
        What is timed; every call must leave things as it found them.
    timing
        How much is measured.
    sample
        Runs a call so many times and returns the mean of microseconds.

    Returns
    -------
    Call -> ``(rounds,)`` float64 microseconds of one run.
    """
    runs = {key: _runs(call, timing.sample_us, sample) for key, call in calls.items()}
    samples: dict[K, list[float]] = {key: [] for key in calls}
    with _without_garbage_collector():
        for _ in range(timing.warm_up + timing.rounds):
            for key, call in calls.items():
                samples[key].append(sample(call, runs[key]))
    return {key: np.array(own[timing.warm_up :]) for key, own in samples.items()}


def _runs(
    call: Callable[[], object],
    sample_us: float,
    sample: Callable[[Callable[[], object], int], float],
) -> int:
    """How many runs last long enough; the first run, which may prepare things, is not looked at."""
    call()
    runs = 1
    while (last := sample(call, runs)) * runs < sample_us:
        needed = np.ceil(sample_us / last) if last > 0 else np.inf
        runs = int(min(max(needed, runs + 1), 10 * runs))
    return runs


@contextmanager
def _without_garbage_collector() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
