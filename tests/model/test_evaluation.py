"""Evaluation against a plain Python loop, and comparisons at the very edge of a budget."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.enumeration import brute_force
from bench.random_problems import random_problem
from mpsolve import (
    InputError,
    LinearConstraint,
    Precision,
    Problem,
    Restriction,
    Status,
    Tie,
    solve,
)
from mpsolve.model.evaluation import evaluate, keeps, smallest, total
from mpsolve.model.ragged import checked_limit

FLOATS = st.floats(-1e9, 1e9)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**32))
def test_evaluate_is_a_plain_loop(seed: int) -> None:
    """Loss, costs and feasibility of a random choice, layer by layer in exact fractions."""
    rng = np.random.default_rng(seed)
    problem = random_problem(
        rng,
        budgets=2,
        relations=("precision", "b_in", "b_wt"),
        constraints=True,
        restrictions=True,
    )
    choice = rng.integers(0, np.diff(problem.offsets))
    evaluation = evaluate(problem, choice)
    loss, chosen = Fraction(0), {}
    costs = dict.fromkeys(problem.costs, Fraction(0))
    for i, layer in enumerate(problem.layers):
        j = int(problem.offsets[i]) + int(choice[i])
        chosen[layer] = problem.precisions[j]
        loss += Fraction(problem.loss[j].item())
        for name, values in problem.costs.items():
            costs[name] += Fraction(values[j].item())
    assert evaluation.loss == (loss if problem.loss.dtype.kind == "i" else float(loss))
    for name, cost in costs.items():
        exact = problem.costs[name].dtype.kind == "i"
        assert evaluation.costs[name] == (cost if exact else float(cost))
        assert type(evaluation.costs[name]) is (int if exact else float)
    only = [Restriction(layer, "fixed", precision) for layer, precision in chosen.items()]
    alone = problem.replace(restrictions=[*problem.restrictions, *only])
    assert evaluation.feasible == (brute_force(alone).least is not None)
    assert evaluation.feasible == (not evaluation.violations)


def test_violations_are_sentences() -> None:
    """Every broken constraint is named with what it is and what it should be."""
    problem = Problem.from_arrays(
        [[0, 5], [0, 7]],
        {"latency": [[9000, 4], [8000, 3]]},
        {"latency": 12_000},
        layers=["a", "b"],
        precisions=["8b/8b", "4b/4b"],
        ties=[Tie(("a", "b"), "b_wt")],
        constraints=[LinearConstraint("RAM", {"b": np.array([2.5, 1])}, 2)],
        restrictions=[Restriction("b", "maximum", Precision(4, 8))],
    )
    assert evaluate(problem, np.array([0, 0])).violations == (
        "latency is 17,000 and its budget 12,000",
        "constraint RAM is 2.5 and its limit 2",
        "maximum 4b/8b of layer b is broken by 8b/8b",
    )
    assert evaluate(problem, np.array([0, 1])).violations == ("tie (equal b_wt of a, b) is broken",)
    assert evaluate(problem, np.array([1, 1])).feasible


def exact_sum(values: list[float]) -> float:
    """The sum in fractions, rounded once."""
    return float(sum(map(Fraction, values), Fraction(0)))


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**32), st.integers(1000, 3000))
def test_sums_of_many_floats_are_rounded_once(seed: int, count: int) -> None:
    """Sizes over many orders, cancellation, sums beside or on the middle of two doubles."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(count) * 10.0 ** rng.uniform(-rng.integers(1, 30), 9, count)
    kind = seed % 4
    if kind == 1:  # all but the errors cancel
        values[count // 2 :] = -values[: count - count // 2] * (1 + 2.0**-50)
    elif kind == 2:  # half an ulp of 2^60, and a little that decides
        values = np.r_[np.zeros(count - 3), 2.0**60, 2.0**7, rng.choice([-1, 0, 1]) * 1e-20]
    elif kind == 3:  # equal numbers that are no dyadic fractions
        values = np.full(count, rng.uniform(0.1, 10))
    rng.shuffle(values)
    assert total(values) == math.fsum(values) == exact_sum(values.tolist())


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32))
def test_what_verify_accepts_solve_finds(seed: int) -> None:
    """At the lowest limit that its cheapest choice keeps, a problem has a solution."""
    rng = np.random.default_rng(seed)
    cost = np.ldexp(rng.integers(1, 2**50, (rng.integers(2, 9), 3)), rng.integers(-90, 9))
    problem = Problem.from_arrays(rng.random(cost.shape), {"us": cost})
    cheapest, limit = cost.argmin(1), math.fsum(cost.min(1))
    while evaluate(problem.replace(budgets={"us": math.nextafter(limit, 0)}), cheapest).feasible:
        limit = math.nextafter(limit, 0)
    for method in ("mckp", "lagrangian"):
        solution = solve(problem.replace(budgets={"us": limit}), method)
        assert solution.status is Status.OPTIMAL
        assert solution.choice is not None
        assert solution.choice.tolist() == cheapest.tolist()
    lower = problem.replace(budgets={"us": math.nextafter(limit, 0)})
    assert solve(lower).status is Status.INFEASIBLE


