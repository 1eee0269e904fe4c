"""Protected budgets against enumeration, closed forms and simulation."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.enumeration import feasible_assignments
from bench.random_problems import random_problem
from mpsolve import (
    Box,
    Budgeted,
    ChanceConstraint,
    InputError,
    Limit,
    Problem,
    Solution,
    Status,
    load_table,
    solve,
    solve_robust,
)
from mpsolve.solving.session import Repetition

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.typing import FloatArray, IntArray
    from mpsolve.uncertainty.sets import Errors


def noisy(seed: int, budgets: int = 1) -> Problem:
    """A small random problem whose costs deviate by about as much as they differ, or not at all."""
    rng = np.random.default_rng(seed)
    problem = random_problem(
        rng, max_assignments=1000, budgets=budgets, relations=("precision", "b_in")
    )
    deviations, limits = {}, dict(problem.budgets)
    for name, cost in problem.costs.items():
        if rng.random() < 0.6:  # a limit that many assignments keep and many do not
            starts = problem.offsets[:-1]
            ends = (
                np.minimum.reduceat(cost, starts).sum(),
                np.maximum.reduceat(cost, starts).sum(),
            )
            limits[name] = float(rng.uniform(*ends))
        scale = rng.choice([0.0, 0.01, 0.3, 2.0]) * float(np.ptp(cost))
        deviations[name] = scale * rng.random(len(cost)) * rng.integers(0, 2, len(cost))
    return problem.replace(deviations=deviations, budgets=limits)


def check(
    problem: Problem, robustness: Any, kept: Callable[[IntArray, float], IntArray]
) -> Solution:
    """The answer is the best of all assignments that are kept when evaluated directly.

    Parameters
    ----------
    problem, robustness
        What is solved.
    kept
        Which of ``(A, N)`` assignments are kept with a relative slack.
    """
    answer = solve_robust(problem, robustness)
    flat = feasible_assignments(problem)
    loss = problem.loss[flat].sum(1).astype(float)
    strict, loose = loss[kept(flat, -1e-10)], loss[kept(flat, 1e-10)]
    if answer.status is Status.INFEASIBLE:
        assert not len(strict)
        assert answer.conflict is not None
        return answer
    assert answer.status is Status.OPTIMAL
    assert answer.loss is not None
    assert answer.bound == pytest.approx(float(answer.loss), rel=1e-12)
    near = 1e-9 * float(np.abs(problem.loss[flat]).sum(1).max())
    assert loose.min() - near <= answer.loss <= strict.min(initial=np.inf) + near
    assert answer.costs.keys() == problem.costs.keys()
    return answer


def norms(problem: Problem, flat: IntArray, errors: Errors, p: float) -> FloatArray:
    """How much a chance constraint adds, by the table in its docstring."""
    deviation = problem.deviations["cost0"][flat]
    size = np.sqrt((deviation**2).sum(1)) if errors in ("normal", "uncorrelated") else None
    size = deviation.sum(1) if size is None else size
    normal = errors in ("normal", "correlated")
    return size * (NormalDist().inv_cdf(p) if normal else math.sqrt(p / (1 - p)))


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    p=st.sampled_from([0.5, 0.6, 0.9, 0.99, 0.999999]),
    errors=st.sampled_from(["normal", "correlated", "uncorrelated", "any"]),
)
def test_a_chance_constraint_is_solved_exactly(seed: int, p: float, errors: Errors) -> None:
    """Mean plus quantile times the standard deviation of the sum, for every assignment."""
    problem = noisy(seed)
    cost, limit = problem.costs["cost0"], problem.budgets["cost0"]

    def kept(flat: IntArray, slack: float) -> IntArray:
        size = np.abs(cost[flat]).sum(1) + norms(problem, flat, errors, p) + abs(limit)
        value = cost[flat].sum(1) + norms(problem, flat, errors, p)
        return np.flatnonzero(value <= limit + slack * size)

    check(problem, ChanceConstraint("cost0", p, errors), kept)


def worst(nominal: FloatArray, deviation: FloatArray, gamma: float) -> FloatArray:
    """The costliest way in which ``gamma`` layers of ``(A, N)`` can deviate."""
    largest = -np.sort(-deviation, axis=1)
    share = np.clip(gamma - np.arange(largest.shape[1]), 0, 1)
    return nominal.sum(1) + (largest * share).sum(1)


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    gamma=st.sampled_from([0, 0.5, 1, 2, 2.25, 3, 100]),
    whole=st.booleans(),
)
def test_budgeted_uncertainty_is_solved_exactly(seed: int, gamma: float, whole: bool) -> None:
    """The largest deviations of the layers chosen, integers or floats, are added."""
    problem = noisy(seed)
    cost, limit = problem.costs["cost0"], problem.budgets["cost0"]
    width = problem.deviations["cost0"]
    width = np.ceil(width).astype(np.int64) if whole else width

    def kept(flat: IntArray, slack: float) -> IntArray:
        exact = whole and cost.dtype.kind == "i" and gamma == int(gamma)
        size = 0 if exact else np.abs(cost[flat]).sum(1) + width[flat].sum(1) + abs(limit)
        return np.flatnonzero(worst(cost[flat], width[flat], gamma) <= limit + slack * size)

    check(problem, Budgeted("cost0", width, gamma), kept)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_two_protections_at_once(seed: int) -> None:
    """A chance constraint on one budget and a budgeted one on the other."""
    problem = noisy(seed, budgets=2)
    one, two = (problem.costs[f"cost{m}"] for m in range(2))
    width = problem.deviations["cost1"]

    def kept(flat: IntArray, slack: float) -> IntArray:
        values = (
            one[flat].sum(1) + norms(problem, flat, "normal", 0.9),
            worst(two[flat], width[flat], 1),
        )
        sizes = (np.abs(one[flat]).sum(1), np.abs(two[flat]).sum(1) + width[flat].sum(1))
        within = [
            value <= problem.budgets[f"cost{m}"] + slack * (size + value.clip(0))
            for m, (value, size) in enumerate(zip(values, sizes, strict=True))
        ]
        return np.flatnonzero(within[0] & within[1])

    check(problem, [ChanceConstraint("cost0", 0.9), Budgeted("cost1", width, 1)], kept)


def mobilenet(**deviations: str) -> Problem:
    """MobileNetV1 within 70 % of the modelled latency of 8b/8b."""
    table = load_table("mobilenet_v1_0.75/pulp8-xpulpnnv1")
    problem = Problem.from_table(table, budgets={"latency": "0.7x"})
    return problem.with_deviations(deviations)


def loss_of(answer: Solution) -> float:
    """The loss of an answer that has one."""
    assert answer.loss is not None
    return answer.loss


def test_all_layers_at_once_are_a_box_and_none_is_nominal() -> None:
    """Gamma N equals the box, gamma 0 the nominal optimum, and the price grows in between."""
    problem = mobilenet()
    losses = [loss_of(solve_robust(problem, Budgeted("latency", "5%", g))) for g in (0, 1, 4, 28)]
    assert losses[0] == solve(problem).loss
    assert losses[-1] == solve_robust(problem, Box("latency", "5%")).loss
    assert losses == sorted(losses)
    assert losses[0] != losses[1] != losses[-1]


def test_every_threshold_by_itself_gives_the_same_answer() -> None:
    """The theorem of Bertsimas and Sim, one nominal problem for each threshold."""
    problem, gamma = mobilenet(), 3
    cost, limit = problem.costs["latency"], problem.budgets["latency"]
    width = cost // 16
    losses = []
    for threshold in np.unique(np.append(width, 0)).tolist():
        padded = cost + np.maximum(width - threshold, 0)
        variant = problem.replace(
            costs={"latency": padded}, budgets={"latency": limit - gamma * threshold}
        )
        losses.append(solve(variant).loss)
    best = min(loss for loss in losses if loss is not None)
    answer = solve_robust(problem, Budgeted("latency", width, gamma))
    assert answer.status is Status.OPTIMAL
    assert answer.loss == best


@pytest.mark.parametrize("probability", [0.6, 0.95])
def test_the_probability_holds_in_simulation(probability: float) -> None:
    """Within four standard errors of what the protected cost of the answer leaves over."""
    problem = mobilenet(latency="10%")
    answer = solve_robust(problem, ChanceConstraint("latency", probability))
    assert answer.choice is not None
    flat = problem.flat(answer.choice)
    rng = np.random.default_rng(0)
    mean, deviation = problem.costs["latency"][flat], problem.deviations["latency"][flat]
    drawn = rng.normal(mean, deviation, (20_000, len(flat))).sum(1)
    held = float((drawn <= problem.budgets["latency"]).mean())
    error = math.sqrt(probability * (1 - probability) / 20_000)
    assert held >= probability - 4 * error
    exact = NormalDist(mean.sum(), math.sqrt((deviation**2).sum())).cdf(problem.budgets["latency"])
    assert abs(held - exact) <= 4 * error
    assert loss_of(answer) > loss_of(solve(problem))


def test_the_four_assumptions_are_ordered() -> None:
    """Weaker assumptions cost more: uncorrelated or correlated than normal, any than both."""
    problem = mobilenet(latency="1%")

    def loss(errors: Errors) -> float:
        return loss_of(solve_robust(problem, ChanceConstraint("latency", 0.95, errors)))

    assert loss("normal") < loss("uncorrelated") < loss("any")
    assert loss("normal") < loss("correlated") < loss("any")


def test_half_of_the_time_is_nominal() -> None:
    """The normal quantile of one half is 0."""
    problem = mobilenet(latency="10%")
    assert solve_robust(problem, ChanceConstraint("latency", 0.5)).loss == solve(problem).loss


def small(budget: float = 8) -> Problem:
    """(cost, loss) of its assignments: (3, 6), (6, 4), (8, 5), (11, 1), (11, 3), (16, 0)."""
    return Problem.from_arrays(
        [[0, 3, 5], [0, 1]],
        {"latency": [[9, 4, 1], [7, 2]]},
        {"latency": budget},
        layers=["a", "b"],
        deviations={"latency": [[1, 1, 0], [0, 0]]},
    )


def test_notes_say_what_is_protected_and_what_it_costs() -> None:
    """Within 6.5, a latency of 6 with one layer off by 1 exceeds; 3 is left, for 2 more loss."""
    answer = solve_robust(small(6.5), Box("latency", np.array([1, 1, 0, 0, 0])))
    assert (answer.loss, answer.costs["latency"]) == (6, 3)
    assert answer.notes == (
        "latency is within its budget if every layer's is off by its width: nominally 3, "
        "protected 3 of 6.",
        "The protection costs 2 loss (50.00%) beyond the nominal optimum 4.",
    )
    chance = ChanceConstraint("latency", 0.9)
    answer = solve_robust(small(11), chance)
    assert answer.notes[0] == (
        "latency is within its budget with a probability of at least 0.9 under independent normal "
        "errors: nominally 6, protected 7.28155 of 11."
    )
    assert answer.configuration is not None
    protected = chance.protected_cost(small(11), answer.configuration)
    assert protected == pytest.approx(6 + NormalDist().inv_cdf(0.9))


def test_an_impossible_protection_is_told_apart_from_an_impossible_budget() -> None:
    """3 is possible within 3, but not if it may be 4; 2 is not possible at all."""
    answer = solve_robust(small(3), Box("latency", 1))
    assert answer.status is Status.INFEASIBLE
    assert answer.conflict is not None
    assert "No assignment keeps the protected budgets: latency is within" in answer.conflict.message
    assert answer.choice is None
    answer = solve_robust(small(2), Box("latency", 1))
    assert answer.status is Status.INFEASIBLE
    assert answer.conflict is not None
    assert answer.conflict.least == 3


@pytest.mark.parametrize(
    ("robustness", "sentence"),
    [
        (lambda: Box("energy", 1), "no budget on energy to protect; the budgets are on: latency"),
        (lambda: Box("latency", "5 %%"), "latency=5 %% is not a width"),
        (lambda: Box("latency", -1), "must be finite and at least 0"),
        (lambda: Box("latency", np.ones(2)), "a number for each of 5 candidates"),
        (lambda: Budgeted("latency", 1, -1), "gamma counts layers and is at least 0, not -1"),
        (lambda: ChanceConstraint("latency", 0.4), "at least 0.5 and below 1, not 0.4"),
        (lambda: ChanceConstraint("latency", 1.0), "at least 0.5 and below 1, not 1.0"),
        (
            lambda: ChanceConstraint("latency", 0.9, cast("Errors", "odd")),
            "errors is one of normal, correlated",
        ),
        (lambda: [], "Give one protection"),
        (lambda: [Box("latency", 1), Box("latency", 2)], "several on different costs"),
    ],
)
def test_refusals(robustness: Callable[[], Any], sentence: str) -> None:
    """What does not fit is refused in one sentence."""
    with pytest.raises(InputError, match=sentence.replace("(", r"\(")):
        solve_robust(small(), robustness())


def test_standard_deviations_are_asked_for() -> None:
    """A chance constraint needs them, and the message says how to state them."""
    with pytest.raises(InputError, match=r"add a column latency_std to the table"):
        solve_robust(small().replace(deviations={}), ChanceConstraint("latency", 0.9))


def stopping_after(solves: int, how: str) -> Callable[..., Solution]:
    """`Repetition.solve` that is stopped after so many solves."""
    real, count = Repetition.solve, [0]

    def solve_some(self: Repetition, *args: Any, **options: Any) -> Solution:
        count[0] += 1
        if count[0] > solves:
            if how == "interrupt":
                raise KeyboardInterrupt
            variant = real(self, *args, **options)
            return Solution(Status.NO_SOLUTION, variant.method, limit=Limit.TIME)
        return real(self, *args, **options)

    return solve_some


@pytest.mark.parametrize("how", ["interrupt", "time"])
def test_a_stopped_search_says_what_is_proven(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Nothing, then the nominal bound, then an answer beside it."""
    problem = mobilenet(latency="3%")
    chance = ChanceConstraint("latency", 0.95)
    nominal, best = loss_of(solve(problem)), loss_of(solve_robust(problem, chance))
    for solves in range(4):
        with monkeypatch.context() as patch:
            patch.setattr(Repetition, "solve", stopping_after(solves, how))
            answer = solve_robust(problem, chance)
        assert answer.limit is (Limit.INTERRUPTED if how == "interrupt" else Limit.TIME)
        assert answer.status is (Status.FEASIBLE if solves >= 2 else Status.NO_SOLUTION)
        if solves:
            assert answer.bound is not None
            assert nominal <= answer.bound <= best
        if solves >= 2:
            assert best <= loss_of(answer)
            assert "costs at most" in answer.notes[-1]


def test_progress_is_reported() -> None:
    """After every nominal problem, with a bound that never exceeds the optimum."""
    bounds: list[float] = []
    answer = solve_robust(
        mobilenet(latency="3%"),
        ChanceConstraint("latency", 0.95),
        progress=lambda state: bounds.append(state.bound or 0.0),
    )
    assert bounds
    assert max(bounds) <= loss_of(answer)
