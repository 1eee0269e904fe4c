"""Pairwise terms: what they must be, and that every part of the library counts them."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mpsolve
from bench.enumeration import brute_force
from bench.random_problems import random_problem
from mpsolve import (
    InputError,
    PairwiseTerm,
    Problem,
    Restriction,
    Status,
    Tie,
    UnsupportedError,
    solve,
)
from mpsolve.formulations.binary_model import binary_model, linked
from mpsolve.formulations.mckp.method import Mckp
from mpsolve.formulations.method import Options, method_named
from mpsolve.model.evaluation import evaluate
from mpsolve.presolve.conflict import quick_conflict
from mpsolve.presolve.presolved import Presolved
from mpsolve.presolve.redundancy import binding_budgets, binding_pairwise

#: Two layers at 8b/8b or 4b/8b; without pairs (1, 0) loses least within 10 cycles.
PLAIN = Problem.from_arrays(
    loss=[[0, 1], [0, 3]],
    costs={"latency": [[6, 4], [6, 2]]},
    budgets={"latency": 10},
    precisions=["8b/8b", "4b/8b"],
)
#: A conversion of 3 cycles where the inputs differ.
CONVERSION = PairwiseTerm("layer0", "layer1", np.array([[0, 3], [3, 0]]), "latency", "conversion")


def seeded(seed: int) -> Problem:
    """A small problem with pairwise terms and everything else."""
    rng = np.random.default_rng(seed)
    return random_problem(
        rng,
        max_assignments=512,
        budgets=int(rng.integers(3)),
        relations=("precision", "b_in", "b_wt") if rng.random() < 0.5 else (),
        constraints=bool(rng.random() < 0.3),
        restrictions=bool(rng.random() < 0.3),
        pairwise=True,
    )


@pytest.mark.parametrize(
    "values",
    [[1, 2], [[1], [2, 3]], [["a"]], [[np.nan]], [[np.inf]], [[1j]], np.zeros((0, 2)), None],
)
def test_values_are_a_matrix_of_finite_numbers(values: Any) -> None:
    """Anything else is refused with the layers in the message."""
    with pytest.raises(InputError, match=r"\(of a and b on the loss\) needs a matrix of finite"):
        PairwiseTerm("a", "b", values)


def test_a_term_joins_two_layers() -> None:
    """A layer has no pairwise term with itself."""
    with pytest.raises(InputError, match="joins two different layers, not a twice"):
        PairwiseTerm("a", "a", np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("term", "message"),
    [
        (PairwiseTerm("layer0", "x", np.zeros((2, 2))), "has no layer 'x'"),
        (PairwiseTerm("layer0", "layer1", np.zeros((2, 3))), "2 x 2 numbers.*not of 2 x 3"),
        (PairwiseTerm("layer0", "layer1", np.zeros((2, 2)), "rom"), "the costs are: latency"),
        ("conversion", "terms of type PairwiseTerm, not 'conversion'"),
    ],
)
def test_a_term_must_fit_its_problem(term: Any, message: str) -> None:
    """Layers, candidates and cost exist."""
    with pytest.raises(InputError, match=message):
        PLAIN.replace(pairwise=[term])


def test_evaluation_adds_pairs_exactly() -> None:
    """4 + 6 + 3 cycles by hand; integers stay integers."""
    problem = PLAIN.replace(pairwise=[CONVERSION])
    found = evaluate(problem, np.array([1, 0]))
    assert found.costs == {"latency": 13}
    assert isinstance(found.costs["latency"], int)
    assert found.violations == ("latency is 13 and its budget 10",)
    assert "1 pairwise terms" in repr(problem)


def test_a_conversion_changes_the_optimum() -> None:
    """Without pairs (1, 0) is best; with conversions only (1, 1) keeps the budget."""
    assert solve(PLAIN).configuration == PLAIN.configuration(np.array([1, 0]))
    problem = PLAIN.replace(pairwise=[CONVERSION])
    for method in ("auto", "lagrangian", "highs", "milp", "cpsat"):
        solution = solve(problem, method)
        assert solution.choice is not None
        assert solution.choice.tolist() == [1, 1]
        assert (solution.status, solution.loss) == (Status.OPTIMAL, 4)
        assert solution.costs == {"latency": 6}


def test_a_cross_term_of_the_loss() -> None:
    """Lowering both layers loses 5 more than each alone: 0 + 3 within 8 cycles."""
    cross = PairwiseTerm("layer1", "layer0", np.array([[0, 0], [0, 5]]))
    problem = PLAIN.replace(pairwise=[cross], budgets={"latency": 8})
    assert solve(problem).loss == 3
    assert solve(problem.replace(budgets={"latency": 6})).loss == 9


def test_numbers_of_one_sum_are_of_one_kind() -> None:
    """A float among integers makes the whole sum one of floats, and leaves other sums alone."""
    half = PairwiseTerm("layer0", "layer1", np.full((2, 2), 0.5), "latency")
    problem = PLAIN.replace(pairwise=[CONVERSION, half])
    assert problem.costs["latency"].dtype == np.float64
    assert [term.values.dtype for term in problem.pairwise] == [np.float64, np.float64]
    assert problem.loss.dtype == np.int64
    assert evaluate(problem, np.array([0, 1])).costs == {"latency": 11.5}


def test_integers_too_large_to_be_summed_become_floats() -> None:
    """As for the numbers of layers, but for both together."""
    large = PairwiseTerm("layer0", "layer1", np.full((2, 2), 2**57 - 1), "latency")
    assert PLAIN.replace(pairwise=[large]).costs["latency"].dtype == np.float64
    small = PairwiseTerm("layer0", "layer1", np.full((2, 2), 2**56), "latency")
    assert PLAIN.replace(pairwise=[small]).costs["latency"].dtype == np.int64


def test_terms_are_copied_and_read_only() -> None:
    """Nobody can change a problem from outside."""
    values = np.zeros((2, 2))
    term = PairwiseTerm("layer0", "layer1", values)
    values[0, 0] = 7
    assert term.values[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        term.values[0, 0] = 1
    for other in (pickle.loads(pickle.dumps(term)), copy.deepcopy(term)):
        np.testing.assert_array_equal(other.values, term.values)


def test_relative_budgets_count_pairs() -> None:
    """0.5x of 8b/8b, which costs 12 + 1; a part of the range would take a search."""
    one = PairwiseTerm("layer0", "layer1", np.array([[1, 3], [3, 1]]), "latency")
    problem = PLAIN.replace(pairwise=[one])
    assert problem.with_budgets({"latency": "1x"}).budgets == {"latency": 13}
    with pytest.raises(InputError, match="pairs of layers add to latency; give a number"):
        problem.with_budgets({"latency": "50%"})


def test_a_budget_can_bind_by_pairs_alone() -> None:
    """12 cycles bind only with the conversion; terms on budgets that cannot bind do not count."""
    problem = PLAIN.replace(budgets={"latency": 12})
    assert binding_budgets(problem) == []
    problem = problem.replace(pairwise=[CONVERSION])
    assert binding_budgets(problem) == ["latency"]
    assert binding_pairwise(problem) == [CONVERSION]
    assert binding_pairwise(problem.replace(budgets={"latency": 15})) == []


def test_the_knapsack_names_the_term() -> None:
    """And says which methods can, for a constant as well; zeros do not matter to it."""
    refusal = Mckp().unsupported(Presolved(PLAIN.replace(pairwise=[CONVERSION])))
    assert refusal == (
        "mckp cannot add up pairwise term conversion (of layer0 and layer1 on latency); "
        "use method lagrangian, highs or cpsat."
    )
    for cost in (None, "latency"):
        constant = PairwiseTerm("layer0", "layer1", np.full((2, 2), 3), cost)
        assert "cannot add up" in str(
            Mckp().unsupported(Presolved(PLAIN.replace(pairwise=[constant])))
        )
        zeros = PairwiseTerm("layer0", "layer1", np.zeros((2, 2), np.int64), cost)
        assert solve(PLAIN.replace(pairwise=[zeros]), "mckp").loss == solve(PLAIN).loss


def test_heuristics_say_what_they_ignore() -> None:
    """Free Bits and the greedy ones look at layers alone; a homogeneous answer is evaluated."""
    problem = PLAIN.replace(pairwise=[CONVERSION])
    for heuristic in ("free-bits", "greedy-decrease", "greedy-increase"):
        notes = solve(problem, heuristic, start="4b/8b").notes
        assert "ignores what pairs of layers add to latency" in " ".join(notes)
        assert "ignores" not in " ".join(solve(PLAIN, heuristic, start="4b/8b").notes)
    assert solve(problem, "homogeneous").loss == 4


def test_an_impossible_budget_is_explained() -> None:
    """By hand: (1, 1) costs 4 + 2 + 1 = 7, everything else more; the restriction makes it 13."""
    one = PairwiseTerm("layer0", "layer1", np.array([[1, 3], [3, 1]]), "latency")
    problem = PLAIN.replace(pairwise=[one], budgets={"latency": 6})
    assert quick_conflict(problem) is None
    for method in ("lagrangian", "highs"):
        conflict = solve(problem, method).conflict
        assert conflict is not None
        assert conflict.constraints == ("budget latency <= 6",)
        assert conflict.least == 7
        assert "latency is at least 7, above its budget of 6" in conflict.message
    fixed = Restriction("layer0", "fixed", mpsolve.Precision(8, 8))
    conflict = solve(problem.replace(restrictions=[fixed], budgets={"latency": 10})).conflict
    assert conflict is not None
    assert conflict.least == 11
    assert conflict.constraints == ("budget latency <= 10", "fixed 8b/8b of layer layer0")


def test_verify_and_compare_count_pairs() -> None:
    """The configuration that ignores the conversion is over budget; no method disagrees."""
    problem = PLAIN.replace(pairwise=[CONVERSION])
    judged = mpsolve.verify(problem, PLAIN.configuration(np.array([1, 0])))
    assert not judged.evaluation.feasible
    comparison = mpsolve.compare(problem)
    assert comparison.optimum == 4
    assert {e.method for e in comparison.entries if e.solution is None} == {"mckp"}


def test_what_looks_at_single_layers_refuses_pairs() -> None:
    """Sensitivity, protection and fronts name the term instead of ignoring it."""
    problem = PLAIN.replace(pairwise=[CONVERSION])
    message = "looks at layers one by one, and the problem has the pairwise term conversion"
    with pytest.raises(UnsupportedError, match=message):
        mpsolve.sensitivity(problem)
    with pytest.raises(UnsupportedError, match=message):
        mpsolve.solve_robust(problem, mpsolve.Box("latency", 1))
    with pytest.raises(UnsupportedError, match=message):
        mpsolve.pareto_front(problem, "latency")


def test_the_k_best_count_pairs() -> None:
    """Within 13 cycles, by hand: all four assignments, of 9 + 3, 6, 12 + 0 and 4 + 6 + 3."""
    problem = PLAIN.replace(pairwise=[CONVERSION], budgets={"latency": 13})
    losses = [solution.loss for solution in mpsolve.k_best(problem, 9)]
    assert losses == [0, 1, 3, 4]
    problem = problem.replace(budgets={"latency": 11})
    assert [solution.loss for solution in mpsolve.k_best(problem, 9)] == [3, 4]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_the_model_adds_up_what_the_evaluation_does(seed: int) -> None:
    """Every choice has its loss, and keeps the rows if and only if it is feasible."""
    problem = seeded(seed)
    model = binary_model(problem)
    if model is None:
        assert brute_force(problem).least is None
        return
    model = linked(model)
    for choice in itertools.product(*map(range, np.diff(model.groups.offsets))):
        completed = model.completed(np.array(choice, np.int64))
        found = evaluate(problem, model.lift(completed))
        sums = model.activity(completed)
        assert (
            found.feasible == np.where(model.equal, sums == model.upper, sums <= model.upper).all()
        )
        loss = model.original(model.excess(completed))
        spread = sum(float(np.abs(t.values).max()) for t in problem.pairwise)
        assert loss == pytest.approx(float(found.loss), rel=1e-12, abs=1e-12 * (1 + spread))


def test_pairs_inside_a_group_and_sums_of_two_numbers_need_no_variables() -> None:
    """A tied pair and a separable matrix go into the candidates; any other gets a pair."""
    tied = PLAIN.replace(pairwise=[CONVERSION], ties=[Tie(("layer0", "layer1"))])
    sums = PLAIN.replace(
        pairwise=[PairwiseTerm("layer0", "layer1", np.add.outer([1, 4], [2, 9]), "latency")],
        budgets={"latency": 20},
    )
    for problem, pairs in ((tied, 0), (sums, 0), (PLAIN.replace(pairwise=[CONVERSION]), 1)):
        model = binary_model(problem)
        assert model is not None
        assert len(model.pairs) == pairs


@pytest.mark.parametrize("method", ["lagrangian", "highs", "milp", "cpsat"])
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_agrees_with_enumeration(method: str, seed: int) -> None:
    """Every exact method but the knapsack proves the optimum, or that there is none."""
    problem = seeded(seed)
    outcome = method_named(method).solve(Presolved(problem), Options())
    truth = brute_force(problem)
    assert outcome.complete
    assert (outcome.choice is None) == (truth.least is None)
    if outcome.choice is not None and truth.least is not None:
        found = evaluate(problem, outcome.choice)
        pairs = sum(float(np.abs(t.values).max()) for t in problem.pairwise_on(None))
        scale = float(np.abs(problem.loss).sum()) + pairs
        assert found.feasible
        assert found.loss - truth.least <= truth.tolerance + 1e-10 * scale
