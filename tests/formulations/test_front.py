"""All non-dominated sums of one knapsack, against a plain dynamic programme over sets."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpsolve import Limit, Problem, bundled_tables, load_table
from mpsolve.formulations.mckp.front import FrontOptions, FrontPoints
from mpsolve.formulations.mckp.kernels import kernel_named
from mpsolve.presolve.fixed_point import fixed_point
from mpsolve.presolve.hull import compact, supported, undominated
from tests.support import KERNELS, needs_compiled

if TYPE_CHECKING:
    from random import Random

    from mpsolve.typing import IntArray

Sums = list[tuple[int, int]]
Instance = tuple[list[list[tuple[int, int]]], int]
NUMBERS = (st.integers(0, 4), st.integers(-5, 30), st.integers(0, 10**6), st.integers(0, 2**55))


def plain_front(groups: list[Sums]) -> Sums:
    """Every non-dominated (weight, loss): all sums of group after group, the dominated dropped."""
    front: Sums = [(0, 0)]
    for group in groups:
        sums = sorted({(w + dw, c + dc) for w, c in front for dw, dc in group})
        front = []
        for weight, loss in sums:
            if not front or loss < front[-1][1]:
                front.append((weight, loss))
    return front


def flat(groups: list[Sums]) -> tuple[IntArray, IntArray, IntArray]:
    """Weights, losses and offsets of some groups."""
    pairs = np.array([pair for group in groups for pair in group], np.int64).reshape(-1, 2)
    return pairs[:, 0].copy(), pairs[:, 1].copy(), np.cumsum([0, *map(len, groups)])


def found_by(kernel: str, instance: tuple[IntArray, ...], **options: Any) -> FrontPoints:
    """The front that a kernel finds."""
    return kernel_named(kernel).prepare(*instance).front(FrontOptions(**options))


def points(found: FrontPoints) -> Sums:
    """The points as pairs."""
    return list(zip(found.weights.tolist(), found.losses.tolist(), strict=True))


@st.composite
def instances(draw: st.DrawFn) -> list[Sums]:
    """A few groups of few candidates, small numbers with many ties or large ones without."""
    weight, loss = draw(st.sampled_from(NUMBERS)), draw(st.sampled_from(NUMBERS))
    group = st.lists(st.tuples(weight, loss), min_size=1, max_size=5)
    return draw(st.lists(group, min_size=1, max_size=6))


def check_ratios(found: FrontPoints, truth: Sums, epsilon: float) -> None:
    """For the budget at every true point, a found one is as close as claimed, and as asked for."""
    at = np.searchsorted(found.weights, [weight for weight, _ in truth], "right") - 1
    assert (at >= 0).all()
    for i, (_, optimum) in zip(at, truth, strict=True):
        excess, loss = found.excess[i], int(found.losses[i])
        assert excess <= epsilon
        assert (
            loss <= optimum or excess == np.inf or loss - optimum <= excess * optimum * (1 + 1e-12)
        )


@pytest.mark.parametrize("kernel", KERNELS)
@given(instances())
def test_all_points(kernel: str, groups: list[Sums]) -> None:
    """Exactly the points of the plain dynamic programme, each proven."""
    found = found_by(kernel, flat(groups))
    assert points(found) == plain_front(groups)
    assert found.limit is None
    assert found.guarantee == 0


@pytest.mark.parametrize("kernel", KERNELS)
@given(instances(), st.sampled_from([0.001, 0.01, 0.1, 1.0]), st.integers(-100, 100))
def test_ratio(kernel: str, groups: list[Sums], epsilon: float, base: int) -> None:
    """With epsilon every budget has a point that is close enough; the points are sums."""
    truth = plain_front(groups)
    found = found_by(kernel, flat(groups), epsilon=epsilon, base_loss=base)
    shifted = FrontPoints(found.weights, found.losses + base, found.excess, found.limit)
    check_ratios(shifted, [(w, c + base) for w, c in truth], epsilon)
    assert set(points(found)) <= {(w, c) for w, c in plain_sums(groups)}, (
        "a point that no choice has"
    )


def plain_sums(groups: list[Sums]) -> set[tuple[int, int]]:
    """All sums."""
    sums = {(0, 0)}
    for group in groups:
        sums = {(w + dw, c + dc) for w, c in sums for dw, dc in group}
    return sums


@pytest.mark.parametrize("kernel", KERNELS)
@given(instances(), st.integers(1, 60))
def test_label_limit(kernel: str, groups: list[Sums], limit: int) -> None:
    """What a limited search returns covers every budget with the ratio that it states."""
    found = found_by(kernel, flat(groups), label_limit=limit)
    check_ratios(found, plain_front(groups), np.inf)
    assert found.limit in (None, Limit.LABELS)
    assert found.limit is not None or points(found) == plain_front(groups)


@pytest.mark.parametrize("kernel", KERNELS)
@given(instances(), st.integers(0, 4), st.randoms(use_true_random=False))
def test_scaling_and_order(kernel: str, groups: list[Sums], k: int, random: Random) -> None:
    """Powers of two scale the points, and the order of the groups does not matter."""
    expected = [(w << k, c << (4 - k)) for w, c in points(found_by(kernel, flat(groups)))]
    scaled = [[(w << k, c << (4 - k)) for w, c in group] for group in groups]
    random.shuffle(scaled)
    assert points(found_by(kernel, flat(scaled))) == expected


@pytest.mark.parametrize("kernel", KERNELS)
@given(instances(), st.data())
def test_dominated_candidates_change_nothing(
    kernel: str, groups: list[Sums], data: st.DataObject
) -> None:
    """A further candidate that is as heavy and loses as much as another adds no point."""
    group = data.draw(st.sampled_from(groups))
    weight, loss = data.draw(st.sampled_from(group))
    worse = (weight + data.draw(st.integers(0, 9)), loss + data.draw(st.integers(0, 9)))
    expected = points(found_by(kernel, flat(groups)))
    group.insert(data.draw(st.integers(0, len(group))), worse)
    assert points(found_by(kernel, flat(groups))) == expected


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", [table.name for table in bundled_tables()])
def test_bundled_tables(kernel: str, name: str) -> None:
    """The fronts of real networks are those of the plain dynamic programme."""
    problem = Problem.from_table(load_table(name))
    losses = fixed_point(problem.loss, problem.offsets)
    assert losses.exact
    weights = problem.costs["latency"]
    pairs = list(zip(weights.tolist(), losses.integers.tolist(), strict=True))
    groups = [pairs[begin:end] for begin, end in pairwise(problem.offsets)]
    truth = plain_front(groups)
    instance = weights, losses.integers, problem.offsets
    found = found_by(kernel, instance)
    assert points(found) == truth
    assert len(truth) > 500
    limited = found_by(kernel, instance, label_limit=2000)
    assert limited.limit is Limit.LABELS
    assert 0 < limited.guarantee < np.inf
    check_ratios(limited, truth, np.inf)


def test_interrupt_and_deadline() -> None:
    """Ctrl-C and a deadline leave the supported points, and ratios that hold."""
    rng = np.random.default_rng(3)
    groups = [list(zip(*rng.integers(1, 10**5, (2, 6)).tolist(), strict=True)) for _ in range(16)]
    truth = plain_front(groups)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    stopped = found_by("reference", flat(groups), progress=interrupt)
    assert stopped.limit is Limit.INTERRUPTED
    assert 0 < stopped.guarantee < np.inf
    check_ratios(stopped, truth, np.inf)
    late = found_by("reference", flat(groups), deadline=time.monotonic())
    assert late.limit is Limit.TIME
    check_ratios(late, truth, np.inf)
    hull = supported(*compact(*flat(groups)))
    assert points(late) == list(zip(hull.weights.tolist(), hull.losses.tolist(), strict=True))
    assert set(points(late)) <= set(truth)


@needs_compiled
def test_compiled_front_stops_and_reports() -> None:
    """A deadline and Ctrl-C during many labels leave ratios that hold; progress grows."""
    rng = np.random.default_rng(3)
    weights = rng.integers(1, 10**6, 400)
    losses = 10**6 - weights + rng.integers(0, 10**4, 400)
    instance = weights, losses, np.arange(0, 401, 10)
    parts: list[float] = []

    def interrupt(part: float) -> None:
        parts.append(part)
        if len(parts) == 2:
            raise KeyboardInterrupt

    stopped = found_by("compiled", instance, progress=interrupt)
    assert stopped.limit is Limit.INTERRUPTED
    assert parts == sorted(parts)
    late = found_by("compiled", instance, deadline=time.monotonic())
    assert late.limit is Limit.TIME
    prepared = kernel_named("compiled").prepare(*instance)
    low, high = int(stopped.weights[0]), int(stopped.weights[-1])
    budgets = sorted({low, high, *rng.integers(low, high, 50).tolist()})
    truth = [(budget, prepared.search(budget).loss) for budget in budgets]
    for found in (stopped, late):
        assert 0 < found.guarantee < np.inf
        check_ratios(found, truth, np.inf)


def test_progress_ends_at_one() -> None:
    """The part that is done grows to 1; the compiled kernel speaks up after millions of labels."""
    rng = np.random.default_rng(4)
    parts: list[float] = []
    weights, losses = rng.integers(0, 10**6, (2, 60))
    found_by("reference", (weights, losses, np.arange(0, 61, 6)), progress=parts.append)
    assert parts == sorted(parts)
    assert parts[-1] == 1


@needs_compiled
def test_a_search_that_grows_too_wide_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """With few labels at once, narrow searches still find every point they can."""
    rng = np.random.default_rng(5)
    groups = [list(zip(*rng.integers(1, 10**5, (2, 6)).tolist(), strict=True)) for _ in range(12)]
    expected = plain_front(groups)
    monkeypatch.setattr("mpsolve.formulations.mckp.compiled.STEP_LIMIT", 400)
    found = found_by("compiled", flat(groups))
    check_ratios(found, expected, np.inf)
    assert np.isfinite(found.guarantee)
    monkeypatch.setattr("mpsolve.formulations.mckp.compiled.STEP_LIMIT", 4000)
    assert points(found_by("compiled", flat(groups))) == expected


def test_hull_by_hand() -> None:
    """Of (0, 9) (1, 4) (2, 3) (4, 0) the third lies above the chord: 3 > 4 - 4/3."""
    weights, losses, offsets = flat([[(0, 9), (2, 3), (1, 4), (4, 0), (4, 5)], [(7, 7)]])
    assert undominated(weights, losses, offsets).tolist() == [True, True, True, True, False, True]
    hull = supported(*compact(weights, losses, offsets))
    assert list(zip(hull.weights.tolist(), hull.losses.tolist(), strict=True)) == [
        (7, 16),
        (8, 11),
        (11, 7),
    ]
    # Up to a weight of 10, one step before the last corner, the chord has fallen by 4/3 * 2.
    assert hull.excess(hull.weights, hull.losses, -7)[1] == pytest.approx(2 / (11 - 7 - 2))