@pytest.mark.parametrize("choice", [[2, 0], [0, -1], [0], [0.0, 1.0]])
def test_impossible_choices_are_refused(choice: list[Any]) -> None:
    """A back end that names a candidate of the neighbouring layer is found out."""
    problem = Problem.from_arrays([[0, 5], [0, 7]], {})
    with pytest.raises(InputError, match="candidate"):
        evaluate(problem, np.array(choice))


def test_total_of_integers_is_exact() -> None:
    """Also where int64 would overflow, and at its least value, whose absolute value it lacks."""
    assert total(np.array([2**62, 2**62, 2**62])) == 3 * 2**62
    assert total(np.array([2**62, 2**62])) == 2**63
    assert total(np.array([-(2**63), -1])) == -(2**63) - 1
    assert total(np.array([2**53, 1])) == 2**53 + 1
    assert total(np.array([], np.int64)) == 0
    assert type(total(np.array([1, 2]))) is int


def test_total_of_floats_is_correctly_rounded() -> None:
    """0.1 ten times is 1, which a plain sum misses; 1e16 does not swallow what is added to it."""
    assert total(np.full(10, 0.1)) == 1.0
    assert total(np.array([1e16, 1.0, -1e16])) == 1.0


@given(st.lists(FLOATS, max_size=20))
@settings(deadline=None)
def test_total_does_not_depend_on_the_order(values: list[float]) -> None:
    """The sum of the reversed numbers is the same number."""
    array = np.array(values, np.float64)
    assert total(array) == total(array[::-1]) == float(sum(map(Fraction, values)))


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(1000, 1100))
def test_many_floats_are_summed_as_few_are(seed: int, size: int) -> None:
    """Whatever cancels: `math.fsum` is the judge, over forty orders of magnitude."""
    rng = np.random.default_rng(seed)
    values = rng.choice([-1.0, 1.0], size) * 10.0 ** rng.uniform(-20, 20, size)
    half = size // 2
    values[:half] = -values[half : 2 * half]  # nearly nothing is left of what is large ...
    values[rng.integers(0, size, 9)] *= 1 + 2.0**-52  # ... but its last bits
    values = rng.permutation(values)
    assert total(values) == math.fsum(values)
    assert total(np.abs(values)) == math.fsum(np.abs(values))


@pytest.mark.parametrize("size", [1000, 1001, 1023, 1024, 4097])
@pytest.mark.parametrize("rest", [-(2.0**-53), 0.0, 2.0**-53, 2.0**-52, 2.0**-105 + 2.0**-53])
def test_the_last_bit_of_many_floats(size: int, rest: float) -> None:
    """Half a unit in the last place, and a little more or less, beside a sum that cancels."""
    values = np.zeros(size)
    values[[0, size // 2, size - 2, size - 1]] = 1.0, 1e300, rest, -1e300
    assert total(values) == float(1 + Fraction(rest))
    spread = np.full(size, rest / 1024)
    spread[size // 3] = 1.0
    assert total(spread) == float(1 + (size - 1) * Fraction(rest / 1024))


def test_keeps_integers_exactly() -> None:
    """One more than the limit is too much, however large both are."""
    assert keeps(2**60, 2**60, 10**6)
    assert not keeps(2**60 + 1, 2**60, 10**6)
    assert keeps(0, 0, 1)
    assert not keeps(0, -1, 1)


def test_keeps_sums_that_equal_the_limit() -> None:
    """0.1 + 0.2 in floats exceeds 0.3 by half an ulp of each; a real excess does not pass."""
    assert keeps(0.1 + 0.2, 0.3, 2)
    assert not keeps(0.3 * (1 + 1e-14), 0.3, 2)
    assert keeps(-0.3, -(0.1 + 0.2), 2)
    assert not keeps(1e-300, 0.0, 10)
    assert keeps(0.0, 0.0, 10)


@given(st.lists(FLOATS.map(abs), min_size=1, max_size=30), st.randoms())
@settings(deadline=None)
def test_a_budget_that_is_a_float_sum_is_kept(values: list[float], random: Any) -> None:
    """However the numbers are added up to a budget, their sum keeps it."""
    shuffled = list(values)
    random.shuffle(shuffled)
    limit = 0.0
    for value in shuffled:
        limit += value
    assert keeps(total(np.array(values)), limit, len(values))


def test_smallest() -> None:
    """The least of each group: 1 + 2 + -5."""
    assert smallest(np.array([3, 1, 2, 7, -5]), np.array([0, 2, 4, 5])) == -2


@pytest.mark.parametrize(
    ("limit", "number"),
    [
        (3, 3),
        (2.5, 2.5),
        (-(10**400), -(10**400)),
        (np.int8(3), 3),
        (np.float16(2.5), 2.5),
        (np.array(3), 3),
        (np.uint64(2**64 - 1), 2**64 - 1),
    ],
)
def test_checked_limit(limit: object, number: object) -> None:
    """NumPy scalars become Python numbers, exactly."""
    assert checked_limit("x", limit) == number
    assert type(checked_limit("x", limit)) is type(number)


@pytest.mark.parametrize("limit", [math.nan, math.inf, -math.inf, "3", None, True, 3j, [3]])
def test_checked_limit_refuses(limit: object) -> None:
    """Anything but a finite number is quoted, after what it was meant to be."""
    with pytest.raises(InputError, match=r"^The limit of x must be a finite number, not "):
        checked_limit("The limit of x", cast("Any", limit))
