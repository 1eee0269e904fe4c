"""The compiled kernel and the NumPy kernel are one algorithm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve import InputError, Limit, UnsupportedError
from mpsolve.formulations.mckp import kernels
from mpsolve.formulations.mckp import search as search_module
from mpsolve.formulations.mckp.kernels import default_kernel, kernel_named
from mpsolve.formulations.mckp.search import SearchOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.formulations.mckp.kernels import Kernel
    from mpsolve.formulations.mckp.search import Result
    from mpsolve.typing import IntArray

    Triple = tuple[IntArray, IntArray, IntArray]


@pytest.fixture(scope="module")
def compiled() -> Kernel:
    """The compiled kernel."""
    try:
        return kernel_named("compiled")
    except UnsupportedError as error:
        pytest.skip(str(error))


@pytest.fixture
def plain() -> Kernel:
    """The kernel that needs nothing but NumPy."""
    return kernel_named("numpy")


def random_knapsack(rng: np.random.Generator, largest_groups: int = 60) -> Triple:
    """Ragged groups of every kind of correlation, with ties and with numbers up to 2^45."""
    counts = rng.integers(1, 10, rng.integers(1, largest_groups))
    offsets = np.concatenate(([0], np.cumsum(counts)))
    largest = int(rng.choice([5, 100, 10**6, 2**45]))
    weights = rng.integers(-3, largest, offsets[-1])
    noise = rng.integers(-largest // 10 - 1, largest // 10 + 1, offsets[-1])
    losses = [
        rng.integers(-3, largest, offsets[-1]),
        largest - weights,
        largest - weights + largest // 10,
        np.maximum(0, largest - weights + noise),
    ][rng.integers(4)]
    return weights, losses, offsets


def capacity(rng: np.random.Generator, weights: IntArray, offsets: IntArray) -> int:
    """Mostly inside the range of sums, sometimes at or beyond an end of it."""
    low = int(np.minimum.reduceat(weights, offsets[:-1]).sum())
    high = int(np.maximum.reduceat(weights, offsets[:-1]).sum())
    if rng.random() < 0.1:
        return int(rng.choice([low - 1, low, high - 1, high, high + 1]))
    return low + int((high - low) * rng.random())


def same(one: Result, other: Result) -> bool:
    """Whether two results agree in everything."""
    if (one.loss, one.bound, one.limit) != (other.loss, other.bound, other.limit):
        return False
    if one.choice is None or other.choice is None:
        return one.choice is other.choice
    return bool((one.choice == other.choice).all())


def differing(
    rng: np.random.Generator, instances: int, one: Kernel, other: Kernel
) -> Iterator[int]:
    """The instances on which two kernels differ, with starts, gaps and label limits."""
    for k in range(instances):
        weights, losses, offsets = random_knapsack(rng)
        limit = int(rng.choice([50, 500, 20_000])) if rng.random() < 0.3 else 5_000
        gap = float(rng.choice([0.0, 0.0, 0.01]))
        start = rng.integers(0, np.diff(offsets)) if rng.random() < 0.3 else None
        options = SearchOptions(start, math.inf, limit, gap)
        room = capacity(rng, weights, offsets)
        results = [
            kernel.prepare(weights, losses, offsets).search(room, options)
            for kernel in (one, other)
        ]
        if not same(*results):
            yield k


def test_both_kernels_give_the_same_choice_bound_and_limit(compiled: Kernel, plain: Kernel) -> None:
    """On 10,000 instances of all kinds, whatever ends the search."""
    assert list(differing(np.random.default_rng(0), 10_000, compiled, plain)) == []


def test_both_kernels_dive_alike(
    compiled: Kernel, plain: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dives from few labels on, narrow and short ones, find the same incumbents."""
    monkeypatch.setattr(search_module, "DIVE_AT", 20)
    monkeypatch.setattr(search_module, "DIVE_GROWTH", 2)
    monkeypatch.setattr(search_module, "DIVE_SHARE", 4)
    assert list(differing(np.random.default_rng(1), 1000, compiled, plain)) == []


@pytest.mark.parametrize("equal", [False, True])
def test_both_kernels_agree_on_many_groups(compiled: Kernel, plain: Kernel, equal: bool) -> None:
    """Also where all hull segments have the same slope, so that ties alone fill the capacity."""
    rng = np.random.default_rng(2)
    groups = 20_000
    weights = np.sort(rng.integers(1, 1000, (groups, 4)), 1)
    losses = (3000 - 3 * weights) if equal else rng.integers(1, 10**6, (groups, 4))
    offsets = np.arange(groups + 1) * 4
    for share in (0.01, 0.3, 0.77, 0.999):
        limit = int(weights[:, 0].sum() * (1 - share) + weights[:, 3].sum() * share)
        results = [
            kernel.prepare(weights.ravel(), losses.ravel(), offsets).search(limit)
            for kernel in (compiled, plain)
        ]
        assert same(*results)
        assert results[0].loss == results[0].bound


