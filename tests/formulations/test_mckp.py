"""The knapsack search, step by step and as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.enumeration import brute_force
from bench.random_problems import random_problem
from mpsolve import Limit, Problem, Progress, Session, Status, Tie, solve
from mpsolve.formulations.mckp import method as method_module
from mpsolve.formulations.mckp import search as search_module
from mpsolve.formulations.mckp.kernels import kernel_named
from mpsolve.formulations.mckp.search import Result, SearchOptions
from mpsolve.formulations.method import Options
from mpsolve.presolve.fixing import affordable, competitive
from mpsolve.presolve.presolved import Presolved
from tests.support import KERNELS, needs_compiled

if TYPE_CHECKING:
    from mpsolve.typing import IntArray


@dataclass(frozen=True)
class Knapsack:
    """Groups of candidates and a capacity, as they are given."""

    weights: IntArray
    losses: IntArray
    offsets: IntArray
    capacity: int

    def search(self, kernel: str, **settings: Any) -> Result:
        """The search of a kernel."""
        prepared = kernel_named(kernel).prepare(self.weights, self.losses, self.offsets)
        return prepared.search(self.capacity, SearchOptions(**settings))

    def sums(self, choice: IntArray) -> tuple[int, int]:
        """Weight and loss of a choice."""
        flat = self.offsets[:-1] + choice
        return sum(self.weights[flat].tolist()), sum(self.losses[flat].tolist())


#: The kernel that is fast enough to say what is right for hard instances.
COMPILED = "compiled"
#: Two groups; the relaxation trades both at slope 1 and the optimum within 6 is (1, 0): loss 4.
SMALL = Knapsack(np.array([5, 2, 4, 1]), np.array([0, 4, 0, 6]), np.array([0, 2, 4]), 6)


def hard_knapsack(seed: int = 0, groups: int = 60, largest: int = 10**6) -> Knapsack:
    """Strongly correlated: the loss saved is the weight added plus a constant."""
    rng = np.random.default_rng(seed)
    weights = np.sort(rng.integers(1, largest, (groups, 10)), 1)
    losses = largest - weights + largest // 10 * (weights == weights[:, :1])
    capacity = int(weights.mean(1).sum())
    return Knapsack(weights.ravel(), losses.ravel(), np.arange(groups + 1) * 10, capacity)


@st.composite
def knapsacks(draw: st.DrawFn) -> Knapsack:
    """Small integers with feasible, tight and impossible capacities."""
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    size = sum(counts)
    scale = draw(st.sampled_from([3, 30, 10**6, 2**50]))
    numbers = st.lists(st.integers(-3, scale), min_size=size, max_size=size)
    weights, losses = np.array(draw(numbers)), np.array(draw(numbers))
    capacity = draw(st.integers(-3, max(0, int(weights.sum()))))
    return Knapsack(weights, losses, np.cumsum([0, *counts]), capacity)


def enumerate_all(knapsack: Knapsack) -> list[tuple[int, int]]:
    """Weight and loss of every choice, in plain Python integers."""
    rows = [range(a, b) for a, b in pairwise(knapsack.offsets.tolist())]
    weights, losses = knapsack.weights.tolist(), knapsack.losses.tolist()
    return [
        (sum(weights[j] for j in flat), sum(losses[j] for j in flat)) for flat in product(*rows)
    ]


def feasible_losses(knapsack: Knapsack) -> list[int]:
    """The losses of the choices that keep the capacity."""
    return [loss for weight, loss in enumerate_all(knapsack) if weight <= knapsack.capacity]


@pytest.mark.parametrize("kernel", KERNELS)
@settings(max_examples=400, deadline=None)
@given(knapsacks())
def test_search_finds_the_optimum_with_its_proof(kernel: str, knapsack: Knapsack) -> None:
    """The search agrees with enumeration, and its bound meets its loss."""
    feasible, result = feasible_losses(knapsack), knapsack.search(kernel)
    if not feasible:
        assert result.choice is None
        return
    assert result.choice is not None
    assert result.loss == result.bound == min(feasible)
    weight, loss = knapsack.sums(result.choice)
    assert weight <= knapsack.capacity
    assert loss == result.loss


@pytest.mark.parametrize("kernel", KERNELS)
def test_small_knapsack_by_hand(kernel: str) -> None:
    """Keeping 4 and moving 5 to 2 costs 4; moving 4 to 1 instead would cost 6."""
    result = SMALL.search(kernel)
    assert result.choice is not None
    assert result.choice.tolist() == [1, 0]
    assert (result.loss, result.bound, result.limit) == (4, 4, None)


@pytest.mark.parametrize("kernel", KERNELS)
def test_label_limit_ends_with_an_incumbent_and_a_valid_bound(kernel: str) -> None:
    """Under a label limit the incumbent keeps the capacity and the bound stays below it."""
    knapsack = hard_knapsack()
    full, cut = knapsack.search(COMPILED), knapsack.search(kernel, label_limit=50)
    assert full.limit is None
    assert cut.limit is Limit.LABELS
    assert cut.choice is not None
    assert knapsack.sums(cut.choice)[0] <= knapsack.capacity
    assert cut.bound <= full.loss <= cut.loss


@pytest.mark.parametrize("kernel", KERNELS)
def test_time_limit_ends_with_an_incumbent_and_a_valid_bound(
    kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deadline that has passed stops the search at its first check."""
    poll_always(monkeypatch)
    knapsack = hard_knapsack()
    cut = knapsack.search(kernel, deadline=-math.inf)
    assert cut.limit is Limit.TIME
    assert cut.bound <= knapsack.search(COMPILED).loss <= cut.loss


