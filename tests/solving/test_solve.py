"""The entrance: it picks a method, and believes nothing that it has not verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mpsolve
from bench.enumeration import brute_force
from bench.random_problems import random_problem
from mpsolve import (
    Configuration,
    InputError,
    Limit,
    LinearConstraint,
    MissingDependencyError,
    Precision,
    Problem,
    Restriction,
    Status,
    Tie,
    UnsupportedError,
    load_table,
    solve,
)
from mpsolve.formulations.lagrangian import method as lagrangian_method
from mpsolve.formulations.mckp.method import Mckp
from mpsolve.formulations.method import METHODS, ExactMethod, Options, Outcome
from mpsolve.heuristics.method import HEURISTICS
from mpsolve.model.evaluation import evaluate
from mpsolve.presolve.presolved import Presolved
from mpsolve.solving import solve as entrance_module
from mpsolve.solving.solve import choose_method

if TYPE_CHECKING:
    from collections.abc import Callable

SEEDS = st.integers(0, 2**32)


def small(**parts: Any) -> Problem:
    """Two layers; within 12 cycles the best choice is (1, 0): 4 + 8 cycles and a loss of 5."""
    parts = {"budgets": {"latency": 12}, **parts}
    return Problem.from_arrays(
        [[0, 5], [0, 7]],
        {"latency": [[9, 4], [8, 3]]},
        layers=["a", "b"],
        precisions=["8b/8b", "4b/4b"],
        **parts,
    )


class Claims:
    """An exact method that answers whatever a test wants it to."""

    def __init__(self, answer: Callable[[Problem], Outcome], refusal: str | None = None) -> None:
        self.answer = answer
        self.refusal = refusal
        self.options: list[Options] = []

    def unsupported(self, presolved: Presolved) -> str | None:
        """What the test said."""
        return self.refusal

    def solve(self, presolved: Presolved, options: Options) -> Outcome:
        """What the test said."""
        self.options.append(options)
        return self.answer(presolved.problem)


def install(monkeypatch: pytest.MonkeyPatch, method: ExactMethod) -> None:
    """Let every name stand for a method."""
    monkeypatch.setattr(entrance_module, "method_named", lambda name: method)


def claim(monkeypatch: pytest.MonkeyPatch, *choice: int, **fields: Any) -> None:
    """Let every method answer with a choice, and with what else is said."""
    outcome = Outcome(np.array(choice) if choice else None, **fields)
    install(monkeypatch, Claims(lambda problem: outcome))


def test_answer() -> None:
    """Everything about an answer, from the problem and the original numbers."""
    solution = solve(small(units={"latency": "cycles"}, loss_name="mse", source="net.csv"), "mckp")
    assert solution.status is Status.OPTIMAL
    assert solution.method == "mckp"
    assert solution.choice is not None
    assert solution.choice.tolist() == [1, 0]
    assert solution.configuration == Configuration({"a": Precision(4, 4), "b": Precision(8, 8)})
    assert (solution.loss, solution.bound, solution.gap) == (5, 5.0, 0.0)
    assert (solution.costs, solution.budgets) == ({"latency": 12}, {"latency": 12})
    assert (solution.loss_name, solution.source) == ("mse", "net.csv")
    assert solution.units == {"latency": "cycles"}
    assert solution.limit is None
    assert solution.seconds >= 0


@settings(deadline=None, max_examples=200)
@given(SEEDS)
def test_optimum_or_conflict(seed: int) -> None:
    """Every problem with one budget gets the optimum of enumeration, or a conflict."""
    relations = ("precision", "b_in", "b_wt")
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, relations=relations, restrictions=True)
    truth = brute_force(problem)
    solution = solve(problem)
    assert solution.method == ("auto" if solution.conflict else "mckp")
    assert truth.agrees(solution.loss)
    if truth.least is None:
        assert solution.status is Status.INFEASIBLE
        assert solution.conflict is not None
    else:
        assert solution.status is Status.OPTIMAL
        assert solution.choice is not None
        assert evaluate(problem, solution.choice).feasible


@settings(deadline=None, max_examples=100)
@given(SEEDS)
def test_names_and_places_do_not_matter(seed: int) -> None:
    """Layers in another order, and every loss of a layer moved by as much, change nothing else."""
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, max_layers=5)
    order = rng.permutation(len(problem.layers))
    spans = [np.arange(*problem.offsets[i : i + 2]) for i in order]
    rows = np.concatenate(spans)
    permuted = Problem(
        layers=tuple(problem.layers[i] for i in order),
        offsets=np.cumsum([0, *map(len, spans)]),
        precisions=tuple(problem.precisions[j] for j in rows),
        loss=problem.loss[rows],
        costs={"cost0": problem.costs["cost0"][rows]},
        budgets=dict(problem.budgets),
    )
    shift = rng.integers(-8, 9, len(problem.layers))
    shifted = problem.replace(loss=problem.loss + np.repeat(shift, np.diff(problem.offsets)))
    loss = solve(problem, "mckp").loss
    if loss is None:
        assert solve(permuted, "mckp").status is Status.INFEASIBLE
        assert solve(shifted, "mckp").status is Status.INFEASIBLE
    else:
        assert solve(permuted, "mckp").loss == pytest.approx(loss, rel=1e-12)
        moved = solve(shifted, "mckp").loss
        assert moved == pytest.approx(loss + int(shift.sum()), rel=1e-9, abs=1e-12)


def test_infeasible() -> None:
    """A conflict that shows without a search is found before any method runs."""
    solution = solve(small(budgets={"latency": 6}))
    assert solution.status is Status.INFEASIBLE
    assert (solution.choice, solution.loss, solution.configuration) == (None, None, None)
    assert solution.conflict is not None
    assert (solution.conflict.least, solution.conflict.layers) == (7, ("a", "b"))
    assert solution.to_json()["infeasible"] == solution.conflict.message


def test_a_budget_at_a_float_sum() -> None:
    """A budget that equals the only assignment's cost, added up in another order, is kept."""
    costs = [[0.1], [0.2], [0.3]]
    for limit in (0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1, 0.6):
        problem = Problem.from_arrays(np.zeros((3, 1)), {"c": costs}, {"c": limit})
        assert solve(problem, "mckp").status is Status.OPTIMAL
    below = Problem.from_arrays(np.zeros((3, 1)), {"c": costs}, {"c": 0.6 - 1e-14})
    assert solve(below, "mckp").status is Status.INFEASIBLE


