"""The shared 0-1 model, its scaling, and what happens to answers that break it."""

from __future__ import annotations

import itertools
import pickle
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.enumeration import brute_force
from bench.random_problems import random_problem
from mpsolve import LinearConstraint, Precision, Problem, Tie
from mpsolve.formulations import general
from mpsolve.formulations.binary_model import BinaryModel, binary_model
from mpsolve.formulations.general import BackEnd, General
from mpsolve.formulations.method import Options
from mpsolve.formulations.scaling import float_scale, integer_scale, sketch
from mpsolve.formulations.task import Hear, Report, Task, float_rows, nearest_choice
from mpsolve.model.evaluation import evaluate
from mpsolve.presolve.presolved import Presolved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.typing import IntArray

#: Cheaper is worse; within the budget of 7 the best is (1, 1) with loss 4.
TWO_LAYERS = Problem.from_arrays(
    loss=[[9, 1, 0], [8, 3, 0]], costs={"cost": [[1, 3, 6], [1, 4, 6]]}, budgets={"cost": 7}
)


def seeded(seed: int) -> Problem:
    """A small problem of any kind."""
    return random_problem(
        np.random.default_rng(seed),
        max_assignments=256,
        budgets=2,
        relations=("precision", "b_in", "b_wt"),
        constraints=True,
        restrictions=True,
    )


def choices(model: BinaryModel) -> Iterator[IntArray]:
    """Every choice of the groups."""
    for choice in itertools.product(*(range(n) for n in np.diff(model.offsets))):
        yield np.array(choice, np.int64)


def keeps(model: BinaryModel, choice: IntArray) -> bool:
    """Whether a choice keeps every row."""
    sums = model.activity(choice)
    return bool(np.where(model.equal, sums == model.upper, sums <= model.upper).all())


def enumerating(task: Task) -> Report:
    """A back end that is always right."""
    feasible = [c for c in choices(task.model) if keeps(task.model, c)]
    if not feasible:
        return Report(None, proven=True)
    best = min(feasible, key=task.model.excess)
    return Report(best, float(np.ldexp(task.model.excess(best), task.exponent)), proven=True)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_rows_are_the_constraints(seed: int) -> None:
    """A choice of the groups keeps the rows if and only if what it stands for is feasible."""
    problem = seeded(seed)
    model = binary_model(problem)
    if model is None:
        assert brute_force(problem).least is None
        return
    kept = 0
    for choice in choices(model):
        lifted = model.groups.lift(choice)
        assert evaluate(problem, lifted).feasible == keeps(model, choice)
        kept += keeps(model, choice)
        loss = evaluate(problem, lifted).loss
        assert model.original(model.excess(choice)) == pytest.approx(loss, rel=1e-12, abs=1e-12)
    assert (kept > 0) == (brute_force(problem).least is not None)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([-40, -17, 1, 23, 40]))
def test_a_power_of_two_in_the_losses_gives_the_same_model(seed: int, k: int) -> None:
    """Only the exponent changes, bit for bit, and scales and sketches follow."""
    problem = seeded(seed)
    problem = problem.replace(loss=problem.loss.astype(float))
    model = binary_model(problem)
    other = binary_model(problem.replace(loss=np.ldexp(problem.loss, k)))
    if model is None or other is None:
        assert model is other
        return
    for name in (f.name for f in fields(model) if f.name not in ("groups", "exponent")):
        if name != "resolution":
            np.testing.assert_array_equal(getattr(model, name), getattr(other, name))
    assert np.ldexp(model.resolution, k) == other.resolution
    assert model.base == 0 or other.exponent == model.exponent - k
    assert sketch(model).excess == sketch(other).excess
    assert float_scale(model, 5.0) == float_scale(other, 5.0)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_sketch_bounds_the_optimum(seed: int) -> None:
    """Its bound holds for every choice that keeps the rows."""
    model = binary_model(seeded(seed))
    if model is None:
        return
    quick = sketch(model)
    assert quick.excess == model.excess(quick.choice)
    assert all(quick.bound <= model.excess(c) for c in choices(model) if keeps(model, c))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_excluding_a_choice_keeps_every_feasible_one(seed: int) -> None:
    """The row added excludes the choice and nothing that keeps the other rows."""
    model = binary_model(seeded(seed))
    if model is None:
        return
    for broken in itertools.islice((c for c in choices(model) if not keeps(model, c)), 5):
        without = model.excluding(broken)
        assert without.activity(broken)[-1] > without.upper[-1]
        feasible = [c for c in choices(model) if keeps(model, c)]
        assert all(keeps(without, c) for c in feasible)


