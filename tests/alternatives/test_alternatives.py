"""Sets of good answers, judged step by step by enumeration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.enumeration import feasible_assignments
from bench.random_problems import random_problem
from mpsolve import (
    InfeasibleError,
    InputError,
    Limit,
    LinearConstraint,
    Problem,
    Solution,
    Status,
    Tie,
    UnsupportedError,
    bundled_tables,
    diverse,
    k_best,
    load_table,
)
from mpsolve.alternatives.distance import at_least, distance
from mpsolve.alternatives.lagrangian_bound import Prices
from mpsolve.solving.session import Repetition, Stopped

if TYPE_CHECKING:
    from mpsolve.typing import FloatArray, IntArray


def feasible_choices(problem: Problem) -> IntArray:
    """``(F, N)`` every choice that keeps the constraints."""
    return feasible_assignments(problem) - problem.offsets[:-1]


def losses(problem: Problem, choices: IntArray) -> FloatArray:
    """The loss of every choice, in extended precision."""
    terms = problem.loss[choices + problem.offsets[:-1]]
    return terms.astype(np.longdouble).sum(1).astype(np.float64)


def tolerance(problem: Problem) -> float:
    """What the rounding of sums of floats may hide."""
    return 2.0**-45 * float(np.abs(problem.loss).sum()) if problem.loss.dtype.kind == "f" else 0.0


def distances(choices: IntArray, others: list[IntArray]) -> IntArray:
    """How far each choice is from the nearest of the others."""
    if not others:
        return np.full(len(choices), choices.shape[1])
    stacked = np.stack(others)
    apart: IntArray = (choices[:, None, :] != stacked[None, :, :]).sum(2).min(1)
    return apart


def check_k_best(problem: Problem, found: list[Solution], k: int, apart: int = 1) -> None:
    """Each answer is feasible, far enough from the earlier ones, and the best such choice."""
    choices = feasible_choices(problem)
    values = losses(problem, choices)
    earlier: list[IntArray] = []
    for solution in found:
        left = distances(choices, earlier) >= apart
        assert solution.status is Status.OPTIMAL
        assert solution.choice is not None and solution.loss is not None
        row = np.flatnonzero((choices == solution.choice).all(1))
        assert len(row) == 1 and left[row[0]]
        assert abs(solution.loss - values[left].min()) <= tolerance(problem)
        earlier.append(solution.choice)
    assert len(found) == k or not (distances(choices, earlier) >= apart).any()


@pytest.mark.parametrize("seed", range(120))
def test_k_best_by_partition(seed: int) -> None:
    """One budget, ties of every kind, restrictions: the k least losses of enumeration."""
    rng = np.random.default_rng(seed)
    relations = ("precision", "b_in", "b_wt") if seed % 2 else ()
    problem = random_problem(rng, relations=relations, restrictions=seed % 3 == 0)
    k = int(rng.integers(1, 12))
    if not len(feasible_choices(problem)):
        with pytest.raises(InfeasibleError):
            k_best(problem, k)
        return
    check_k_best(problem, k_best(problem, k), k)


def test_k_best_runs_out() -> None:
    """Three of four assignments keep the budget."""
    problem = Problem.from_arrays([[0, 3], [0, 1]], {"t": [[9, 4], [7, 2]]}, {"t": 11})
    assert [s.loss for s in k_best(problem, 10)] == [1, 3, 4]
    assert [s.loss for s in k_best(problem, 10, method="highs")] == [1, 3, 4]


def test_equal_losses_count_once_each() -> None:
    """Assignments of equal loss all appear, tied layers as one choice."""
    problem = Problem.from_arrays(
        [[1, 1], [0, 0], [2, 2]], {"t": np.zeros((3, 2))}, ties=(Tie(("layer0", "layer2")),)
    )
    found = k_best(problem, 10)
    assert [s.loss for s in found] == [3, 3, 3, 3]
    assert len({s.configuration for s in found}) == 4


@pytest.mark.parametrize("seed", range(3))
def test_k_best_by_exclusion(seed: int) -> None:
    """Two budgets and a constraint: the same oracle, through a general method."""
    rng = np.random.default_rng(seed + 10)
    costs = {name: rng.integers(0, 9, (4, 3)) for name in ("a", "b")}
    ram = LinearConstraint(
        "RAM", {"layer0": np.array([3.0, 2, 1]), "layer1": np.array([1.0, 2, 3])}, 5.0
    )
    problem = Problem.from_arrays(
        rng.integers(0, 9, (4, 3)), costs, {"a": 20, "b": 20}, constraints=(ram,)
    )
    check_k_best(problem, k_best(problem, 4), 4)


@pytest.mark.parametrize("method", ["auto", "cpsat"])
def test_least_distance(method: str) -> None:
    """Each next best differs from all earlier ones in two layers at least."""
    rng = np.random.default_rng(3)
    problem = Problem.from_arrays(
        rng.integers(0, 9, (4, 3)), {"t": rng.integers(0, 9, (4, 3))}, {"t": 20}
    )
    found = k_best(problem, 4, min_distance=2, method=method)
    check_k_best(problem, found, 4, apart=2)


def test_partition_solves_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a real network the bounds leave few of the 28 parts per answer to be solved."""
    solved = []
    optimum = Repetition.optimum

    def counting(self: Repetition, problem: Problem, start: IntArray | None = None) -> Solution:
        solved.append(problem)
        return optimum(self, problem, start)

    monkeypatch.setattr(Repetition, "optimum", counting)
    table = load_table(bundled_tables()[0].name)
    problem = Problem.from_table(table, "noise", {"latency": "0.8x"})
    found = k_best(problem, 20)
    values = [s.loss for s in found if s.loss is not None]
    assert values == sorted(values)
    assert len({s.configuration for s in found}) == 20
    assert len(solved) < 20 * 28 / 4