def test_no_budget() -> None:
    """Without one, every layer takes its least loss."""
    assert solve(small(budgets={})).loss == 0


def test_a_claim_that_breaks_a_constraint_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a method says of its choice, 17 cycles are more than 12."""
    claim(monkeypatch, 0, 0, bound=0.0, complete=True, notes=("first",))
    solution = solve(small(), "milp")
    assert solution.status is Status.NO_SOLUTION
    assert (solution.choice, solution.loss) == (None, None)
    assert solution.bound == 0.0
    assert solution.notes == (
        "first",
        "milp broke a constraint: latency is 17 and its budget 12.",
    )


def test_an_unfinished_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a proof the answer is feasible, with the bound that was reached."""
    claim(monkeypatch, 1, 1, bound=4.0, limit=Limit.TIME)
    solution = solve(small(), "milp")
    assert (solution.status, solution.limit) == (Status.FEASIBLE, Limit.TIME)
    assert (solution.loss, solution.bound, solution.gap) == (12, 4.0, 8 / 12)


def test_an_unknown_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A method may stop with an answer and no bound: then the gap is unknown too."""
    claim(monkeypatch, 1, 1, limit=Limit.INTERRUPTED)
    solution = solve(small(), "milp")
    assert (solution.status, solution.loss) == (Status.FEASIBLE, 12)
    assert (solution.bound, solution.gap) == (None, None)


def test_a_bound_above_the_loss_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounding may lift a bound a little above the loss that it is a bound of."""
    claim(monkeypatch, 1, 0, bound=5.000001, limit=Limit.GAP)
    assert solve(small(), "milp").bound == 5.0


def test_nothing_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that came before any choice is no proof of infeasibility."""
    claim(monkeypatch, bound=1.0, limit=Limit.TIME)
    solution = solve(small(), "milp")
    assert (solution.status, solution.bound) == (Status.NO_SOLUTION, 1.0)
    assert solution.conflict is None


def test_a_better_warm_start_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the method's optimum is worse than the start, within its resolution, the start wins."""
    claim(monkeypatch, 1, 1, complete=True)
    solution = solve(small(), "milp", warm_start=np.array([1, 0]))
    assert (solution.status, solution.loss) == (Status.OPTIMAL, 5)


