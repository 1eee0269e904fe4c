"""What budgets mean for an answer, against enumerated fronts and their convex envelopes."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from bench.enumeration import feasible_assignments
from bench.random_problems import random_problem
from mpsolve import (
    InputError,
    Limit,
    LinearConstraint,
    Problem,
    Sensitivity,
    Tie,
    sensitivity,
    solve,
)
from mpsolve.analysis.shadow_prices import HOPELESS, multipliers
from mpsolve.report.tables import sensitivity_sentences
from mpsolve.solving.session import Repetition, Stopped

if TYPE_CHECKING:
    from mpsolve.model.solution import Solution
    from mpsolve.typing import FloatArray, NumberArray


def solved(seed: int, **kinds: Any) -> tuple[Problem, Solution]:
    """A random problem of few assignments, and its optimum."""
    problem = random_problem(np.random.default_rng(seed), max_assignments=300, **kinds)
    solution = solve(problem, "mckp" if kinds.get("budgets", 1) == 1 else "auto", explain=False)
    assume(solution.loss is not None)
    return problem, solution


def sums(problem: Problem) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Losses and costs of all assignments that keep what is no budget."""
    flat = feasible_assignments(problem.replace(budgets={}))
    costs = {name: problem.costs[name][flat].sum(1) for name in problem.budgets}
    return problem.loss[flat].sum(1), costs


def resolution(problem: Problem, solution: Solution, values: NumberArray) -> float:
    """How close two sums of floats count as equal, as `sensitivity` says it; 0 for integers."""
    if values.dtype.kind == "i":
        return 0.0
    own = values[problem.flat(chosen(solution))]
    least = np.minimum.reduceat(values, problem.offsets[:-1])
    return float(2.0**-30 * (own - least).sum() + 2.0**-47 * np.abs(own).sum())


def check_ranges(problem: Problem, result: Sensitivity) -> None:
    """Both ends and both neighbours of every budget are those of the enumerated front."""
    loss, costs = sums(problem)
    best = result.solution.loss
    assert best is not None
    near = resolution(problem, result.solution, problem.loss)
    for budget in result.budgets:
        within = np.ones(len(loss), bool)
        for name, limit in problem.budgets.items():
            within &= (costs[name] <= limit * (1 + 1e-12 * math.copysign(1, limit))) | (
                name == budget.cost
            )
        cost, at = costs[budget.cost], pytest.approx
        own = result.solution.costs[budget.cost]
        margin = resolution(problem, result.solution, problem.costs[budget.cost])
        better = cost[within & (loss < best - near)]
        assert budget.complete
        assert budget.lower == own or budget.lower == budget.limit
        if not len(better):
            assert (budget.upper, budget.larger) == (math.inf, None)
        else:
            assert budget.larger is not None
            assert budget.upper == at(better.min(), rel=1e-12)
            reached = loss[within & (cost <= better.min() + 1e-14 * abs(better.min()))].min()
            assert budget.larger.loss == at(reached, rel=1e-9, abs=2 * near)
        cheaper = loss[within & (cost < own - margin)]
        if not len(cheaper):
            assert budget.smaller is None
        else:
            assert budget.smaller is not None
            assert budget.smaller.costs[budget.cost] < own
            assert budget.smaller.loss == at(cheaper.min(), rel=1e-9, abs=2 * near)


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_range_of_one_budget_is_that_of_the_front(seed: int) -> None:
    """One budget, with ties and restrictions: the knapsack method computes both ends."""
    problem, solution = solved(seed, relations=("precision", "b_wt"), restrictions=True)
    check_ranges(problem, sensitivity(problem, solution, method="mckp"))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_ranges_of_two_budgets_and_a_constraint(seed: int) -> None:
    """The limit of the other budget and the constraint hold while one limit moves."""
    problem, solution = solved(seed, budgets=2, constraints=True)
    check_ranges(problem, sensitivity(problem, solution))


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_one_multiplier_is_a_slope_of_the_envelope(seed: int) -> None:
    """No assignment lies below the line through the envelope at the limit with that slope."""
    problem, solution = solved(seed, relations=("precision",))
    check_support(problem, solution, multipliers(problem, chosen(solution)))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_two_multipliers_close_the_duality_gap(seed: int) -> None:
    """They price the budgets as the linear programme over all assignments does."""
    problem, solution = solved(seed, budgets=2, restrictions=True)
    # HiGHS keeps a row to 1e-7 of its largest costs: far below them a budget is lost in that.
    for name, limit in problem.budgets.items():
        assume(float(np.ptp(problem.costs[name])) <= 1e4 * abs(limit))
    check_support(problem, solution, multipliers(problem, chosen(solution)))