def test_float_rows_lose_no_feasible_choice() -> None:
    """Budgets of 2^50 are scaled down, and a choice that uses one up still keeps it."""
    cost = np.array([[0, 2**50 + 1, 2**50 + 3], [0, 2**49 + 1, 2**49 + 5]])
    loss = [[2, 1, 0], [2, 1, 0]]
    limit = 2**50 + 2**49 + 2
    problem = Problem.from_arrays(loss, {"cost": cost}, {"cost": limit})
    model = binary_model(problem)
    assert model is not None
    coefficients, lower, upper = float_rows(model)
    taken = np.zeros(len(model.losses))
    taken[model.offsets[:-1] + 1] = 1
    assert keeps(model, np.array([1, 1]))
    assert lower[0] < coefficients @ taken[model.columns] <= upper[0] < 2.0**21


def test_ties_of_the_whole_precision_merge_and_others_become_rows() -> None:
    """Three tied layers are one group; a tie of b_in adds one equation per value."""
    problem = Problem.from_arrays(
        loss=np.arange(8).reshape(4, 2),
        costs={},
        precisions=["8b/8b", "4b/4b"],
        ties=[Tie(("layer0", "layer1", "layer2")), Tie(("layer2", "layer3"), "b_in")],
    )
    model = binary_model(problem)
    assert model is not None
    assert len(model.offsets) == 3
    assert model.equal.tolist() == [True, True]
    assert [keeps(model, c) for c in choices(model)] == [True, False, False, True]


def test_a_group_without_candidates_is_infeasible() -> None:
    """Tied layers without a precision in common leave nothing to solve."""
    problem = Problem(
        layers=("a", "b"),
        offsets=np.array([0, 1, 2]),
        precisions=(Precision(8, 8), Precision(4, 4)),
        loss=np.array([0, 0]),
        costs={},
        ties=(Tie(("a", "b")),),
    )
    assert binary_model(problem) is None
    outcome = General(BackEnd("fake", float_scale)).solve(Presolved(problem), Options())
    assert outcome.choice is None
    assert outcome.complete


def test_a_constraint_with_negative_coefficients() -> None:
    """Coefficients below 0 are raised to 0 together with the limit."""
    terms = {"layer0": np.array([-5.0, 0, 1]), "layer1": np.array([0.0, 2, 4])}
    constraint = LinearConstraint("c", terms, -4.0)
    model = binary_model(TWO_LAYERS.replace(budgets={}, constraints=(constraint,)))
    assert model is not None
    assert (model.coefficients > 0).all()
    feasible = [tuple(c.tolist()) for c in choices(model) if keeps(model, c)]
    assert feasible == [(0, 0)]


def test_models_travel_between_processes() -> None:
    """A pickled model is the same model."""
    model = binary_model(TWO_LAYERS)
    assert model is not None
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.losses, model.losses)
    np.testing.assert_array_equal(copy.groups.lift(np.array([1, 1])), np.array([1, 1]))


def test_nearest_choice_takes_the_largest_variable_of_each_group() -> None:
    """Rounding errors of a solver do not matter."""
    values = np.array([1e-7, 0.9999, 0.0, 1.0, 0.0])
    assert nearest_choice(values, np.array([0, 3, 5])).tolist() == [1, 0]