def test_an_infeasible_warm_start_is_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that breaks the budget has less loss, but does not count."""
    claim(monkeypatch, 1, 1, complete=True)
    assert solve(small(), "milp", warm_start=np.array([0, 0])).loss == 12


NOTHING = Outcome(None, complete=True)


def test_a_claim_that_nothing_exists_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cheapest choice keeps the budget: it is returned, without a proof, and it is said why."""
    install(monkeypatch, Claims(lambda problem: NOTHING))
    solution = solve(small(), "milp")
    assert (solution.status, solution.loss, solution.bound) == (Status.FEASIBLE, 12, None)
    assert solution.notes == (
        "milp found no assignment although the one returned keeps every constraint; its "
        "optimality is not proven.",
    )


def test_auto_asks_another_method_when_one_loses_every_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the knapsack says of a problem that has a choice is not believed; HiGHS finds it."""
    right = Claims(lambda problem: Outcome(np.array([1, 0]), complete=True))
    wrong = Claims(lambda problem: NOTHING)
    monkeypatch.setattr(
        entrance_module, "method_named", lambda name: wrong if name == "mckp" else right
    )
    solution = solve(small())
    assert (solution.status, solution.loss, solution.method) == (Status.OPTIMAL, 5, "highs")
    assert solution.reason == "auto chose highs: mckp lost every assignment by rounding"


def test_a_warm_start_contradicts_a_claim_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two budgets between which no cheapest choice stands, and a start that keeps both."""
    install(monkeypatch, Claims(lambda problem: NOTHING))
    problem = Problem.from_arrays(
        [[0, 0, 0]], {"x": [[1, 2, 5]], "y": [[5, 2, 1]]}, {"x": 3, "y": 3}
    )
    assert solve(problem, "milp", explain=False).status is Status.INFEASIBLE
    started = solve(problem, "milp", warm_start=np.array([1]))
    assert started.status is Status.FEASIBLE
    assert "found no assignment" in started.notes[0]


def test_conflicts_are_explained_by_the_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two budgets that conflict: the method that found out is asked for the smallest set."""

    def enumerate_all(problem: Problem) -> Outcome:
        rows = np.indices(tuple(np.diff(problem.offsets))).reshape(len(problem.layers), -1).T
        kept = [row for row in rows if evaluate(problem, row).feasible]
        best = min(kept, key=lambda row: evaluate(problem, row).loss, default=None)
        return Outcome(best, complete=True)

    install(monkeypatch, Claims(enumerate_all))
    problem = Problem.from_arrays(
        [[0, 0], [0, 0]],
        {"x": [[1, 5], [1, 5]], "y": [[5, 1], [5, 1]], "z": [[1, 1], [1, 1]]},
        {"x": 5, "y": 5, "z": 5},
    )
    solution = solve(problem, "milp")
    assert solution.status is Status.INFEASIBLE
    assert solution.conflict is not None
    assert set(solution.conflict.constraints) == {"budget x <= 5", "budget y <= 5"}
    assert solution.conflict.least == 10  # within 5 of x, both layers cost 5 of y


def test_options_reach_the_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option, with the warm start as a choice."""
    method = Claims(lambda problem: Outcome(np.array([1, 0]), complete=True))
    install(monkeypatch, method)
    warm = Configuration({"b": Precision(8, 8), "a": Precision(4, 4)})
    solve(
        small(),
        "milp",
        warm_start=warm,
        time_limit=3.0,
        threads=2,
        seed=7,
        gap=0.1,
        label_limit=99,
    )
    (options,) = method.options
    assert (options.time_limit, options.threads, options.seed) == (3.0, 2, 7)
    assert (options.gap, options.label_limit, options.progress) == (0.1, 99, None)
    assert options.warm_start is not None
    assert options.warm_start.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"time_limit": 0}, "The time limit must be positive, not 0."),
        ({"time_limit": float("nan")}, "The time limit must be positive, not nan."),
        ({"threads": 0}, "The number of threads must be at least 1, not 0."),
        ({"gap": -0.1}, "The gap must lie in [0, 1), not -0.1."),
        ({"gap": 1}, "The gap must lie in [0, 1), not 1."),
        ({"label_limit": 0}, "The label limit must be at least 1, not 0."),
        ({"start": "8b/8b"}, "mckp takes a warm start; only heuristics begin from a start."),
        ({"warm_start": np.array([1])}, "A choice needs one candidate index for each of 2"),
        ({"warm_start": np.array([1.0, 0.0])}, "A choice needs one candidate index for each"),
        ({"warm_start": np.array([0, 2])}, "The choice names candidate 2 of layer b"),
        ({"warm_start": np.array([-1, 0])}, "The choice names candidate -1 of layer a"),
        (
            {"warm_start": Configuration({"a": Precision(8, 8)})},
            "The configuration says nothing about layer b.",
        ),
    ],
)
def test_wrong_options(options: dict[str, Any], complaint: str) -> None:
    """The message names the option or the layer."""
    with pytest.raises(InputError) as caught:
        solve(small(), "mckp", **options)
    assert str(caught.value).startswith(complaint)