def chosen(solution: Solution) -> Any:
    """The choice of an answer that has one."""
    assert solution.choice is not None
    return solution.choice


def check_support(problem: Problem, solution: Solution, found: dict[str, float]) -> None:
    """Strong duality: the priced assignments are at least, and at best, the relaxation's value.

    A multiplier of a budget that does not bind in the relaxation would break it too, which is
    complementary slackness.
    """
    flat = feasible_assignments(problem.replace(budgets={}))
    least = np.array([problem.loss[flat[:, i]].min() for i in range(flat.shape[1])])
    excess = problem.loss[flat] - least
    known = (problem.loss[problem.flat(chosen(solution))] - least).sum()
    flat = flat[(excess <= HOPELESS * known).all(1)]
    own = int(np.flatnonzero((flat == problem.flat(chosen(solution))).all(1))[0])
    loss = problem.loss[flat].sum(1).astype(float)
    scale = float(np.ptp(loss)) or 1.0
    priced, rows, units = loss.copy(), [], {}
    for name, limit in problem.budgets.items():
        cost = problem.costs[name][flat].sum(1).astype(float)
        units[name] = float(np.ptp(cost)) or 1.0
        limit = max(limit, cost[own])  # the limit itself may have been summed in another order
        assert found[name] >= 0
        priced += found[name] * (cost - limit)
        rows.append((cost - limit) / units[name])
    slack = 1e-6 * (scale + sum(found[name] * unit for name, unit in units.items()))
    value = interpolated(loss, rows[0]) if len(rows) == 1 else mixed(loss / scale, rows) * scale
    assert priced.min() == pytest.approx(value, rel=1e-9, abs=slack if len(rows) > 1 else 1e-12)


def interpolated(loss: FloatArray, above: FloatArray) -> float:
    """The least loss of one assignment within the limit, or of a mixture of two that meets it."""
    one, other = above <= 0, above > 0
    part = -above[one, None] / (above[other] - above[one, None])
    pairs = (1 - part) * loss[one, None] + part * loss[other]
    return float(min(loss[one].min(), pairs.min(initial=np.inf)))


def mixed(loss: FloatArray, above: list[FloatArray]) -> float:
    """The least loss of a mixture of assignments that exceeds no limit on average."""
    relaxed = linprog(
        loss,
        A_ub=np.array(above),
        b_ub=np.zeros(len(above)),
        A_eq=np.ones((1, len(loss))),
        b_eq=np.ones(1),
    )
    assert relaxed.status == 0
    return float(relaxed.fun or 0.0)


def small(budget: int = 8) -> Problem:
    """(cost, loss) of its assignments: (3, 6), (6, 4), (8, 5), (11, 1), (11, 3), (16, 0)."""
    return Problem.from_arrays(
        [[0, 3, 5], [0, 1]],
        {"latency": [[9, 4, 1], [7, 2]]},
        {"latency": budget},
        layers=["a", "b"],
        precisions=[["8b/8b", "4b/4b", "2b/2b"], ["8b/8b", "4b/4b"]],
        units={"latency": "us"},
    )


def test_by_hand() -> None:
    """Within 8 the best is (6, 4); (11, 1) is next, and the envelope falls by 3 over 5."""
    budget = sensitivity(small()).budgets[0]
    assert (budget.lower, budget.upper) == (6, 11)
    assert budget.multiplier == pytest.approx(3 / 5)
    assert budget.larger is not None
    assert budget.smaller is not None
    assert (budget.larger.loss, budget.smaller.loss) == (1, 6)
    assert [tuple(map(str, change)) for change in budget.larger.changes] == [
        ("a", "4b/4b", "8b/8b")
    ]
    assert [tuple(map(str, c)) for c in budget.smaller.changes] == [("a", "4b/4b", "2b/2b")]


