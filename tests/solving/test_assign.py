"""The array call: arrays in, the optimum with its proof out."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.enumeration import brute_force
from bench.random_problems import random_problem
from mpsolve import (
    InfeasibleError,
    InputError,
    Limit,
    NoSolutionError,
    Problem,
    Solution,
    Status,
    assign,
    prepare,
)
from mpsolve.formulations.refinement import Found
from mpsolve.solving import assign as arrays_module

#: Within 8, candidate 1 of both groups is best: cost 4 + 2, loss 3 + 1.
LOSS, COST = [[0, 3, 5], [0, 1]], [[9, 4, 1], [7, 2]]


def test_answer() -> None:
    """The choice, its loss, the bound that proves it, and the status."""
    answer = assign(LOSS, COST, 8)
    assert answer.choice.tolist() == [1, 1]
    assert answer.choice.dtype == np.int64
    assert (answer.loss, answer.bound, answer.gap) == (4, 4.0, 0.0)
    assert type(answer.loss) is int
    assert answer.status is Status.OPTIMAL


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**32))
def test_agrees_with_enumeration(seed: int) -> None:
    """On random rows: the optimum within the budget, or an error that names the least cost."""
    problem = random_problem(np.random.default_rng(seed))
    rows = np.split(problem.loss, problem.offsets[1:-1])
    costs = np.split(problem.costs["cost0"], problem.offsets[1:-1])
    budget = problem.budgets["cost0"]
    truth = brute_force(problem)
    if truth.least is None:
        with pytest.raises(InfeasibleError) as caught:
            assign(rows, costs, budget)
        assert caught.value.least is not None
        assert caught.value.least > budget
        return
    answer = assign(rows, costs, budget)
    flat = problem.flat(answer.choice)
    assert answer.status is Status.OPTIMAL
    assert truth.agrees(answer.loss)
    assert answer.loss == pytest.approx(math.fsum(problem.loss[flat]), rel=1e-15)
    assert answer.bound <= answer.loss


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32), st.integers(-3, 3), st.integers(-5, 5))
def test_shift_and_scale(seed: int, exponent: int, shift: int) -> None:
    """Losses times a power of two, or moved in a group, move the optimum by as much."""
    rng = np.random.default_rng(seed)
    loss, cost = rng.random((4, 3)), rng.integers(0, 20, (4, 3))
    budget = int(cost.max(1).sum()) // 2 + int(cost.min(1).sum()) // 2 + 1
    plain = assign(loss, cost, budget).loss
    assert assign(loss * 2.0**exponent, cost, budget).loss == plain * 2.0**exponent
    moved = loss + np.array([[shift], [0], [0], [0]])
    assert assign(moved, cost, budget).loss == pytest.approx(plain + shift, abs=1e-12)
    order = rng.permutation(4)
    assert assign(loss[order], cost[order], budget).loss == pytest.approx(plain, rel=1e-15)


@pytest.mark.parametrize(
    "budget", [8, 8.0, 8.9, np.int16(8), np.float32(8.5), np.array(8), np.uint64(8)]
)
def test_budgets_that_mean_eight(budget: Any) -> None:
    """Python and NumPy numbers; a fraction of an integer cost does not count."""
    assert assign(LOSS, COST, budget).loss == 4


@pytest.mark.parametrize("budget", [16, 1e300, 10**30, pytest.param(10**400, id="10**400")])
def test_budgets_beyond_everything(budget: Any) -> None:
    """A limit that no choice reaches leaves the least losses."""
    assert assign(LOSS, COST, budget).loss == 0


@pytest.mark.parametrize("budget", [3, 3.5, np.float64(3)])
def test_budget_at_the_least_cost(budget: Any) -> None:
    """1 + 2 is exactly what the cheapest candidates cost."""
    assert assign(LOSS, COST, budget).choice.tolist() == [2, 1]


@pytest.mark.parametrize("budget", [2, 0, -1, 2.999, -(10**30)])
def test_impossible_budgets(budget: Any) -> None:
    """The error says what is achievable and which groups dominate it."""
    with pytest.raises(
        InfeasibleError, match="every assignment needs at least 3; layers"
    ) as caught:
        assign(LOSS, COST, budget)
    assert caught.value.least == 3
    assert caught.value.layers == ("layer1", "layer0")
    assert caught.value.cost == "cost"
    assert caught.value.budget == math.floor(budget)


def test_a_budget_at_a_float_sum() -> None:
    """Added up in any order, 0.1 + 0.2 + 0.3 is a budget that its own choice keeps."""
    for limit in (0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1):
        assert assign([[1], [1], [1]], [[0.1], [0.2], [0.3]], limit).loss == 3


def test_a_budget_of_zero() -> None:
    """Costs may be 0 and negative."""
    # (0, 1) and (1, 0) both cost 0; they lose 3 + 2 and 0 + 4.
    assert assign([[3, 0], [4, 2]], [[0, 1], [-1, 0]], 0).choice.tolist() == [1, 0]
    assert assign([[1, 0]], [[0, 1]], 0).choice.tolist() == [0]


def test_numbers_of_every_kind() -> None:
    """Unsigned and small integers, floats of every size, and sentinels as large as int64."""
    for kind in (np.uint8, np.int16, np.uint64, np.float16, np.float32, np.longdouble):
        loss, cost = np.array([[0, 3]], kind), np.array([[9, 4]], kind)
        assert assign(loss, cost, 5).choice.tolist() == [1]
    sentinel = np.iinfo(np.int64).max
    assert assign([[0, sentinel], [0, 7]], [[9, 4], [8, 3]], 12).choice.tolist() == [0, 1]
    assert assign([[0, 5], [0, 7]], [[sentinel, 4], [8, 3]], 12).choice.tolist() == [1, 0]


def test_a_single_group_and_a_single_candidate() -> None:
    """The smallest arrays there are."""
    assert assign([[5]], [[3]], 3).choice.tolist() == [0]


@pytest.mark.parametrize(
    ("loss", "cost", "budget", "complaint"),
    [
        ([1, 2], [2, 1], 3, "loss must be an (N, K) array or N rows of numbers"),
        ([[True, False]], [[2, 1]], 3, "loss must be an (N, K) array or N rows of numbers"),
        ([["a", "b"]], [[2, 1]], 3, "loss must be an (N, K) array or N rows of numbers"),
        ([], [], 3, "loss must be an (N, K) array or N rows of numbers"),
        ([[1, 2]], 3, 3, "cost must be an (N, K) array or N rows of numbers"),
        ([[1, 2]], [[2, 1], [2, 1]], 3, "cost cost has another shape than the loss."),
        ([[1, 2], [3]], [[2], [1, 2]], 3, "cost cost has another shape than the loss."),
        ([[1, 2], []], [[2, 1], []], 3, "Layer layer1 has no candidate"),
        ([[1, math.nan]], [[2, 1]], 3, "loss of layer layer0 at #1 is nan; it must be a finite"),
        ([[1, 2]], [[math.inf, 1]], 3, "cost cost of layer layer0 at #0 is inf; it must be a"),
        ([[1e308, 1], [1e308, 1]], [[2, 1], [2, 1]], 3, "The sums of loss exceed every float"),
        ([[1, 2]], [[2, 1]], math.nan, "The budget must be a finite number, not nan."),
        ([[1, 2]], [[2, 1]], math.inf, "The budget must be a finite number, not inf."),
        ([[1, 2]], [[2, 1]], "3", "The budget must be a finite number, not '3'."),
        ([[1, 2]], [[2, 1]], None, "The budget must be a finite number, not None."),
        ([[1, 2]], [[2, 1]], True, "The budget must be a finite number, not True."),
        ([[1, 2]], [[2, 1]], Fraction(3, 2), "The budget must be a finite number, not Fraction"),
        ([[1.5, 2]], [[2.5, 1]], 10**400, "The budget on cost exceeds every float; leave it out."),
        ([[1, 2]], [[[2, 1]], [[1, 1]]], [1], "1 budgets need as many costs, not 2."),
        ([[1, 2]], [[[2, 1]]], [1, 2], "2 budgets need as many costs, not 1."),
        ([[1, 2]], 3, [1], "cost cost0 must be an (N, K) array or N rows of numbers"),
        ([[1, 2]], [[2, 1]], [], "budget must be one number, or (M,) numbers for (M, N, K)"),
        ([[1, 2]], [[[2, 1]]], [[1]], "budget must be one number, or (M,) numbers for (M, N, K)"),
        ([[1, 2]], [[[2, 1]]], [[1], [1, 2]], "budget must be one number, or (M,) numbers for"),
        ([[1, 2]], [[[2, 1]], [[2, 1]]], [math.nan, 1], "The budget on cost0 must be a finite"),
        ([[1, 2]], [[[2, 1]], [[2, 1]]], ["3", 1], "The budget on cost0 must be a finite number"),
    ],
)
def test_wrong_input(loss: Any, cost: Any, budget: Any, complaint: str) -> None:
    """The message names the array or the budget, and the group where there is one."""
    with pytest.raises(InputError) as caught:
        assign(loss, cost, budget)
    assert str(caught.value).startswith(complaint)


def test_one_budget_in_a_list() -> None:
    """(1, N, K) costs with one limit are the same problem."""
    assert assign(LOSS, [COST], [8]).choice.tolist() == [1, 1]


def test_several_budgets_of_which_one_binds() -> None:
    """The second limit is beyond what any choice costs."""
    costs = np.array([[[9, 4], [7, 2]], [[1, 1], [1, 1]]])
    answer = assign([[0, 3], [0, 1]], costs, np.array([11, 2]))
    assert answer.choice.tolist() == [0, 1]
    assert answer.status is Status.OPTIMAL


def test_several_impossible_budgets() -> None:
    """The error names the cost by its place."""
    costs = np.array([[[9, 4], [7, 2]], [[1, 1], [1, 1]]])
    with pytest.raises(InfeasibleError, match="The budget on cost1 is 1, but every assignment"):
        assign([[0, 3], [0, 1]], costs, [11, 1])


def test_several_budgets_that_bind() -> None:
    """Both limits cut: (0, 0) costs 16 of the first, (1, 1) costs 8 of the second."""
    pytest.importorskip("ortools")
    costs = np.array([[[9, 4], [7, 2]], [[1, 4], [1, 4]]])
    answer = assign([[0, 3], [0, 1]], costs, [15, 7])
    assert answer.choice.tolist() == [0, 1]
    assert (answer.loss, answer.bound, answer.status) == (1, 1.0, Status.OPTIMAL)
    with pytest.raises(InfeasibleError) as caught:
        assign([[0, 3], [0, 1]], costs, [10, 4])
    assert caught.value.conflict.constraints == ("budget cost0 <= 10", "budget cost1 <= 4")


def test_time_limit() -> None:
    """A limit that is not reached changes nothing; a wrong one is refused."""
    assert assign(LOSS, COST, 8, time_limit=60.0).choice.tolist() == [1, 1]
    with pytest.raises(InputError, match="The time limit must be positive, not 0"):
        assign(LOSS, COST, 8, time_limit=0)


@pytest.mark.parametrize(("bound", "known"), [(3.0, 3.0), (None, -math.inf)])
def test_a_limit_that_ended_the_search(
    monkeypatch: pytest.MonkeyPatch, bound: float | None, known: float
) -> None:
    """What was found is returned as feasible, with the bound as far as it is known."""

    def limited(problem: Problem, **options: Any) -> Solution:
        return Solution(Status.FEASIBLE, "mckp", choice=np.array([1, 1]), loss=4, bound=bound)

    monkeypatch.setattr(arrays_module, "solve", limited)
    answer = assign(LOSS, [COST], [8], time_limit=1.0)
    assert (answer.status, answer.bound) == (Status.FEASIBLE, known)
    assert answer.gap == (0.25 if bound else math.inf)


def answer_with(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    """Let the knapsack that `assign` asks answer so."""
    knapsack = SimpleNamespace(solve=lambda limit, deadline: found)
    monkeypatch.setattr(arrays_module, "Knapsack", lambda *arguments: knapsack)


@pytest.mark.parametrize(("limit", "bound"), [(Limit.LABELS, 3.5), (Limit.LABELS, 4.5)])
def test_a_knapsack_that_ran_out_of_labels(
    monkeypatch: pytest.MonkeyPatch, limit: Limit, bound: float
) -> None:
    """Its choice is feasible, and its bound never above the loss."""
    found = Found(np.array([1, 1]), bound, limit)
    answer_with(monkeypatch, found)
    answer = assign(LOSS, COST, 8)
    assert (answer.loss, answer.status) == (4, Status.FEASIBLE)
    assert answer.bound == min(bound, 4.0)


def test_a_knapsack_that_breaks_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its choice is not believed; the problem is solved and verified again."""
    broken = Found(np.array([0, 0]), 0.0)
    answer_with(monkeypatch, broken)
    assert assign(LOSS, COST, 8).choice.tolist() == [1, 1]