def test_unknown_method() -> None:
    """The message lists the methods."""
    with pytest.raises(InputError, match="no exact method 'simplex'; there are mckp, lagr"):
        solve(small(), "simplex")


@pytest.mark.parametrize("name", ["highs:x", "cpsat:8", "lagrangian:numpy"])
def test_methods_without_variants(name: str) -> None:
    """Text behind a colon is refused where the method can make nothing of it."""
    with pytest.raises(InputError, match=f"{name.partition(':')[0]} has no variants such as"):
        solve(small(), name)


def two_budgets() -> Problem:
    """Both budgets can bind."""
    energy = [[1, 6], [1, 6]]
    problem = small()
    costs = {**problem.costs, "energy": np.array(energy).ravel()}
    return problem.replace(costs=costs, budgets={"latency": 12, "energy": 11})


def test_unsupported() -> None:
    """The knapsack method names what it cannot keep, and who can."""
    with pytest.raises(UnsupportedError) as caught:
        solve(two_budgets(), "mckp")
    assert str(caught.value) == (
        "mckp keeps one budget, and latency and energy can all bind; use method cpsat or milp."
    )
    ram = LinearConstraint("RAM", {"a": np.array([1, 0])}, 0)
    with pytest.raises(UnsupportedError, match="mckp cannot keep constraint RAM; use method"):
        solve(small(constraints=[ram]), "mckp")


def test_auto_takes_the_knapsack() -> None:
    """One budget that binds, any ties: the knapsack, and the answer says why."""
    problem = small(ties=[Tie(("a", "b"), "b_in")])
    name, reason = choose_method(Presolved(problem))
    assert name == "mckp"
    assert (
        solve(problem).reason
        == reason
        == ("auto chose mckp: one budget and independent choice groups")
    )


def test_auto_takes_the_lagrangian_method_where_it_suits() -> None:
    """Two budgets, and ties with more joint candidates than can be merged."""
    name, reason = choose_method(Presolved(two_budgets()))
    assert name == "lagrangian"
    assert reason.startswith("auto chose lagrangian: mckp keeps one budget")
    precisions = [f"{b_in}b/{b_wt}b" for b_in in (2, 4, 8) for b_wt in (2, 4, 8)]
    tie = Tie(tuple(f"layer{i}" for i in range(9)), "b_in")
    problem = Problem.from_arrays(np.zeros((9, 9)), {}, precisions=precisions, ties=[tie])
    assert choose_method(Presolved(problem))[0] == "lagrangian"


def test_auto_asks_for_general_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that is installed is taken; the answer says what the knapsack could not do."""
    knapsack = Claims(lambda problem: Outcome(None), "mckp keeps one budget; use method milp.")
    general = Claims(lambda problem: Outcome(np.array([1, 0]), complete=True))

    def method_named(name: str) -> ExactMethod:
        if name == "highs":
            raise MissingDependencyError("scipy", "solvers", "The method highs")
        return knapsack if name == "mckp" else general

    monkeypatch.setattr(lagrangian_method, "suits", lambda problem: False)
    monkeypatch.setattr(entrance_module, "method_named", method_named)
    solution = solve(two_budgets())
    assert solution.method == "milp"
    assert solution.reason == "auto chose milp: mckp keeps one budget"


def test_auto_without_any_general_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the first package to install."""
    knapsack = Claims(lambda problem: Outcome(None), "mckp keeps one budget; use method milp.")

    def method_named(name: str) -> ExactMethod:
        if name == "mckp":
            return knapsack
        raise MissingDependencyError(f"package-of-{name}", "solvers", f"The method {name}")

    monkeypatch.setattr(lagrangian_method, "suits", lambda problem: False)
    monkeypatch.setattr(entrance_module, "method_named", method_named)
    with pytest.raises(MissingDependencyError) as caught:
        solve(two_budgets())
    assert str(caught.value) == (
        "The method highs needs package-of-highs, which is not installed: "
        "pip install 'mpsolve[solvers]'."
    )


