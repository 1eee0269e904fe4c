"""Explanations: true sentences about smallest sets of constraints, judged by enumeration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.enumeration import brute_force
from bench.random_problems import random_problem
from mpsolve import LinearConstraint, PairwiseTerm, Precision, Problem, Restriction, Tie
from mpsolve.presolve.conflict import explain, quick_conflict
from mpsolve.presolve.quickxplain import minimal

if TYPE_CHECKING:
    from mpsolve.errors import Conflict

PRECISIONS = ["8b/8b", "8b/4b", "4b/8b"]


def least_loss(problem: Problem) -> float | None:
    """The optimal loss by complete enumeration."""
    return brute_force(problem).least


def problem(**parts: Any) -> Problem:
    """Layers a, b and c; latencies 9, 6, 4 and 50, 40, 30 and 3, 2, 2, energies the other way."""
    costs = {
        "latency": [[9, 6, 4], [50, 40, 30], [3, 2, 2]],
        "energy": [[1, 2, 5], [10, 20, 40], [1, 1, 1]],
    }
    parts = {"units": {"latency": "cycles"}, **parts}
    return Problem.from_arrays(
        np.zeros((3, 3)), costs, layers=["a", "b", "c"], precisions=PRECISIONS, **parts
    )


def quick(of: Problem) -> Conflict:
    """The conflict that shows without a search."""
    conflict = quick_conflict(of)
    assert conflict is not None
    return conflict


def constraints_of(of: Problem, names: tuple[str, ...]) -> list[tuple[str, object]]:
    """The constraints of a problem that have these names, each with the field it stands in."""
    named: list[tuple[str, object]] = []
    for field in ("constraints", "ties", "restrictions"):
        named += [(field, item) for item in getattr(of, field) if str(item) in names]
    budgets = {name.split()[1] for name in names if name.startswith("budget ")}
    return [*named, *(("budgets", cost) for cost in of.budgets if cost in budgets)]


def with_only(of: Problem, kept: list[tuple[str, object]]) -> Problem:
    """The problem with these constraints alone."""
    changes: dict[str, Any] = {
        field: [item for other, item in kept if other == field]
        for field in ("constraints", "ties", "restrictions")
    }
    costs = [item for field, item in kept if field == "budgets"]
    return of.replace(budgets={c: b for c, b in of.budgets.items() if c in costs}, **changes)


def assert_smallest(of: Problem, conflict: Conflict) -> None:
    """The named constraints conflict, and without any one of them they no longer do."""
    named = constraints_of(of, conflict.constraints)
    assert len(named) == len(conflict.constraints)
    assert least_loss(with_only(of, named)) is None
    for k in range(len(named)):
        assert least_loss(with_only(of, named[:k] + named[k + 1 :])) is not None


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**32), st.integers(1, 2), st.booleans())
def test_explanations_are_smallest_sets(seed: int, budgets: int, constraints: bool) -> None:
    """Of every random infeasible problem; a feasible one has no quick conflict."""
    of = random_problem(
        np.random.default_rng(seed),
        max_assignments=512,
        budgets=budgets,
        relations=("precision", "b_in", "b_wt"),
        constraints=constraints,
        restrictions=True,
    )
    if least_loss(of) is not None:
        assert quick_conflict(of) is None
        return
    conflict = explain(of, least_loss)
    assert_smallest(of, conflict)
    assert all(layer in of.layers for layer in conflict.layers)
    if conflict.cost is not None and len(conflict.constraints) == 1:
        least = least_loss(of.replace(budgets={}, constraints=(), loss=of.costs[conflict.cost]))
        assert conflict.least == pytest.approx(least)


def test_budget_too_small() -> None:
    """The least latency is 4 + 30 + 2 = 36 cycles, 30 of them in b."""
    conflict = quick(problem(budgets={"latency": 35}))
    assert conflict.message == (
        "The budget on latency is 35 cycles, but every assignment needs at least 36 cycles; "
        "layers b, a, c alone account for 100% of that."
    )
    assert (conflict.cost, conflict.budget, conflict.least) == ("latency", 35, 36)
    assert conflict.constraints == ("budget latency <= 35",)
    assert conflict.layers == ("b", "a", "c")
    assert quick_conflict(problem(budgets={"latency": 36})) is None


def test_budget_dominated_by_few_of_many_layers() -> None:
    """Of 5 + 4 + 3 + 1 + 1 + 1 = 15, the three heaviest layers are 12, that is 80%."""
    costs = np.array([[1], [5], [1], [4], [3], [1]])
    conflict = quick(Problem.from_arrays(np.zeros((6, 1)), {"c": costs}, {"c": 3}))
    assert conflict.message.endswith(
        "at least 15; layers layer1, layer3, layer4 alone account for 80% of that."
    )


def test_budget_below_zero() -> None:
    """No share is claimed where some layers cost less than nothing."""
    of = Problem.from_arrays([[0], [0]], {"c": [[-5], [3]]}, {"c": -3})
    assert quick(of).message == "The budget on c is -3, but every assignment needs at least -2."
    nothing = Problem.from_arrays([[0], [0]], {"c": [[0], [0]]}, {"c": -1})
    assert quick(nothing).message.endswith("every assignment needs at least 0.")


def test_budget_of_one_layer() -> None:
    """The sentence agrees in number."""
    conflict = quick(Problem.from_arrays([[0, 0]], {"c": [[5, 3]]}, {"c": 2}))
    assert conflict.message.endswith("; layer layer0 alone accounts for 100% of that.")


def test_budget_just_too_small() -> None:
    """As many digits are shown as it takes to tell the budget from the least value."""
    of = Problem.from_arrays([[0]], {"c": [[1234567.25]]}, {"c": 1234567.125})
    assert "is 1,234,567.12, but every assignment needs at least 1,234,567.25" in quick(of).message
    tiny = Problem.from_arrays([[0]], {"c": [[0.5 + 2.0**-40]]}, {"c": 0.5})
    assert "is 0.5, but every assignment needs at least 0.500000000001" in quick(tiny).message
    round_ = Problem.from_arrays([[0]], {"c": [[4.5e6]]}, {"c": 3.2e6})
    assert "is 3,200,000, but every assignment needs at least 4,500,000;" in quick(round_).message
    large = Problem.from_arrays([[0]], {"c": [[4.5e20]]}, {"c": 3.2e20})
    assert "is 3.2e+20, but every assignment needs at least 4.5e+20;" in quick(large).message


def test_budget_too_small_because_of_a_restriction() -> None:
    """With 8b/8b fixed in b nothing is below 56 cycles; the restriction in c costs too little."""
    restrictions = [
        Restriction("c", "fixed", Precision(8, 8)),
        Restriction("b", "fixed", Precision(8, 8)),
        Restriction("a", "forbidden", Precision(8, 8)),
    ]
    of = problem(budgets={"latency": 50}, restrictions=restrictions)
    conflict = quick(of)
    assert conflict.message.startswith(
        "The budget on latency is 50 cycles, but because of the fixed 8b/8b of layer b every "
        "assignment needs at least 57 cycles; layers b, a, c "
    )
    assert conflict.constraints == ("budget latency <= 50", "fixed 8b/8b of layer b")
    assert conflict.least == 57  # 4 + 50 + 3, every restriction kept
    assert_smallest(of, conflict)


def test_budget_too_small_because_of_a_tie_with_a_restriction() -> None:
    """a must be 8b/8b and so must b; a weaker restriction of b is not to blame."""
    of = problem(
        budgets={"latency": 45},
        ties=[Tie(("a", "b"))],
        restrictions=[
            Restriction("b", "minimum", Precision(4, 4)),
            Restriction("a", "fixed", Precision(8, 8)),
        ],
    )
    conflict = quick(of)
    assert conflict.constraints == (
        "budget latency <= 45",
        "tie (equal precision of a, b)",
        "fixed 8b/8b of layer a",
    )
    assert_smallest(of, conflict)


def test_many_causes_are_abridged() -> None:
    """Five fixed layers are all needed; three are named in the sentence."""
    of = Problem.from_arrays(
        np.zeros((5, 2)),
        {"c": [[2, 1]] * 5},
        {"c": 9},
        precisions=["8b/8b", "4b/4b"],
        restrictions=[Restriction(f"layer{i}", "fixed", Precision(8, 8)) for i in range(5)],
    )
    conflict = quick(of)
    assert len(conflict.constraints) == 6
    assert "the fixed 8b/8b of layer layer2 and 2 more every assignment needs" in conflict.message
    assert_smallest(of, conflict)


def test_layer_without_a_candidate() -> None:
    """Of three restrictions of a, the one to 8b/8b and below and the ban of 8b/8b suffice."""
    restrictions = [
        Restriction("a", "forbidden", Precision(4, 8)),
        Restriction("a", "minimum", Precision(8, 8)),
        Restriction("a", "forbidden", Precision(8, 8)),
        Restriction("b", "fixed", Precision(8, 8)),
    ]
    of = problem(restrictions=restrictions)
    conflict = quick(of)
    assert conflict.message == (
        "Layer a has no candidate left: of 8b/8b, 8b/4b, 4b/8b, the minimum 8b/8b of layer a and "
        "the forbidden 8b/8b of layer a leave none."
    )
    assert conflict.layers == ("a",)
    assert_smallest(of, conflict)


def test_layer_without_a_candidate_by_one_restriction() -> None:
    """The sentence agrees in number."""
    conflict = quick(problem(restrictions=[Restriction("a", "fixed", Precision(2, 2))]))
    assert conflict.message.endswith("the fixed 2b/2b of layer a leaves none.")


def test_tie_without_a_common_precision() -> None:
    """By the candidates alone, or with a restriction."""
    rows = [["8b/8b", "4b/4b"], ["2b/2b"]]
    tie = Tie(("layer0", "layer1"), "b_in", "res")
    apart = Problem.from_arrays([[0, 0], [0]], {}, precisions=rows, ties=[tie])
    assert quick(apart).message == (
        "The tie res (equal b_in of layer0, layer1) cannot be kept: its layers have no b_in in "
        "common."
    )
    assert_smallest(apart, quick(apart))
    restrictions = [
        Restriction("a", "fixed", Precision(8, 4)),
        Restriction("c", "fixed", Precision(8, 8)),
        Restriction("b", "maximum", Precision(4, 8)),
    ]
    of = problem(ties=[Tie(("a", "b"))], restrictions=restrictions)
    conflict = quick(of)
    assert conflict.message == (
        "The tie (equal precision of a, b) cannot be kept with the fixed 8b/4b of layer a and the "
        "maximum 4b/8b of layer b: its layers have no precision in common."
    )
    assert conflict.layers == ("a", "b")
    assert_smallest(of, conflict)


def test_ties_that_cannot_be_kept_together() -> None:
    """One layer offers 8b/4b and 4b/8b, the other 8b/8b and 4b/4b: equal in one width, not both."""
    rows = [["8b/4b", "4b/8b"], ["8b/8b", "4b/4b"], ["8b/8b"]]
    ties = [Tie(("layer0", "layer1"), "b_in"), Tie(("layer0", "layer1"), "b_wt")]
    of = Problem.from_arrays([[0, 0], [0, 0], [0]], {}, precisions=rows, ties=ties)
    conflict = quick(of)
    assert conflict.message == (
        "The tie (equal b_in of layer0, layer1) and the tie (equal b_wt of layer0, layer1) cannot "
        "be kept together: no choice of precisions satisfies them."
    )
    assert conflict.layers == ("layer0", "layer1")
    assert_smallest(of, conflict)


def test_constraint_too_small() -> None:
    """a and b need at least 1 + 2, and 3 + 2 when a cannot take 8b/8b."""
    terms = {"a": np.array([1, 3, 4]), "b": np.array([5, 2, 2])}
    alone = problem(constraints=[LinearConstraint("RAM", terms, 2)])
    assert quick(alone).message == ("The constraint RAM allows 2, but layers a, b need at least 3.")
    assert (quick(alone).least, quick(alone).budget) == (3, 2)
    assert_smallest(alone, quick(alone))
    restrictions = [
        Restriction("b", "forbidden", Precision(8, 8)),
        Restriction("a", "forbidden", Precision(8, 8)),
    ]
    limit = LinearConstraint("RAM", terms, 4)
    restricted = problem(constraints=[limit], restrictions=restrictions)
    assert quick(restricted).message == (
        "The constraint RAM allows 4, but because of the forbidden 8b/8b of layer a layers a, b "
        "need at least 5."
    )
    assert_smallest(restricted, quick(restricted))


def test_two_budgets() -> None:
    """Each can be kept alone: 36 cycles cost 46 of energy, and 12 of energy cost 61 cycles."""
    of = problem(budgets={"latency": 40, "energy": 20})
    assert quick_conflict(of) is None
    conflict = explain(of, least_loss)
    assert set(conflict.constraints) == {"budget latency <= 40", "budget energy <= 20"}
    # Within 40 cycles b takes 4b/8b (40 of energy) or leaves no room; a and c then take 1 + 1.
    assert conflict.message == (
        "The budget latency <= 40 and the budget energy <= 20 cannot be kept together: with the "
        "budget latency <= 40 kept, energy is at least 43, above its budget of 20; "
        "layers b, a, c dominate it."
    )
    assert (conflict.cost, conflict.budget, conflict.least) == ("energy", 20, 43)
    assert_smallest(of, conflict)


def test_budget_with_constraint() -> None:
    """RAM wants a and b at 8 bits of weights at most once, which latency does not allow."""
    ram = LinearConstraint("RAM", {"a": np.array([0, 0, 1]), "b": np.array([0, 0, 1])}, 1)
    of = problem(budgets={"latency": 37}, constraints=[ram])
    assert quick_conflict(of) is None
    conflict = explain(of, least_loss)
    # With one of a and b at 4b/8b: min(4 + 40, 6 + 30) + 2 = 38.
    assert conflict.message == (
        "The budget latency <= 37 and the constraint RAM cannot be kept together: with the "
        "constraint RAM kept, latency is at least 38 cycles, above its budget of 37; layers b, a, "
        "c dominate it."
    )
    assert_smallest(of, conflict)


def test_constraints_without_budgets() -> None:
    """a and b can be at 4b/8b one by one but must not be both, nor neither."""
    terms = {"a": np.array([0, 0, 1]), "b": np.array([0, 0, 1])}
    both = LinearConstraint("not both", terms, 0)
    one = LinearConstraint("one", {name: -values for name, values in terms.items()}, -1)
    of = problem(constraints=[both, one], budgets={"latency": 99})
    assert quick_conflict(of) is None
    conflict = explain(of, least_loss)
    assert conflict.message == (
        "The constraint not both and the constraint one cannot be kept together; any one of them "
        "can be dropped."
    )
    assert conflict.layers == ("a", "b")
    assert conflict.cost is None
    tied = of.replace(ties=[Tie(("b", "c"))])
    assert explain(tied, least_loss).constraints == conflict.constraints


def test_ties_carry_a_conflict() -> None:
    """Tied a and b, of which a needs weights of 8 bits and b must not have them."""
    first = LinearConstraint("first", {"a": np.array([1, 0, 0])}, 0)
    second = LinearConstraint("second", {"b": np.array([0, 1, 1])}, 0)
    of = problem(constraints=[first, second], ties=[Tie(("a", "b"))])
    conflict = explain(of, least_loss)
    assert len(conflict.constraints) == 3
    assert conflict.layers == ("a", "b")
    assert_smallest(of, conflict)


def test_more_joint_candidates_than_can_be_merged() -> None:
    """Ties of a bit-width are left aside then; what the rest needs is still a true bound."""
    precisions = [f"{b_in}b/{b_wt}b" for b_in in (2, 4, 8) for b_wt in (2, 4, 8)]
    of = Problem.from_arrays(
        np.zeros((9, 9)),
        {"c": np.ones((9, 9))},
        {"c": 8.0},
        precisions=precisions,
        ties=[Tie(tuple(f"layer{i}" for i in range(9)), "b_in")],
    )
    conflict = quick(of)
    assert conflict.least == 9
    assert conflict.constraints == ("budget c <= 8",)


def test_a_tie_behind_one_that_cannot_be_merged() -> None:
    """It shows as soon as the other is left aside: then a and b need 1 + 5 together."""
    precisions = [f"{b_in}b/{b_wt}b" for b_in in (2, 4, 8) for b_wt in (2, 4, 8)]
    cost = np.zeros((11, 9))
    cost[9] = [1, 1, 1, 5, 5, 5, 5, 5, 5]  # a is cheap with 2 bits in
    cost[10] = [5, 5, 5, 1, 1, 1, 1, 1, 1]  # b with more
    layers = [*map(str, range(9)), "a", "b"]
    of = Problem.from_arrays(
        np.zeros((11, 9)),
        {"c": cost},
        {"c": 5},
        layers=layers,
        precisions=precisions,
        ties=[Tie(tuple(layers[:9]), "b_in"), Tie(("a", "b"), "b_in")],
    )
    assert quick_conflict(of) is None
    conflict = explain(of, lambda variant: 0)  # what remains can be kept
    assert conflict.constraints == ("budget c <= 5", "tie (equal b_in of a, b)")
    assert conflict.least == 6


@settings(deadline=None)
@given(st.sets(st.integers(0, 19), min_size=1), st.integers(1, 20))
def test_minimal(cause: set[int], count: int) -> None:
    """Of constraints that conflict when they hold the cause, exactly the cause is left."""
    cause = {number % count for number in cause}
    asked: list[int] = []

    def conflicting(parts: list[int]) -> bool:
        asked.append(len(parts))
        return cause <= set(parts)

    assert set(minimal(list(range(count)), conflicting)) == cause
    assert len(asked) <= 2 * len(cause) * (1 + count.bit_length()) + 1


def test_minimal_prefers_the_first() -> None:
    """Where 0 or 2 alone conflict, 0 is named; and nothing conflicts with nothing."""
    assert minimal([0, 1, 2], lambda parts: 0 in parts or 2 in parts) == [0]
    assert minimal([], bool) == []


def test_messages_are_sentences() -> None:
    """They begin with a capital and end with one full stop."""
    for seed in range(300):
        rng = np.random.default_rng(seed)
        relations = ("precision", "b_in", "b_wt")
        of = random_problem(rng, max_layers=4, relations=relations, restrictions=True)
        if conflict := quick_conflict(of):
            assert re.fullmatch(r"[A-Z].*[^.]\.", conflict.message)


def pairs(latency: int, energy: int, values: list[list[int]]) -> Problem:
    """Two layers of latencies 2 and 3 and of energy 1, and what pairs add to the latency."""
    return Problem.from_arrays(
        np.zeros((2, 2)),
        {"latency": [[2, 3], [2, 3]], "energy": [[1, 1], [1, 1]]},
        {"latency": latency, "energy": energy},
        layers=["a", "b"],
        pairwise=[PairwiseTerm("a", "b", np.array(values), "latency")],
    )


def test_pairs_may_make_a_budget_large_enough() -> None:
    """The latencies alone exceed 3, but pairs take 2 off; it is the energy that cannot be kept."""
    conflict = quick(pairs(3, 1, [[-2, -2], [-2, -2]]))
    assert (conflict.cost, conflict.least) == ("energy", 2)


def test_pairs_are_part_of_the_least() -> None:
    """The least is 3 + 3 + 0; 2 + 2 + 4 and 2 + 3 + 2 are more."""
    conflict = explain(pairs(5, 2, [[4, 2], [2, 0]]), least_loss)
    assert (conflict.cost, conflict.budget, conflict.least) == ("latency", 5, 6)