@pytest.mark.parametrize("seed", range(60))
def test_prices_are_bounds(seed: int) -> None:
    """No assignment of a part has less loss than its Lagrangian bound; inf means there is none."""
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, relations=("b_wt",) if seed % 2 else ())
    prices = Prices(problem)
    choices = feasible_choices(problem)
    for _ in range(5):
        allowed = rng.random(len(problem.loss)) < 0.7
        inside = allowed[choices + problem.offsets[:-1]].all(1)
        bound = prices.bound(allowed)
        if inside.any():
            assert bound <= losses(problem, choices[inside]).min()


@pytest.mark.parametrize("seed", range(4))
def test_diverse(seed: int) -> None:
    """Each next one is the farthest within the loss, and of those one of least loss."""
    rng = np.random.default_rng(seed)
    offset = -40 if seed == 3 else 0
    problem = Problem.from_arrays(
        rng.integers(0, 12, (4, 3)) + offset // 4, {"t": rng.integers(0, 9, (4, 3))}, {"t": 22}
    )
    within = 0.6
    found = diverse(problem, 4, within)
    choices = feasible_choices(problem)
    values = losses(problem, choices)
    optimum = values.min()
    near = values <= optimum + within * abs(optimum)
    assert found[0].loss == optimum
    earlier: list[IntArray] = []
    for solution in found:
        apart = distances(choices, earlier)
        assert solution.choice is not None and solution.loss is not None
        mine = distances(solution.choice[None, :], earlier)[0]
        assert mine == apart[near].max()
        assert solution.loss == values[near & (apart == mine)].min() or not earlier
        assert solution.status is Status.OPTIMAL
        earlier.append(solution.choice)
    assert len(found) == 4 or distances(choices[near], earlier).max() == 0


def test_diverse_may_have_nothing_to_add() -> None:
    """Where all others lose too much, the optimum stands alone."""
    problem = Problem.from_arrays([[1, 9], [1, 9]], {"t": np.ones((2, 2))})
    assert [s.loss for s in diverse(problem, 5, 0.1)] == [2]


def test_distance_constraint_by_hand() -> None:
    """At least two of three layers differ: at most one agrees."""
    problem = Problem.from_arrays([[1, 2], [1, 2], [1, 2]], {"t": np.ones((3, 2))})
    choice = np.array([0, 1, 0])
    apart = problem.replace(constraints=(at_least(problem, choice, 2),))
    kept = {tuple(row) for row in feasible_choices(apart).tolist()}
    assert kept == {(1, 0, 0), (1, 1, 1), (0, 0, 1), (1, 0, 1)}
    assert distance(choice, np.array([1, 0, 0])) == 2


def test_limits_and_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped search returns what is proven, then the best known as feasible."""
    problem = Problem.from_arrays([[0, 3, 5], [0, 1, 7]], {"t": [[9, 4, 1], [7, 2, 1]]}, {"t": 11})
    optimum = Repetition.optimum
    calls = []

    def stopping(self: Repetition, part: Problem, start: IntArray | None = None) -> Solution:
        calls.append(part)
        if len(calls) > 2:
            raise Stopped(Limit.TIME)
        return optimum(self, part, start)

    monkeypatch.setattr(Repetition, "optimum", stopping)
    found = k_best(problem, 6)
    proven = [s.loss for s in found if s.status is Status.OPTIMAL]
    assert proven == [1, 3, 4, 5, 6][: len(proven)]
    assert len(found) < 6
    assert all(s.limit is Limit.TIME for s in found[len(proven) :])
    far = diverse(problem, 4, 9.0)
    assert len(far) < 4
    assert far[-1].limit is Limit.TIME or "stopped: time limit" in far[-1].notes[-1]

    def interrupted(self: Repetition, part: Problem, start: IntArray | None = None) -> Solution:
        raise KeyboardInterrupt

    monkeypatch.setattr(Repetition, "optimum", interrupted)
    assert [s.loss for s in k_best(problem, 6)] == [1]
    assert [s.loss for s in diverse(problem, 6)] == [1]
    assert k_best(problem, 6)[0].notes == ("The search for another one was stopped: interrupted.",)


def test_what_is_refused() -> None:
    """One sentence for each thing that cannot be."""
    problem = Problem.from_arrays([[0, 3], [0, 1]], {"t": [[9, 4], [7, 2]]}, {"t": 11})
    with pytest.raises(InputError, match="k must be at least 1"):
        k_best(problem, 0)
    with pytest.raises(InputError, match="distance must be at least 1"):
        k_best(problem, 1, min_distance=0)
    with pytest.raises(InputError, match="count must be at least 1"):
        diverse(problem, 0)
    with pytest.raises(InputError, match="within must be at least 0"):
        diverse(problem, within=-1.0)
    two = problem.replace(costs={"t": problem.costs["t"], "u": problem.costs["t"]})
    with pytest.raises(UnsupportedError, match="mckp keeps one budget"):
        k_best(two.replace(budgets={"t": 11, "u": 12}), 2, method="mckp")
    for function in (k_best, diverse):
        with pytest.raises(InputError, match="heuristic"):
            function(problem, 2, method="free-bits")
        with pytest.raises(InfeasibleError):
            function(problem.replace(budgets={"t": 1}), 2)