def test_auto_leaves_large_groups_to_constraints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ties with more joint candidates than can be merged go to a general method."""
    general = Claims(lambda problem: Outcome(np.zeros(9, np.int64), complete=True))
    monkeypatch.setattr(lagrangian_method, "suits", lambda problem: False)
    monkeypatch.setattr(
        entrance_module, "method_named", lambda name: Mckp() if name == "mckp" else general
    )
    precisions = [f"{b_in}b/{b_wt}b" for b_in in (2, 4, 8) for b_wt in (2, 4, 8)]
    tie = Tie(tuple(f"layer{i}" for i in range(9)), "b_in")
    problem = Problem.from_arrays(np.zeros((9, 9)), {}, precisions=precisions, ties=[tie])
    solution = solve(problem)
    assert solution.method == "highs"
    assert solution.reason.startswith("auto chose highs: The 9 layers tied to each other")


def test_heuristics() -> None:
    """A heuristic's answer is feasible, or failed with the constraints that it breaks."""
    kept = mpsolve.greedy_decrease(small())
    assert (kept.status, kept.method) == (Status.FEASIBLE, "greedy-decrease")
    assert kept.bound is kept.gap is None
    broken = mpsolve.free_bits(small(), "8b/8b")
    assert broken.status is Status.FAILED
    assert broken.loss == 0
    assert broken.reason == "latency is 17 and its budget 12"
    raised = mpsolve.greedy_increase(small())
    assert raised.status is Status.FEASIBLE
    # Both layers cost 5 more; a comes first.
    assert raised.configuration == Configuration({"a": Precision(8, 8), "b": Precision(4, 4)})


def test_heuristics_take_a_start() -> None:
    """From a configuration as well as from the text of a homogeneous one."""
    start = Configuration({"a": Precision(8, 8), "b": Precision(4, 4)})
    solution = solve(small(), "free-bits", start=start)
    assert solution.configuration == start
    restricted = small(restrictions=[Restriction("a", "forbidden", Precision(4, 4))])
    notes = solve(restricted, "homogeneous", start="4b/4b").notes
    assert notes == ("Layer a takes 8b/8b, the nearest precision above 4b/4b.",)


def test_an_explanation_that_a_limit_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Infeasibility stays proven; all constraints are named when the smallest set is not found."""
    problem = two_budgets().replace(ties=[Tie(("a", "b"))])
    first = iter([Outcome(None, complete=True)])
    install(monkeypatch, Claims(lambda variant: next(first, Outcome(None))))
    solution = solve(problem, "highs")
    assert solution.status is Status.INFEASIBLE
    assert solution.conflict is not None
    assert solution.conflict.message == (
        "No assignment keeps all 3 constraints together; the search for those that conflict was "
        "stopped by a limit."
    )
    assert len(solution.conflict.constraints) == 3


def test_a_heuristic_takes_no_warm_start() -> None:
    """A warm start that would be ignored is refused."""
    with pytest.raises(InputError, match="homogeneous begins from a start; only exact methods"):
        solve(small(), "homogeneous", warm_start=np.array([0, 0]))


@pytest.mark.parametrize("method", [*METHODS, *HEURISTICS])
def test_a_power_of_two_in_the_losses_changes_no_assignment(method: str) -> None:
    """On a real table, from 2^-40 to 2^40, whatever the method."""
    pytest.importorskip("scipy")
    table = load_table("mobilenet_v1_0.75/pulp8-xpulpnnv1")
    problem = Problem.from_table(table, budgets={"latency": "0.7x"})
    plain = solve(problem, method)
    assert plain.choice is not None
    for k in (-40, -13, 27, 40):
        scaled = solve(problem.replace(loss=np.ldexp(problem.loss, k)), method)
        assert scaled.status is plain.status
        assert scaled.choice is not None
        assert scaled.choice.tolist() == plain.choice.tolist()
