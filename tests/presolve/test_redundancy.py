"""Budgets and constraints that cannot bind are left out, and no others."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.enumeration import brute_force
from bench.random_problems import random_problem
from mpsolve import LinearConstraint, PairwiseTerm, Precision, Problem, Restriction
from mpsolve.presolve.redundancy import binding_budgets, binding_constraints, binding_pairwise


def problem(latency: float, **parts: Any) -> Problem:
    """Two layers that cost 9 and 8 at 8b/8b, and 4 and 3 at 4b/4b."""
    return Problem.from_arrays(
        [[0, 5], [0, 7]],
        {"latency": [[9, 4], [8, 3]], "energy": [[1.0, 2.0], [3.0, 1.0]]},
        {"latency": latency, "energy": 4.5},
        layers=["a", "b"],
        precisions=["8b/8b", "4b/4b"],
        **parts,
    )


def test_budgets() -> None:
    """All 8b/8b costs 17 cycles: 16 binds and 17 does not; no choice needs more than 5 energy."""
    assert binding_budgets(problem(16)) == ["latency", "energy"]
    assert binding_budgets(problem(17)) == ["energy"]
    assert binding_budgets(problem(17).replace(budgets={"energy": 5})) == []


def test_restrictions_count() -> None:
    """When a cannot take 8b/8b, no choice costs more than 4 + 8 = 12 cycles."""
    forbidden = [Restriction("a", "forbidden", Precision(8, 8))]
    assert binding_budgets(problem(12, restrictions=forbidden)) == ["energy"]
    assert binding_budgets(problem(11, restrictions=forbidden)) == ["latency", "energy"]


def test_a_budget_at_a_float_sum_does_not_bind() -> None:
    """0.1 + 0.2 + 0.3 in another order is another float; as a budget it allows everything."""
    costs = [[0.1, 0.0], [0.2, 0.0], [0.3, 0.0]]
    limited = Problem.from_arrays(np.zeros((3, 2)), {"c": costs}, {"c": 0.3 + 0.2 + 0.1})
    assert binding_budgets(limited) == []


def test_constraints() -> None:
    """The largest coefficients together are 5 + 3."""
    terms = {"a": np.array([5, 1]), "b": np.array([2, 3])}
    binding = LinearConstraint("RAM", terms, 7.5)
    redundant = LinearConstraint("RAM", terms, 8)
    assert binding_constraints(problem(16, constraints=[binding, redundant])) == [binding]


def test_pairs_count() -> None:
    """What the costliest pair adds to 17 cycles, as little as the others may add."""
    pair = PairwiseTerm("a", "b", np.array([[-9, 2], [0, 0]]), "latency")
    assert binding_budgets(problem(18, pairwise=[pair])) == ["latency", "energy"]
    assert binding_budgets(problem(19, pairwise=[pair])) == ["energy"]


def test_pairs_that_decide_nothing() -> None:
    """Zeros, and pairs on a budget that cannot bind; one number is enough on any other."""
    zero, one = np.zeros((2, 2), np.int64), np.array([[0, 0], [0, 1]])
    loss, latency = PairwiseTerm("a", "b", one), PairwiseTerm("a", "b", one, "latency")
    unlimited = PairwiseTerm("a", "b", one, "area")
    nothing = [PairwiseTerm("a", "b", zero), PairwiseTerm("a", "b", zero, "latency")]
    given = problem(16)
    given = given.replace(
        costs={**given.costs, "area": given.loss},
        pairwise=[loss, *nothing, latency, unlimited],
    )
    assert binding_pairwise(given) == [loss, latency]
    loose = given.replace(budgets={"latency": 18})
    assert binding_pairwise(loose) == [loss]


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**32))
def test_what_is_left_out_changes_nothing(seed: int) -> None:
    """By complete enumeration, a problem without its redundant parts has the same optimum."""
    rng = np.random.default_rng(seed)
    whole = random_problem(rng, budgets=2, constraints=True, restrictions=True)
    if not all(whole.allowed[whole.layer_index == i].any() for i in range(len(whole.layers))):
        return  # a layer without a candidate is found before
    names = binding_budgets(whole)
    reduced = whole.replace(
        budgets={name: whole.budgets[name] for name in names},
        constraints=binding_constraints(whole),
    )
    assert brute_force(reduced) == brute_force(whole)