def test_sentences() -> None:
    """One sentence per budget, with the unit and what changes next."""
    assert sensitivity_sentences(sensitivity(small())) == (
        "latency: 1 us more is worth 0.6 loss; this assignment stays optimal from 6 to 11 us; "
        "at 11 us a goes 4b/4b -> 8b/8b; below 6 us a goes 4b/4b -> 2b/2b.",
    )
    (text,) = sensitivity_sentences(sensitivity(small(20)))
    assert "from 16 us on, since no larger limit allows less loss; below 16 us" in text
    (text,) = sensitivity_sentences(sensitivity(small(3)))
    assert text.endswith("at 6 us a goes 2b/2b -> 4b/4b; nothing costs less.")


def test_json_and_table() -> None:
    """Plain data without infinities, and one row per budget."""
    data = json.loads(json.dumps(sensitivity(small(20)).to_json(), allow_nan=False))
    assert data["budgets"]["latency"]["upper"] is None
    assert data["budgets"]["latency"]["smaller"]["changes"] == {"b": ["8b/8b", "4b/4b"]}
    assert sensitivity(small()).table().row_count == 1


def test_a_problem_without_budgets_has_no_entries() -> None:
    """There is nothing to be sensitive to."""
    assert sensitivity(small().replace(budgets={})).budgets == ()


def test_only_a_proven_optimum_has_a_sensitivity() -> None:
    """An infeasible problem and a heuristic are refused in one sentence."""
    with pytest.raises(InputError, match="proven optimum, and this answer is infeasible"):
        sensitivity(small(2))
    with pytest.raises(InputError, match="this answer is feasible"):
        sensitivity(small(), solve(small(20), "homogeneous"))
    with pytest.raises(InputError, match="free-bits is a heuristic"):
        sensitivity(small(), method="free-bits")


@pytest.mark.parametrize("stop", [Stopped(Limit.TIME), KeyboardInterrupt()])
def test_a_stopped_analysis_says_what_is_known(
    monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    """Without a solve, the answer is known to be optimal up to the limit itself, and no more."""
    solution = solve(small())

    def stopped(*_: object) -> Solution:
        raise stop

    monkeypatch.setattr(Repetition, "optimum", stopped)
    result = sensitivity(small(), solution)
    budget = result.budgets[0]
    assert (budget.lower, budget.upper, budget.complete) == (6, 8, False)
    assert budget.multiplier == pytest.approx(0.6)
    assert result.limit in (Limit.TIME, Limit.INTERRUPTED)
    assert "stays optimal from 6 to at least 8 us." in sensitivity_sentences(result)[0]


def test_ties_too_wide_to_price_have_no_multiplier() -> None:
    """Five layers of 9 x 9 candidates with equal b_wt have more than 4096 joint candidates."""
    bits = [f"{a}b/{w}b" for a in range(1, 10) for w in (2, 4)]
    loss = [list(range(18))] * 5
    problem = Problem.from_arrays(
        loss,
        {"latency": [list(range(18, 0, -1))] * 5},
        {"latency": 60},
        precisions=bits,
        ties=[Tie(tuple(f"layer{i}" for i in range(5)), "b_wt")],
    )
    budget = sensitivity(problem, method="highs").budgets[0]
    assert budget.multiplier is None
    assert budget.complete


def test_a_constraint_takes_part_in_the_price() -> None:
    """Without room in the constraint the budget is worth nothing more."""
    tight = LinearConstraint("RAM", {"a": np.array([4.0, 2.0, 1.0])}, 2.0)
    free = sensitivity(small(11)).budgets[0]
    bound = sensitivity(small(11).replace(constraints=(tight,))).budgets[0]
    assert free.multiplier == pytest.approx(3 / 5, abs=0.41)  # a vertex: 1/5 to 3/5
    assert bound.multiplier == pytest.approx(0, abs=1e-9)
    assert bound.upper == math.inf