def test_errors_travel_between_processes() -> None:
    """An infeasibility error pickles with its conflict."""
    with pytest.raises(InfeasibleError) as caught:
        assign(LOSS, COST, 2)
    twin = pickle.loads(pickle.dumps(caught.value))
    assert str(twin) == str(caught.value)
    assert (twin.least, twin.layers, twin.conflict) == (
        3,
        ("layer1", "layer0"),
        caught.value.conflict,
    )


def test_a_limit_that_came_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any choice there is nothing to return."""
    found = Solution(Status.NO_SOLUTION, "mckp", reason="time limit")
    monkeypatch.setattr(arrays_module, "solve", lambda problem, **options: found)
    with pytest.raises(NoSolutionError, match=r"^mckp: The search was stopped before it found"):
        assign(LOSS, [COST], [8], time_limit=1.0)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**32), st.floats(0, 1), st.floats(0, 1))
def test_a_prepared_assignment_answers_like_a_new_one(seed: int, one: float, two: float) -> None:
    """Under any budget in any order; the arrays may change meanwhile."""
    problem = random_problem(np.random.default_rng(seed))
    bounds = problem.offsets[1:-1]
    loss, cost = problem.loss.copy(), problem.costs["cost0"].copy()
    prepared = prepare(np.split(loss, bounds), np.split(cost, bounds))
    least = float(np.minimum.reduceat(cost, problem.offsets[:-1]).sum())
    most = float(np.maximum.reduceat(cost, problem.offsets[:-1]).sum())
    loss[:], cost[:] = 0, 0
    for share in (one, two, 1.0):
        budget = least + share * (most - least)
        rows = np.split(problem.loss, bounds), np.split(problem.costs["cost0"], bounds)
        try:
            expected = assign(*rows, budget)
        except InfeasibleError as error:
            with pytest.raises(InfeasibleError, match=str(error.least)):
                prepared.assign(budget)
            continue
        answer = prepared.assign(budget)
        assert answer.choice.tolist() == expected.choice.tolist()
        assert (answer.loss, answer.status) == (expected.loss, expected.status)


def test_prepared_rows_are_checked_like_others() -> None:
    """Shapes that do not fit are refused at once; a budget that cannot be kept is explained."""
    with pytest.raises(InputError, match="another shape"):
        prepare([[1, 2]], [[1, 2, 3]])
    with pytest.raises(InputError, match="finite"):
        prepare([[1.0, math.nan]], [[1, 2]])
    with pytest.raises(InfeasibleError) as caught:
        prepare(LOSS, COST).assign(2)
    assert caught.value.least == 3
    with pytest.raises(InputError, match="budget must be a finite number"):
        prepare(LOSS, COST).assign("much")
