"""Baselines and plain models against brute force; peers where they are installed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.enumeration import brute_force
from mpsolve.bench.baselines.annealing import Annealing
from mpsolve.bench.baselines.discretised_dp import DiscretisedDp
from mpsolve.bench.baselines.effort import Effort
from mpsolve.bench.baselines.evolution import Evolution
from mpsolve.bench.baselines.hull import Hull
from mpsolve.bench.baselines.random_search import RandomSearch
from mpsolve.bench.contender import CONTENDERS, Contender, Kind, contender_named
from mpsolve.bench.generators import cnn
from mpsolve.bench.judgement import judge
from mpsolve.bench.levels import at_level
from mpsolve.bench.result import Claim, Verdict
from mpsolve.errors import InputError
from mpsolve.model.constraints import LinearConstraint, Tie
from mpsolve.model.problem import Problem

EFFORT = Effort(steps=200)
BASELINES: list[Contender] = [
    Hull(),
    DiscretisedDp(),
    Annealing(EFFORT),
    Evolution(EFFORT),
    RandomSearch(EFFORT),
]
#: Each of them in a process of its own would cost a second: these get along with each other.
RAW = ["raw-highs", "raw-cbc", "raw-scip"]


def problems() -> list[Problem]:
    """Small ones: with ties of whole and of partial precisions, and without."""
    small = [at_level(cnn(4, seed), ("latency",), level) for seed in (1, 2) for level in (5, 50)]
    a, b, c, _ = small[0].layers
    return [
        *small,
        small[1].replace(ties=(Tie((a, b), "precision"),)),
        small[1].replace(ties=(Tie((a, c), "b_in"),)),
    ]


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda b: type(b).__name__)
def test_a_baseline_keeps_the_budget_and_is_never_better_than_the_optimum(
    baseline: Contender,
) -> None:
    """Its answer is feasible and its bound, if it states one, lies below the optimum."""
    for problem in problems():
        truth = brute_force(problem)
        assert truth.least is not None
        assert baseline.unsupported(problem) is None
        answer = baseline.run(problem, 0, 10.0)
        judged = judge(problem, answer.claim, answer.choice, truth.least, False)
        assert judged.verdict in (Verdict.OPTIMAL, Verdict.FEASIBLE)
        assert judged.gap is not None
        assert judged.gap >= -1e-12
        if answer.bound is not None:
            assert answer.bound <= truth.least * (1 + 1e-12)


@pytest.mark.parametrize("baseline", BASELINES[1:4], ids=lambda b: type(b).__name__)
def test_a_good_baseline_finds_the_optimum_of_four_layers(baseline: Contender) -> None:
    """There are 6,561 choices; 12,800 moves find the best, and 2,000 parts are fine enough."""
    problem = problems()[1]
    choice = baseline.run(problem, 0, 10.0).choice
    judged = judge(problem, Claim.FEASIBLE, choice, brute_force(problem).least, False)
    assert judged.gap == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("baseline", BASELINES[2:], ids=lambda b: type(b).__name__)
def test_a_seed_decides_a_random_search(baseline: Contender) -> None:
    """The same seed and effort give the same choice."""
    problem = at_level(cnn(20, 1), ("latency",), 40)
    one, again, other = (baseline.run(problem, seed, 10.0).choice for seed in (1, 1, 2))
    assert one is not None
    assert again is not None
    assert other is not None
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_the_hull_baseline_finds_the_hull_and_nothing_else() -> None:
    """By hand: of losses 9, 5, 4, 0 at costs 0, 5, 6, 10, only both ends lie on the hull."""
    problem = Problem.from_arrays([[9, 5, 4, 0]], {"cost": [[0, 5, 6, 10]]}, {"cost": 7})
    answer = Hull().run(problem, 0, 1.0)
    assert answer.choice is not None
    assert answer.choice.tolist() == [0]
    assert answer.bound == pytest.approx(9 - 7 * 0.9)
    free = replace(problem, budgets={"cost": 10})
    assert Hull().run(free, 0, 1.0).claim is Claim.OPTIMAL


def test_the_discretised_budget_rounds_costs_up() -> None:
    """By hand: with 2 parts of 5, a cost of 6 takes both, so two of them do not fit in 10."""
    problem = Problem.from_arrays([[3, 0], [3, 0]], {"cost": [[0, 4], [0, 6]]}, {"cost": 10})
    exact = DiscretisedDp(10).run(problem, 0, 1.0).choice
    coarse = DiscretisedDp(2).run(problem, 0, 1.0).choice
    assert exact is not None
    assert coarse is not None
    assert exact.tolist() == [1, 1]
    assert coarse.sum() == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of PuLP, in its own process else
@pytest.mark.parametrize("name", RAW)
def test_a_plain_model_finds_the_optimum_of_a_friendly_problem(name: str) -> None:
    """Numbers of moderate size are what general solvers are made for."""
    spec = contender_named(name)
    if spec.missing:
        pytest.skip(spec.missing)
    contender = spec.load()
    for problem in problems():
        answer = contender.run(problem, 0, 10.0)
        judged = judge(problem, answer.claim, answer.choice, brute_force(problem).least, False)
        assert judged.verdict is Verdict.OPTIMAL
        assert not judged.wrong
    impossible = problems()[0].replace(budgets={"latency": 0})
    assert contender.run(impossible, 0, 10.0).claim is Claim.INFEASIBLE


def test_what_cannot_be_expressed_is_refused() -> None:
    """Constraints on some of the layers, and two budgets where one is known."""
    problem = problems()[0]
    first = problem.layers[0]
    constraint = LinearConstraint("RAM", {first: np.ones(9)}, 5.0)
    constrained = problem.replace(constraints=(constraint,))
    twice = problem.replace(
        costs={**problem.costs, "rom": problem.costs["latency"]},
        budgets={**problem.budgets, "rom": 10**9},
    )
    for baseline in BASELINES:
        assert baseline.unsupported(constrained) is not None
    assert Hull().unsupported(twice) is not None
    assert Annealing().unsupported(twice) is None


def test_the_registry_knows_every_kind() -> None:
    """Each kind has contenders; an unknown name is refused with the list."""
    assert {spec.kind for spec in CONTENDERS.values()} == set(Kind)
    with pytest.raises(InputError, match="There is no method 'nosuch'"):
        contender_named("nosuch")


@pytest.mark.parametrize("name", [n for n, s in CONTENDERS.items() if s.kind is Kind.PEER])
def test_a_peer_solves_a_friendly_problem(name: str) -> None:
    """Exact peers find the optimum; an approximate front comes within its precision."""
    spec = contender_named(name)
    if spec.missing:
        pytest.skip(spec.missing)
    problem = problems()[1]
    answer = spec.load().run(problem, 0, 30.0)
    judged = judge(problem, answer.claim, answer.choice, brute_force(problem).least, False)
    assert judged.gap is not None
    assert judged.gap < 0.05