def test_integer_losses_stay_exact_for_cpsat() -> None:
    """Nothing is rounded while the losses are below the limit."""
    model = binary_model(TWO_LAYERS)
    assert model is not None
    assert integer_scale(model, 4.0).exponent == 0
    assert integer_scale(model, 4.0).error == 0.0


class Careless:
    """A back end that answers with broken choices before the right one."""

    def __init__(self, broken: int) -> None:
        self.broken = broken
        self.asked = 0

    def __call__(self, family: str, task: Task, hear: Hear) -> Report:
        """Answer a task."""
        self.asked += 1
        wrong = [c for c in choices(task.model) if not keeps(task.model, c)]
        left = task.model.columns[task.model.indptr[1] :]
        if self.asked <= self.broken and wrong and len(left) <= 99:
            return Report(wrong[-1], 0.0, proven=True)
        return enumerating(task)


def test_answers_that_break_a_constraint_are_excluded() -> None:
    """The model is solved again without them, and the proof stands."""
    careless = Careless(2)
    outcome = General(BackEnd("fake", float_scale, run=careless)).solve(
        Presolved(TWO_LAYERS), Options()
    )
    assert outcome.choice is not None
    assert outcome.choice.tolist() == [1, 1]
    assert outcome.complete
    assert careless.asked == 3


def test_excluding_ends_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """After too many of them the answer is unproven, and a note says why."""
    monkeypatch.setattr(general, "EXCLUSIONS", 2)
    careless = Careless(99)
    outcome = General(BackEnd("fake", float_scale, run=careless)).solve(
        Presolved(TWO_LAYERS), Options()
    )
    assert not outcome.complete
    assert "2 answers of fake in a row broke a constraint" in outcome.notes[0]
    assert outcome.choice is None or evaluate(TWO_LAYERS, outcome.choice).feasible


def test_a_false_claim_of_infeasibility_is_not_believed() -> None:
    """The feasible start is returned, unproven, with a note."""
    back_end = BackEnd("fake", float_scale, run=lambda *_: Report(None, proven=True))
    outcome = General(back_end).solve(Presolved(TWO_LAYERS), Options(warm_start=np.array([1, 1])))
    assert outcome.choice is not None
    assert not outcome.complete
    assert "fake found no assignment" in outcome.notes[0]


def test_infeasibility_on_a_guessed_scale_is_asked_about_again() -> None:
    """The sketch breaks the tie, so its loss is no guide; the scale of the largest loss is."""
    problem = Problem.from_arrays(
        loss=[[0, 9], [9, 0], [0, 5], [0, 6]],
        costs={"cost": [[0, 0], [0, 0], [9, 1], [9, 1]]},
        budgets={"cost": 10},
        precisions=["8b/8b", "4b/8b"],
        ties=[Tie(("layer0", "layer1"), "b_in")],
    )
    asked = []

    def run(family: str, task: Task, hear: Hear) -> Report:
        asked.append(task.exponent)
        return Report(None, proven=True) if len(asked) == 1 else enumerating(task)

    outcome = General(BackEnd("fake", float_scale, run=run)).solve(Presolved(problem), Options())
    assert outcome.complete
    assert outcome.choice is not None
    assert evaluate(problem, outcome.choice).loss == 14
    assert asked[1] < asked[0]


def test_an_answer_above_its_own_bound_is_unproven() -> None:
    """Whatever the back end claims, its bound has to meet its answer."""
    back_end = BackEnd(
        "fake", float_scale, run=lambda *_: Report(np.array([0, 0]), 0.0, proven=True)
    )
    outcome = General(back_end).solve(Presolved(TWO_LAYERS), Options())
    assert not outcome.complete
    assert outcome.notes


def test_a_worker_that_overstays_is_a_time_limit() -> None:
    """No report at all leaves the quick answer and its bound."""
    back_end = BackEnd("fake", float_scale, run=lambda *_: None)
    outcome = General(back_end).solve(Presolved(TWO_LAYERS), Options(time_limit=1.0))
    assert outcome.limit == "time limit"
    assert outcome.choice is not None
    assert outcome.bound is not None
    assert outcome.bound <= 4
