"""The knapsack search, step by step and as a whole."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import Limit, Problem, Progress, Status, Tie, UnsupportedError, solve
from mpsolve.formulations.filtering import affordable, competitive
from mpsolve.formulations.mckp import method as method_module
from mpsolve.formulations.mckp import search as search_module
from mpsolve.formulations.mckp.core import open_core, reduce
from mpsolve.formulations.mckp.incumbent import improve, settle_ties
from mpsolve.formulations.mckp.instance import Instance, padded
from mpsolve.formulations.mckp.relaxation import relax
from mpsolve.formulations.mckp.search import search
from mpsolve.formulations.method import Options
from tests.support import brute_force, random_problem

#: Two groups; the relaxation trades both at slope 1 and the optimum within 6 is (1, 0): loss 4.
SMALL = padded(np.array([5, 2, 4, 1]), np.array([0, 4, 0, 6]), np.array([0, 2, 4]), capacity=6)


def hard_instance(seed: int = 0, groups: int = 60, largest: int = 10**6) -> Instance:
    """Strongly correlated: the loss saved is the weight added plus a constant."""
    rng = np.random.default_rng(seed)
    weights = np.sort(rng.integers(1, largest, (groups, 10)), 1)
    losses = largest - weights + largest // 10 * (weights == weights[:, :1])
    capacity = int(weights.mean(1).sum())
    offsets = np.arange(groups + 1) * 10
    return padded(weights.ravel(), losses.ravel(), offsets, capacity)


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """Small integer instances with feasible, tight and impossible capacities."""
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    size = sum(counts)
    scale = draw(st.sampled_from([3, 30, 10**6, 2**50]))
    numbers = st.lists(st.integers(0, scale), min_size=size, max_size=size)
    weights, losses = np.array(draw(numbers)), np.array(draw(numbers))
    capacity = draw(st.integers(0, int(weights.sum())))
    return padded(weights, losses, np.cumsum([0, *counts]), capacity)


def enumerate_all(instance: Instance) -> list[tuple[int, int]]:
    """Weight and loss of every choice, in plain Python integers."""
    columns = [np.flatnonzero(row).tolist() for row in instance.real]
    weights, losses = instance.weights.tolist(), instance.losses.tolist()
    return [
        (
            sum(weights[g][k] for g, k in enumerate(choice)),
            sum(losses[g][k] for g, k in enumerate(choice)),
        )
        for choice in product(*columns)
    ]


@settings(max_examples=400, deadline=None)
@given(instances())
def test_search_finds_the_optimum_with_its_proof(instance: Instance) -> None:
    """The search agrees with enumeration, and its bound meets its loss."""
    feasible = [loss for weight, loss in enumerate_all(instance) if weight <= instance.capacity]
    result = search(instance)
    if not feasible:
        assert result.choice is None
        return
    assert result.choice is not None
    assert result.loss == result.bound == min(feasible) == instance.loss(result.choice)
    assert instance.weight(result.choice) <= instance.capacity


@settings(max_examples=200, deadline=None)
@given(instances())
def test_relaxation_brackets_the_capacity_and_bounds_the_optimum(instance: Instance) -> None:
    """The dual value at the multiplier never exceeds the least feasible loss."""
    feasible = [loss for weight, loss in enumerate_all(instance) if weight <= instance.capacity]
    relaxation = relax(instance)
    assert (relaxation is None) == (not feasible)
    if relaxation is None:
        return
    assert instance.weight(relaxation.below) <= instance.capacity
    if relaxation.above is None:
        assert instance.loss(relaxation.below) == min(feasible)
        return
    assert instance.weight(relaxation.above) > instance.capacity
    assert relaxation.multiplier >= 0
    priced = instance.losses + relaxation.multiplier * instance.weights.astype(float)
    dual = math.fsum(priced.min(1)) - relaxation.multiplier * instance.capacity
    assert dual <= min(feasible) + 1e-9 * (1 + abs(min(feasible)))


@settings(max_examples=200, deadline=None)
@given(instances())
def test_reduction_never_drops_a_better_choice(instance: Instance) -> None:
    """Every choice better than the break choice uses only candidates that are left alive."""
    relaxation = relax(instance)
    if relaxation is None or relaxation.above is None:
        return
    choice = settle_ties(instance, relaxation)
    assert instance.weight(choice) <= instance.capacity
    reduced = reduce(instance, choice, relaxation.multiplier)
    best = min(loss for weight, loss in enumerate_all(instance) if weight <= instance.capacity)
    assert reduced.bound <= best - instance.loss(choice)
    if best == instance.loss(choice):
        return
    alive = reduced.within(instance.loss(choice) - 1 - instance.loss(choice))
    alive[np.arange(len(choice)), choice] = True
    weights = np.where(alive, instance.weights, 2**60)
    left = Instance(weights, instance.losses, alive, instance.capacity)
    assert best == min(loss for weight, loss in enumerate_all(left) if weight <= left.capacity)
    core = open_core(reduced, alive & reduced.alive)
    assert (core.per_gain[1:] <= core.per_gain[:-1]).all()
    assert (core.per_loss[1:] >= core.per_loss[:-1]).all()
    assert (core.per_gain <= core.per_loss).all()


def test_small_instance_by_hand() -> None:
    """Keeping 4 and moving 5 to 2 costs 4; moving 4 to 1 instead would cost 6."""
    result = search(SMALL)
    assert result.choice is not None
    assert result.choice.tolist() == [1, 0]
    assert (result.loss, result.bound, result.limit) == (4, 4, None)


def test_improve_repairs_a_choice_that_exceeds_the_capacity() -> None:
    """From (0, 0) with weight 9 > 6 the cheapest single repair is the first group's."""
    assert improve(SMALL, np.array([0, 0])).tolist() == [1, 0]