@pytest.mark.parametrize("kernel", KERNELS)
def test_interruption_returns_the_best_choice_so_far(
    kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C during the core ends with the incumbent and its bound, not with a traceback."""
    poll_always(monkeypatch)

    def interrupt(incumbent: int, bound: int) -> None:
        assert bound <= incumbent
        raise KeyboardInterrupt

    knapsack = hard_knapsack()
    cut = knapsack.search(kernel, report=interrupt)
    assert cut.limit is Limit.INTERRUPTED
    assert cut.choice is not None
    assert knapsack.sums(cut.choice)[1] == cut.loss >= knapsack.search(COMPILED).loss >= cut.bound


def poll_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask whether to go on however few labels there are."""
    monkeypatch.setattr(search_module, "TUNING", search_module.TUNING._replace(poll_at=0))


def dive_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dive after every group, with few labels and not far."""
    often = search_module.TUNING._replace(dive_at=28, dive_growth=1, dive_share=4)
    monkeypatch.setattr(search_module, "TUNING", often)


@needs_compiled
def test_dives_do_not_change_the_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Diving after every group with a narrow beam finds the same loss as not diving."""
    for seed in range(5):
        knapsack = hard_knapsack(seed, largest=1000)
        expected = knapsack.search(COMPILED)
        with monkeypatch.context() as patch:
            dive_often(patch)
            dived = knapsack.search(COMPILED)
        assert (dived.loss, dived.bound, dived.limit) == (expected.loss, expected.loss, None)
        assert dived.choice is not None
        assert knapsack.sums(dived.choice)[1] == dived.loss


@needs_compiled
@pytest.mark.parametrize("gap", [0.5, 0.01])
def test_gap_stops_early_with_a_bound_within_it(gap: float) -> None:
    """The bound of a search with a gap lies within the gap of its loss, and below the optimum."""
    knapsack = hard_knapsack()
    optimum = knapsack.search(COMPILED).loss
    result = knapsack.search(COMPILED, gap=gap)
    assert result.bound <= optimum <= result.loss
    assert result.loss - result.bound <= gap * result.loss


@pytest.mark.parametrize("kernel", KERNELS)
def test_start_is_never_worsened(kernel: str) -> None:
    """A search that may do nothing returns the start when it is the best choice known."""
    knapsack = hard_knapsack()
    best = knapsack.search(COMPILED)
    again = knapsack.search(kernel, start=best.choice, label_limit=1)
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
    poll_always(monkeypatch)
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


def test_tied_layers_that_can_only_afford_different_precisions_are_infeasible() -> None:
    """Each layer alone affords one candidate, the first its first and the second its second."""
    problem = Problem.from_arrays(
        [[0, 0], [0, 0]],
        {"cost": [[1, 10], [10, 1]]},
        {"cost": 5},
        ties=[Tie(("layer0", "layer1"))],
    )
    outcome = method_module.Mckp().solve(Presolved(problem), Options())
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


def hard_problem(kind: str, groups: int = 1000, largest: int = 10**6) -> Problem:
    """Classes of Pisinger (1995), section 6, that are hard for every method."""
    rng = np.random.default_rng(7)
    cost = np.sort(rng.integers(1, largest, (groups, 10)), 1)
    noise = rng.integers(-largest // 10, largest // 10, cost.shape)
    loss = {
        "strongly correlated": largest - cost + largest // 10 * (cost == cost[:, :1]),
        "weakly correlated": np.maximum(0, largest - cost + noise),
        "subset sum": largest - cost,
    }[kind]
    budget = int((cost[:, 0].sum() + cost[:, -1].sum()) // 2)
    return Problem.from_arrays(loss, {"cost": cost}, {"cost": budget})


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", ["strongly correlated", "weakly correlated", "subset sum"])
def test_hard_classes_end_with_an_incumbent_and_a_proven_gap(kind: str, kernel: str) -> None:
    """Within few labels the answer is feasible, its gap is tiny, and the cap is stated.

    The reference has one incumbent per group and no dives.
    """
    tiny = {"compiled": 1e-5, "reference": 1e-4}[kernel]
    problem = hard_problem(kind)
    solution = solve(problem, f"mckp:{kernel}", label_limit=30_000)
    assert solution.loss is not None
    assert solution.bound is not None
    assert solution.costs["cost"] <= problem.budgets["cost"]
    assert solution.bound <= solution.loss <= solution.bound * (1 + tiny)
    if solution.status is Status.FEASIBLE:
        assert solution.limit is Limit.LABELS
        assert "at most 30,000 labels" in solution.notes[-1]


def test_few_groups_of_large_numbers_exceed_few_labels() -> None:
    """Little can be combined to fill the capacity: the cap ends the search, with a small gap."""
    problem = hard_problem("strongly correlated", groups=30)
    cut, full = solve(problem, label_limit=30_000), solve(problem)
    assert (cut.limit, full.limit) == (Limit.LABELS, None)
    assert cut.bound is not None
    assert full.loss is not None
    assert cut.loss is not None
    assert cut.bound <= full.loss <= cut.loss <= 1.001 * cut.bound


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_what_is_prepared_holds_for_other_budgets(seed: int, shares: list[float]) -> None:
    """Under another budget a session uses what it has prepared, and answers like a new problem."""
    problem = random_problem(np.random.default_rng(seed), max_layers=8, relations=("b_in",))
    least, most = (
        float(f.reduceat(problem.costs["cost0"], problem.offsets[:-1]).sum())
        for f in (np.minimum, np.maximum)
    )
    session = Session(problem)
    for share in shares:
        budget = {"cost0": least + share * (most - least)}
        one = session.solve(budget, "mckp")
        other = solve(problem.replace(budgets=budget), "mckp")
        assert (one.loss, one.status, one.budgets) == (other.loss, other.status, other.budgets)