def test_a_wide_group_is_sorted_like_a_narrow_one(compiled: Kernel, plain: Kernel) -> None:
    """Hundreds of joint candidates in one group, with many equal weights and losses."""
    rng = np.random.default_rng(3)
    for size in (65, 500, 3000):
        offsets = np.array([0, size, size + 7])
        weights, losses = rng.integers(0, 200, (2, size + 7))
        for limit in range(0, 400, 37):
            one, other = (k.prepare(weights, losses, offsets) for k in (compiled, plain))
            assert same(one.search(limit), other.search(limit))
            assert one.spread(limit) == other.spread(limit)


def test_both_kernels_scale_alike(compiled: Kernel, plain: Kernel) -> None:
    """The integers, their exponent and their exactness, from 1e-300 to 1e300 and for integers."""
    rng = np.random.default_rng(4)
    for k in range(1000):
        counts = rng.integers(1, 9, rng.integers(1, 30))
        offsets = np.concatenate(([0], np.cumsum(counts)))
        values = rng.normal(size=offsets[-1]) * 10.0 ** rng.integers(-300, 300)
        if k % 4 == 1:
            values = np.round(values, 2)
        if k % 4 == 2:
            values = rng.integers(-50, 50, offsets[-1]) * int(rng.choice([1, 6, 2**30]))
        if k % 4 == 3:
            values = values * (rng.random(offsets[-1]) < 0.2)
        for bits, up in ((60, False), (62, True)):
            one, other = (
                kernel.fixed_point(values, offsets, bits, up) for kernel in (compiled, plain)
            )
            assert one.integers.tolist() == other.integers.tolist()
            assert (one.exponent, one.exact) == (other.exponent, other.exact)


def test_compiled_search_reports_and_stops(
    compiled: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Progress brackets the optimum; a deadline, Ctrl-C and errors end the search."""
    monkeypatch.setattr(search_module, "POLL_AT", 0)
    rng = np.random.default_rng(5)
    weights = np.sort(rng.integers(1, 10**6, (60, 10)), 1)
    losses = 10**6 - weights + 10**5 * (weights == weights[:, :1])
    prepared = compiled.prepare(weights.ravel(), losses.ravel(), np.arange(61) * 10)
    limit = int(weights.mean(1).sum())
    optimum = prepared.search(limit).loss
    seen: list[tuple[int, int]] = []
    prepared.search(limit, SearchOptions(report=lambda *state: seen.append(state)))
    assert seen
    assert all(bound <= optimum <= incumbent for incumbent, bound in seen)

    late = prepared.search(limit, SearchOptions(deadline=-math.inf))
    assert late.limit is Limit.TIME
    assert late.bound <= optimum <= late.loss

    def interrupt(incumbent: int, bound: int) -> None:
        raise KeyboardInterrupt

    stopped = prepared.search(limit, SearchOptions(report=interrupt))
    assert stopped.limit is Limit.INTERRUPTED
    assert stopped.bound <= optimum <= stopped.loss

    def fail(incumbent: int, bound: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        prepared.search(limit, SearchOptions(report=fail))


def test_the_extension_refuses_what_would_not_fit(compiled: Kernel) -> None:
    """Wrong types, lengths and offsets are errors, and never read beyond an array."""
    numbers, offsets = np.arange(4), np.array([0, 2, 4])
    with pytest.raises(TypeError, match="int64"):
        compiled.prepare(numbers.astype(float), numbers, offsets)
    with pytest.raises(TypeError, match="contiguous"):
        compiled.prepare(numbers.astype(np.int32), numbers, offsets)
    with pytest.raises(ValueError, match="as many losses"):
        compiled.prepare(numbers, numbers[:3], offsets)
    for wrong in ([0, 2, 5], [0, 2, 2, 4], [1, 4], [0]):
        with pytest.raises(ValueError, match="offsets do not fit"):
            compiled.prepare(numbers, numbers, np.array(wrong))
    prepared = compiled.prepare(numbers, numbers, offsets)
    with pytest.raises(ValueError, match="one position per group"):
        prepared.search(3, SearchOptions(start=np.zeros(5, np.int64)))
    outside = prepared.search(3, SearchOptions(start=np.array([9, -1])))
    assert same(outside, prepared.search(3))


def test_the_environment_chooses_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """``MPSOLVE_KERNEL=numpy`` overrules the compiled kernel; other names are refused."""
    default_kernel.cache_clear()
    monkeypatch.setenv("MPSOLVE_KERNEL", "numpy")
    assert default_kernel().name == "numpy"
    default_kernel.cache_clear()
    monkeypatch.setenv("MPSOLVE_KERNEL", "fortran")
    with pytest.raises(InputError, match="no kernel 'fortran'; there are compiled and numpy"):
        default_kernel()
    default_kernel.cache_clear()


def test_without_the_extension_numpy_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel was not built, nothing is missing but speed."""

    def missing() -> None:
        raise ImportError

    monkeypatch.setattr(kernels, "CompiledKernel", missing)
    monkeypatch.delenv("MPSOLVE_KERNEL", raising=False)
    default_kernel.cache_clear()
    kernel_named.cache_clear()
    assert default_kernel().name == "numpy"
    with pytest.raises(UnsupportedError, match="C compiler"):
        kernel_named("compiled")
    default_kernel.cache_clear()
    kernel_named.cache_clear()