def test_near_ties_are_settled_before_the_core() -> None:
    """When loss saved equals weight added, switching reaches the capacity exactly."""
    weights = np.array([[1, 2]] * 40)
    instance = Instance(weights, 2 - weights, np.ones((40, 2), bool), capacity=57)
    relaxation = relax(instance)
    assert relaxation is not None
    assert instance.weight(settle_ties(instance, relaxation)) == 57


def test_label_limit_ends_with_an_incumbent_and_a_valid_bound() -> None:
    """Under a label limit the incumbent keeps the capacity and the bound stays below it."""
    instance = hard_instance()
    full = search(instance)
    cut = search(instance, label_limit=50)
    assert full.limit is None
    assert cut.limit is Limit.LABELS
    assert cut.choice is not None
    assert instance.weight(cut.choice) <= instance.capacity
    assert cut.bound <= full.loss <= cut.loss


def test_time_limit_ends_with_an_incumbent_and_a_valid_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A deadline that has passed stops the search at its first check."""
    monkeypatch.setattr(search_module, "DIVE_AT", 0)
    instance = hard_instance()
    cut = search(instance, deadline=-math.inf)
    assert cut.limit is Limit.TIME
    assert cut.bound <= search(instance).loss <= cut.loss


def test_interruption_returns_the_best_choice_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C during the core ends with the incumbent and its bound, not with a traceback."""
    monkeypatch.setattr(search_module, "DIVE_AT", 0)

    def interrupt(incumbent: int, bound: int) -> None:
        assert bound <= incumbent
        raise KeyboardInterrupt

    instance = hard_instance()
    cut = search(instance, report=interrupt)
    assert cut.limit is Limit.INTERRUPTED
    assert cut.choice is not None
    assert instance.loss(cut.choice) == cut.loss >= search(instance).loss >= cut.bound


def test_dives_do_not_change_the_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Diving after every group with a narrow beam finds the same loss as not diving."""
    for seed in range(5):
        instance = hard_instance(seed, largest=1000)
        expected = search(instance)
        with monkeypatch.context() as patch:
            patch.setattr(search_module, "DIVE_AT", 10)
            patch.setattr(search_module, "DIVE_GROWTH", 1)
            patch.setattr(search_module, "DIVE_WIDTH", 7)
            dived = search(instance)
        assert (dived.loss, dived.bound, dived.limit) == (expected.loss, expected.loss, None)
        assert dived.choice is not None
        assert instance.loss(dived.choice) == dived.loss


@pytest.mark.parametrize("gap", [0.5, 0.01])
def test_gap_stops_early_with_a_bound_within_it(gap: float) -> None:
    """The bound of a search with a gap lies within the gap of its loss, and below the optimum."""
    instance = hard_instance()
    optimum = search(instance).loss
    result = search(instance, gap=gap)
    assert result.bound <= optimum <= result.loss
    assert result.loss - result.bound <= gap * result.loss


def test_start_is_never_worsened() -> None:
    """A search that may do nothing returns the start when it is the best choice known."""
    instance = hard_instance()
    best = search(instance)
    again = search(instance, start=best.choice, label_limit=1)
    assert again.loss == best.loss


def test_candidates_above_the_room_of_a_layer_are_not_affordable() -> None:
    """With minima 1 + 2 and budget 6 the first layer can pay 4 and the second 5."""
    cost = np.array([1, 4, 5, 2, 5, 6])
    usable = affordable(cost, np.array([0, 3, 6]), 6)
    assert usable.tolist() == [True, True, False, True, True, False]


def test_candidates_that_lose_more_than_a_known_choice_are_not_competitive() -> None:
    """The known choice loses 3 more than the minima, so a single excess of 4 is too much."""
    loss = np.array([0.0, 3.0, 4.0, 1.0, 2.0])
    usable = competitive(loss, np.array([0, 3, 5]), np.array([1, 0]))
    assert usable.tolist() == [True, True, False, True, True]


def test_one_enormous_loss_does_not_coarsen_the_answer() -> None:
    """A marker of 1e30 beside differences of 1e-9 leaves the small differences in force."""
    loss = [[1e30, 4e-9, 1e-9], [1e30, 2e-9, 0.0]]
    cost = [[1, 2, 3], [1, 2, 3]]
    problem = Problem.from_arrays(loss, {"latency": cost}, {"latency": 5})
    solution = solve(problem, "mckp")
    assert solution.choice is not None
    assert solution.choice.tolist() == [2, 1]  # 1 + 2 nano; the other way 4 + 0
    assert solution.status is Status.OPTIMAL


def test_progress_speaks_of_original_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a long search reports brackets the optimum in the units of the loss."""
    monkeypatch.setattr(search_module, "DIVE_AT", 0)
    rng = np.random.default_rng(3)
    problem = Problem.from_arrays(
        rng.random((30, 6)), {"latency": rng.random((30, 6))}, {"latency": 9.0}
    )
    seen: list[Progress] = []
    solution = solve(problem, "mckp", progress=seen.append)
    assert seen
    assert solution.loss is not None
    for progress in seen:
        assert progress.bound is not None
        assert progress.incumbent is not None
        assert progress.bound - 1e-9 <= solution.loss <= progress.incumbent + 1e-9


