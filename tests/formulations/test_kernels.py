"""The compiled kernel against the reference, and what its extension refuses."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve import InputError, Limit, UnsupportedError
from mpsolve.formulations.mckp import search as search_module
from mpsolve.formulations.mckp.kernels import default_kernel, kernel_named
from mpsolve.formulations.mckp.search import SearchOptions

if TYPE_CHECKING:
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
def reference() -> Kernel:
    """The kernel that is short."""
    return kernel_named("reference")


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


def agree(
    rng: np.random.Generator, instances: int, largest_groups: int, one: Kernel, other: Kernel
) -> None:
    """Both find optima of the same loss, or brackets around it where labels become too many."""
    for _ in range(instances):
        weights, losses, offsets = random_knapsack(rng, largest_groups)
        room = capacity(rng, weights, offsets)
        start = rng.integers(0, np.diff(offsets)) if rng.random() < 0.3 else None
        prepared = [kernel.prepare(weights, losses, offsets) for kernel in (one, other)]
        whole = [each.search(room, SearchOptions(start)) for each in prepared]
        assert (whole[0].choice is None) == (whole[1].choice is None)
        if whole[0].choice is None:
            continue
        least, most = max(result.bound for result in whole), min(result.loss for result in whole)
        assert least <= most
        for result in whole:
            check(result, weights, losses, offsets, room)
            assert result.bound == result.loss or result.limit is Limit.LABELS
        limit, gap = int(rng.choice([50, 500, 20_000])), float(rng.choice([0.0, 0.01]))
        for each in prepared:
            cut = each.search(room, SearchOptions(start, math.inf, limit, gap))
            check(cut, weights, losses, offsets, room)
            assert cut.bound <= most
            assert cut.loss >= least
            if cut.limit is None:
                assert cut.loss - cut.bound <= gap * abs(cut.loss)
        spreads = [each.spread(int(most)) for each in prepared]
        assert spreads[0] == spreads[1]
        assert prepared[0].base_loss == prepared[1].base_loss


def check(
    result: Result, weights: IntArray, losses: IntArray, offsets: IntArray, room: int
) -> None:
    """The choice keeps the capacity and loses what is said."""
    assert result.choice is not None
    flat = offsets[:-1] + result.choice
    assert (flat < offsets[1:]).all()
    assert weights[flat].sum() <= room
    assert losses[flat].sum() == result.loss


def test_both_kernels_find_optima(compiled: Kernel, reference: Kernel) -> None:
    """On 10,000 small instances of all kinds, with starts, gaps and label limits."""
    agree(np.random.default_rng(0), 10_000, 8, compiled, reference)


@pytest.mark.slow
def test_both_kernels_find_optima_of_more_groups(compiled: Kernel, reference: Kernel) -> None:
    """On 200 instances of up to 40 groups."""
    agree(np.random.default_rng(1), 200, 40, compiled, reference)


def test_dives_change_no_optimum(
    compiled: Kernel, reference: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dives from few labels on, narrow and short ones."""
    often = search_module.TUNING._replace(dive_at=20, dive_growth=2, dive_share=4)
    monkeypatch.setattr(search_module, "TUNING", often)
    agree(np.random.default_rng(2), 1000, 8, compiled, reference)


@pytest.mark.parametrize("equal", [False, True])
def test_many_groups(compiled: Kernel, equal: bool) -> None:
    """The dual bound of the relaxation, in whole numbers where all slopes are equal, is met."""
    rng = np.random.default_rng(2)
    groups = 20_000
    weights = np.sort(rng.integers(1, 1000, (groups, 4)), 1)
    losses = (3000 - 3 * weights) if equal else rng.integers(1, 10**6, (groups, 4))
    offsets = np.arange(groups + 1) * 4
    for share in (0.01, 0.3, 0.77, 0.999):
        limit = int(weights[:, 0].sum() * (1 - share) + weights[:, 3].sum() * share)
        result = compiled.prepare(weights.ravel(), losses.ravel(), offsets).search(limit)
        check(result, weights.ravel(), losses.ravel(), offsets, limit)
        assert result.loss == result.bound
        assert result.loss >= dual(weights, losses, limit)
        if equal:  # three per unit of weight, and the capacity can be filled
            assert result.loss == 3000 * groups - 3 * limit


def dual(weights: IntArray, losses: IntArray, limit: int) -> float:
    """The best of some Lagrangian bounds: no choice within the limit loses less."""
    priced = (losses + price * weights for price in np.geomspace(1e-3, 1e5, 200))
    prices = np.geomspace(1e-3, 1e5, 200)
    return max(
        float(own.min(1).sum()) - price * limit for own, price in zip(priced, prices, strict=True)
    )


def test_a_wide_group_is_sorted_like_a_narrow_one(compiled: Kernel, reference: Kernel) -> None:
    """Hundreds of joint candidates in one group, with many equal weights and losses."""
    rng = np.random.default_rng(3)
    for size in (65, 500, 3000):
        offsets = np.array([0, size, size + 7])
        weights, losses = rng.integers(0, 200, (2, size + 7))
        pairs = (
            np.add.outer(weights[:size], weights[size:]),
            np.add.outer(losses[:size], losses[size:]),
        )
        one, other = (k.prepare(weights, losses, offsets) for k in (compiled, reference))
        for limit in range(0, 400, 37):
            within = pairs[1][pairs[0] <= limit]
            for result in (one.search(limit), other.search(limit)):
                assert (result.choice is None) == (within.size == 0)
                assert within.size == 0 or result.loss == result.bound == within.min()
            assert one.spread(limit) == other.spread(limit)


def test_both_kernels_scale_alike(compiled: Kernel, reference: Kernel) -> None:
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
                kernel.fixed_point(values, offsets, bits, up) for kernel in (compiled, reference)
            )
            assert one.integers.tolist() == other.integers.tolist()
            assert (one.exponent, one.exact) == (other.exponent, other.exact)


def test_compiled_search_reports_and_stops(
    compiled: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Progress brackets the optimum; a deadline, Ctrl-C and errors end the search."""
    monkeypatch.setattr(search_module, "TUNING", search_module.TUNING._replace(poll_at=0))
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
    assert outside.loss == prepared.search(3).loss == 0 + 2


def test_the_environment_chooses_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """``MPSOLVE_KERNEL=reference`` overrules the compiled kernel; other names are refused."""
    for name in ("reference", "numpy"):
        default_kernel.cache_clear()
        monkeypatch.setenv("MPSOLVE_KERNEL", name)
        assert default_kernel().name == "reference"
    default_kernel.cache_clear()
    monkeypatch.setenv("MPSOLVE_KERNEL", "fortran")
    with pytest.raises(InputError, match="no kernel 'fortran'; there are compiled and reference"):
        default_kernel()
    default_kernel.cache_clear()


def test_without_the_extension_the_reference_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel was not built, nothing is missing but speed."""
    monkeypatch.setitem(sys.modules, "mpsolve.formulations.mckp.compiled", None)
    monkeypatch.delenv("MPSOLVE_KERNEL", raising=False)
    default_kernel.cache_clear()
    kernel_named.cache_clear()
    assert default_kernel().name == "reference"
    with pytest.raises(UnsupportedError, match="C compiler"):
        kernel_named("compiled")
    default_kernel.cache_clear()
    kernel_named.cache_clear()