def test_without_budgets_every_layer_takes_its_least_loss() -> None:
    """No budget binds, so the minima 1 and 2 are taken."""
    problem = Problem.from_arrays([[3, 1], [2, 5]], {"latency": [[1, 9], [9, 1]]})
    solution = solve(problem, "mckp")
    assert solution.loss == 3
    assert solution.status is Status.OPTIMAL


def test_tied_layers_are_merged() -> None:
    """Alone each layer would take another candidate; together the second is cheaper."""
    problem = Problem.from_arrays(
        [[0, 4], [9, 0]],
        {"latency": [[1, 1], [1, 1]]},
        {"latency": 2},
        ties=[Tie(("layer0", "layer1"))],
    )
    assert solve(problem, "mckp").loss == 4


@settings(max_examples=1500, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_knapsack_equals_brute_force(seed: int, ties: bool, restrictions: bool) -> None:
    """One budget, ties of every kind, ragged, integers and floats, infeasible ones too."""
    problem = random_problem(
        np.random.default_rng(seed),
        max_layers=8,
        relations=("precision", "b_in", "b_wt") if ties else (),
        restrictions=restrictions,
    )
    truth, solution = brute_force(problem), solve(problem, "mckp")
    assert truth.agrees(solution.loss)
    assert (solution.status is Status.INFEASIBLE) == (truth.least is None)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(-40, 40))
def test_scaling_all_losses_by_a_power_of_two_changes_nothing(seed: int, k: int) -> None:
    """The assignment is the same when every loss is multiplied by 2^k."""
    problem = random_problem(np.random.default_rng(seed), max_layers=8)
    scaled = problem.replace(loss=np.ldexp(problem.loss.astype(float), k))
    plain, other = solve(problem, "mckp"), solve(scaled, "mckp")
    assert (plain.choice is None) == (other.choice is None)
    if plain.choice is not None and other.choice is not None:
        assert plain.choice.tolist() == other.choice.tolist()


def test_a_budget_equal_to_the_float_sum_of_the_least_costs_is_kept() -> None:
    """Even beside candidates that are 10^9 times as large, and summed in the user's order."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        least = 10.0 ** rng.uniform(-9, -5, (6, 1))
        costs = np.hstack([least, least * 1e9])
        budget = sum(least.ravel().tolist())
        problem = Problem.from_arrays([[1.0, 0.0]] * 6, {"cost": costs}, {"cost": budget})
        assert solve(problem, "mckp").status is Status.OPTIMAL


def test_a_table_that_would_not_fit_into_memory_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One wide group widens the rows of all others; the sentence names another method."""
    monkeypatch.setattr(method_module, "MAX_CELLS", 5)
    problem = Problem.from_arrays(np.zeros((2, 3)), {})
    with pytest.raises(UnsupportedError, match=r"2 rows of 3 candidates.*use method highs"):
        solve(problem, "mckp")


def test_tied_layers_that_can_only_afford_different_precisions_are_infeasible() -> None:
    """Each layer alone affords one candidate, the first its first and the second its second."""
    problem = Problem.from_arrays(
        [[0, 0], [0, 0]],
        {"cost": [[1, 10], [10, 1]]},
        {"cost": 5},
        ties=[Tie(("layer0", "layer1"))],
    )
    outcome = method_module.Mckp().solve(problem, Options())
    assert outcome.choice is None
    assert outcome.complete


def test_losses_that_cancel_are_noted() -> None:
    """Beside losses of 10^9 that cancel, what is left of 10^-12 cannot be resolved."""
    rng = np.random.default_rng(0)
    loss = np.array([[1e9], [-1e9], [0.0]]) + rng.random((3, 3)) * [[1e-3], [1e-3], [1e-12]]
    problem = Problem.from_arrays(loss, {"cost": np.arange(9).reshape(3, 3)}, {"cost": 12})
    solution = solve(problem, "mckp")
    assert any(note.startswith("Losses were resolved to") for note in solution.notes)
    assert brute_force(problem).agrees(solution.loss)
