"""The Lagrangian method against enumeration, linear programming, HiGHS and its reference."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.enumeration import brute_force, cancels
from bench.random_problems import random_problem
from bench.rich_instances import TIGHTNESS, mobilenet_v2, rich_problem
from mpsolve import Limit, LinearConstraint, Problem, Progress, Status, Tie, solve
from mpsolve.formulations.binary_model import binary_model
from mpsolve.formulations.lagrangian import graph as graph_module
from mpsolve.formulations.lagrangian import kernel, reference
from mpsolve.formulations.lagrangian import search as search_module
from mpsolve.formulations.lagrangian.dual import Dual
from mpsolve.formulations.lagrangian.fixing import lower_bounds, within_capacities
from mpsolve.formulations.lagrangian.graph import layered_graph
from mpsolve.formulations.lagrangian.method import Lagrangian, prepared, suits
from mpsolve.formulations.lagrangian.search import search
from mpsolve.formulations.lagrangian.stage import Labels, Stage
from mpsolve.formulations.method import Options
from mpsolve.model.evaluation import evaluate
from mpsolve.presolve.presolved import Presolved
from tests.formulations.test_general import check_unproven, hard_problem

if TYPE_CHECKING:
    from mpsolve.formulations.binary_model import BinaryModel
    from mpsolve.formulations.lagrangian.graph import LayeredGraph
    from mpsolve.typing import IntArray

compiled = pytest.mark.skipif(kernel.compiled is None, reason="built without a compiler")


def seeded(seed: int) -> Problem:
    """A small problem of any kind, with up to three budgets."""
    rng = np.random.default_rng(seed)
    return random_problem(
        rng,
        max_layers=8,
        max_assignments=1024,
        budgets=int(rng.integers(4)),
        relations=("precision", "b_in", "b_wt") if rng.random() < 0.5 else (),
        constraints=bool(rng.random() < 0.5),
        restrictions=bool(rng.random() < 0.3),
        pairwise=bool(rng.random() < 0.5),
    )


def model_and_graph(seed: int) -> tuple[BinaryModel, LayeredGraph] | None:
    """The model and the graph of a small problem, if it has any choice."""
    model = binary_model(seeded(seed))
    graph = None if model is None else layered_graph(model)
    return None if model is None or graph is None else (model, graph)


def paths(graph: LayeredGraph) -> list[IntArray]:
    """Every path from the source to the sink."""
    found: list[tuple[list[int], int]] = [([], 0)]
    for t in range(graph.stages):
        arcs = range(graph.arcs[t], graph.arcs[t + 1])
        found = [
            ([*path, a], int(graph.head[a]))
            for path, node in found
            for a in arcs
            if graph.tail[a] == node
        ]
    return [np.array(path, np.int64) for path, _ in found]


@pytest.fixture(params=[256, 4, 0.5], ids=lambda most: f"states{most}")
def most_states(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of small problems as states, or as resources; beams as narrow as can be."""
    monkeypatch.setattr(graph_module, "MAX_STATES", request.param)
    if request.param < 256:
        monkeypatch.setattr(search_module, "FIRST_WIDTH", 1)
        monkeypatch.setattr(search_module, "WIDTH", 1)
        monkeypatch.setattr(search_module, "FIRST_STEP", 1e-3)


@pytest.mark.usefixtures("most_states")
@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32))
@example(seed=700884630)  # losses of both signs, of which rounding hides a part
def test_agrees_with_enumeration(seed: int) -> None:
    """Every answer is feasible, optimal, proven and without remarks, or none exists."""
    problem = seeded(seed)
    outcome = Lagrangian().solve(Presolved(problem), Options())
    found = None if outcome.choice is None else evaluate(problem, outcome.choice)
    assert brute_force(problem).agrees(found.loss if found else None)
    assert outcome.complete
    assert outcome.notes == () or cancels(problem)
    assert all(note.startswith("Losses were resolved to") for note in outcome.notes)
    if found is not None:
        assert found.feasible
        assert outcome.bound is not None
        assert outcome.bound <= found.loss + 1e-9 * abs(found.loss)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_paths_are_the_choices_that_keep_the_local_rows(seed: int) -> None:
    """One path for each, with its loss; within the capacities for each feasible one."""
    ready = model_and_graph(seed)
    if ready is None:
        return
    model, graph = ready
    seen = {}
    for path in paths(graph):
        choice = model.completed(graph.choice(path))
        assert graph.loss[path].sum() == model.excess(choice)
        within = bool((graph.weight[path].sum(0) <= graph.capacity).all())
        assert tuple(choice.tolist()) not in seen
        seen[tuple(choice.tolist())] = within
    for choices in itertools.product(*map(range, np.diff(model.groups.offsets))):
        choice = model.completed(np.array(choices, np.int64))
        sums = model.activity(choice)
        kept = np.where(model.equal, sums == model.upper, sums <= model.upper).all()
        assert seen.get(tuple(choice.tolist()), False) == kept


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_bounds_and_fixing_lose_no_optimum(seed: int) -> None:
    """The dual is below every path within the capacities, and so is each arc's own bound."""
    ready = model_and_graph(seed)
    if ready is None or ready[1].empty:
        return
    _, graph = ready
    dual = Dual(graph)
    dual.maximise()
    below = lower_bounds(graph, dual.multiplier)
    kept = within_capacities(graph)
    for path in paths(graph):
        if (graph.weight[path].sum(0) <= graph.capacity).all():
            loss = graph.loss[path].sum()
            assert dual.bound <= loss
            assert (below[path] <= loss).all()
            assert set(zip(graph.tail[path], graph.candidate[path], strict=True)) <= set(
                zip(kept.tail, kept.candidate, strict=True)
            )


@pytest.mark.parametrize("budgets", [1, 2, 3])
def test_the_dual_is_the_linear_relaxation(budgets: int) -> None:
    """Without couplings both have one value; linear programming is the oracle."""
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(budgets)
    for _ in range(10):
        loss = rng.integers(0, 1000, (12, 5))
        costs = {f"cost{m}": rng.integers(0, 100, (12, 5)) for m in range(budgets)}
        limits = {name: int(cost.mean(1).sum() * 0.7) for name, cost in costs.items()}
        model = binary_model(Problem.from_arrays(loss, costs, limits))
        if model is None:
            continue
        graph = layered_graph(model)
        assert graph is not None
        rows = np.zeros((len(model.upper), len(model.losses)))
        for r in range(len(rows)):
            entries = slice(model.indptr[r], model.indptr[r + 1])
            rows[r, model.columns[entries]] = model.coefficients[entries]
        one_each = np.repeat(np.eye(12), np.diff(model.offsets), 1)
        relaxed = optimize.linprog(
            model.losses, rows, model.upper, one_each, np.ones(12), bounds=(0, 1)
        )
        dual = Dual(graph)
        dual.maximise()
        assert relaxed.fun * (1 - 1e-6) <= dual.bound <= relaxed.fun * (1 + 1e-9) + 1e-6


@compiled
@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_the_reference_computes_the_same(seed: int) -> None:
    """Distances, last arcs and labels; bounds but for the rounding of sums in another order."""
    rng = np.random.default_rng(seed)
    nodes, resources = int(rng.integers(1, 4)), int(rng.integers(0, 5))
    arcs, count, heads = int(rng.integers(1, 12)), int(rng.integers(1, 30)), int(rng.integers(1, 4))
    labels = Labels(
        np.append(0, np.sort(rng.integers(0, count + 1, nodes))),
        rng.integers(0, 9, count),
        rng.integers(0, 9, (count, resources)),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count),
    )
    labels.start[-1] = count
    bounds = int(rng.integers(1, 4))
    stage = Stage(
        np.concatenate(([0], np.sort(rng.integers(0, arcs + 1, nodes - 1)), [arcs])),
        rng.integers(0, heads, arcs),
        rng.integers(0, 9, arcs),
        rng.integers(0, 9, (arcs, resources)),
        rng.integers(3, 20, (heads, resources)),
        rng.random((bounds, resources)),
        np.where(rng.random((bounds, heads)) < 0.1, np.inf, rng.random((bounds, heads)) * 9),
        rng.random(bounds) * 40,
    )
    one, other = kernel.extend(labels, stage, 10**6), reference.extend(labels, stage, 10**6)
    assert one is not None
    assert other is not None
    for name, values in vars(one).items():
        np.testing.assert_allclose(values, getattr(other, name), rtol=1e-12, atol=1e-12)
    drafts = len(one.loss)
    if drafts > 1:
        assert kernel.extend(labels, stage, 0) is None
        assert reference.extend(labels, stage, 0) is None
    if (ready := model_and_graph(seed)) is not None:
        graph = ready[1]
        price = np.asarray(graph.loss * rng.integers(0, 3, len(graph.loss)) * 0.1, np.float64)
        for values, same in zip(
            kernel.forward(graph, price), reference.forward(graph, price), strict=True
        ):
            np.testing.assert_array_equal(values, same)
        np.testing.assert_array_equal(
            kernel.backward(graph, price), reference.backward(graph, price)
        )


@compiled
def test_without_the_compiled_kernel_the_optimum_is_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A problem of 53 nodes with latency, ROM, RAM at every node and ties."""
    problem = rich_problem(0, TIGHTNESS["tight RAM"])
    found = Lagrangian().solve(Presolved(problem), Options())
    monkeypatch.setattr(kernel, "compiled", None)
    same = Lagrangian().solve(Presolved(problem), Options())
    assert found.choice is not None
    assert same.choice is not None
    assert found.complete
    assert same.complete
    assert evaluate(problem, found.choice).loss == evaluate(problem, same.choice).loss


def test_instances_have_the_network_of_the_paper() -> None:
    """MobileNetV2: 53 layers, 10 residuals, 300.8 M multiply-accumulates, 3.47 M weights."""
    nodes = mobilenet_v2()
    assert len(nodes) == 53
    assert sum(node.joins >= 0 for node in nodes) == 10
    assert sum(node.macs for node in nodes) == 300_774_272
    assert sum(node.weights for node in nodes) == 3_469_760
    assert len(mobilenet_v2(57)) == 224


@pytest.mark.parametrize("tightness", TIGHTNESS)
def test_agrees_with_highs_on_53_nodes(tightness: str) -> None:
    """Two budgets, RAM rows and residual ties: the same proven optimum."""
    pytest.importorskip("scipy")
    problem = rich_problem(7, TIGHTNESS[tightness])
    ours, peer = solve(problem), solve(problem, "highs")
    assert ours.method == "lagrangian"
    assert ours.reason.startswith("auto chose lagrangian: mckp cannot keep constraint RAM of")
    assert ours.status is peer.status is Status.OPTIMAL
    assert ours.loss == pytest.approx(peer.loss, rel=1e-9)


@pytest.mark.parametrize("k", [-40, -17, 23, 40])
def test_a_power_of_two_in_the_losses_changes_nothing(k: int) -> None:
    """The same choice and, in proportion, the same bound."""
    for problem in (rich_problem(3, TIGHTNESS["tight"]), *map(seeded, range(30))):
        plain = Lagrangian().solve(
            Presolved(problem.replace(loss=problem.loss.astype(float))), Options()
        )
        pairwise = [
            type(t)(t.first, t.second, np.ldexp(t.values.astype(float), k), t.cost)
            if t.cost is None
            else t
            for t in problem.pairwise
        ]
        loss = np.ldexp(problem.loss.astype(float), k)
        scaled = Lagrangian().solve(
            Presolved(problem.replace(loss=loss, pairwise=pairwise)), Options()
        )
        assert scaled.complete == plain.complete
        if plain.choice is None or plain.bound is None:
            assert scaled.choice is None
            continue
        np.testing.assert_array_equal(scaled.choice, plain.choice)
        assert scaled.bound == np.ldexp(plain.bound, k)


def test_the_order_of_the_stages_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any permutation gives the same least loss."""
    rng = np.random.default_rng(0)
    for problem in map(seeded, range(60)):
        usual = Lagrangian().solve(Presolved(problem), Options())
        monkeypatch.setattr(
            graph_module,
            "stage_order",
            lambda model, *_: rng.permutation(len(model.groups.members)),
        )
        shuffled = Lagrangian().solve(Presolved(problem.replace()), Options())
        monkeypatch.undo()
        assert (usual.choice is None) == (shuffled.choice is None)
        if usual.choice is not None and shuffled.choice is not None:
            truth = brute_force(problem)
            assert truth.agrees(evaluate(problem, shuffled.choice).loss)


def test_a_marker_among_the_losses_does_not_coarsen_them() -> None:
    """A loss of 1e12 that erases a candidate leaves differences of 1e-9 visible."""
    rng = np.random.default_rng(5)
    loss = 1 + rng.random((8, 4)) * 1e-9
    loss[:, 0] = np.where(np.arange(8) < 4, 1e12, 0.5)
    costs = {name: rng.integers(1, 50, (8, 4)) for name in ("cost", "other")}
    limits = {name: int(cost.mean(1).sum()) for name, cost in costs.items()}
    problem = Problem.from_arrays(loss, costs, limits)
    outcome = Lagrangian().solve(Presolved(problem), Options())
    assert outcome.choice is not None
    assert outcome.complete
    assert brute_force(problem).agrees(evaluate(problem, outcome.choice).loss)


def test_a_warm_start_does_not_change_the_optimum() -> None:
    """From an optimal, an infeasible and a poor start the same loss is proven."""
    problem = rich_problem(1, TIGHTNESS["tight RAM"])
    optimal = Lagrangian().solve(Presolved(problem), Options())
    assert optimal.choice is not None
    best = evaluate(problem, optimal.choice).loss
    for start in (optimal.choice, np.full(53, 8), np.zeros(53, np.int64)):
        outcome = Lagrangian().solve(Presolved(problem), Options(warm_start=start))
        assert outcome.complete
        assert outcome.choice is not None
        assert evaluate(problem, outcome.choice).loss == best


def test_a_limit_on_time_or_labels() -> None:
    """The best choice and a bound are returned, with what stopped the search."""
    problem = hard_problem(40)
    check_unproven(
        problem, Lagrangian().solve(Presolved(problem), Options(time_limit=0.5)), Limit.TIME
    )
    limited = Lagrangian().solve(Presolved(problem), Options(label_limit=30_000))
    check_unproven(problem, limited, Limit.LABELS)


def test_interruption_by_the_user() -> None:
    """Ctrl-C, once there is something to keep, ends the search with the best choice so far."""
    problem, begun = Presolved(hard_problem(60)), threading.Event()
    assert Lagrangian().unsupported(problem) is None

    def press() -> None:
        begun.wait()
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    endless = Options(label_limit=10**9, progress=lambda state: begun.set())
    outcome = Lagrangian().solve(problem, endless)
    presser.join()
    check_unproven(problem.problem, outcome, Limit.INTERRUPTED)


def test_progress_is_reported_and_may_interrupt() -> None:
    """Bounds rise, incumbents fall, and an interruption from the callback keeps both."""
    states: list[Progress] = []

    def hear(state: Progress) -> None:
        states.append(state)
        if len(states) == 3:
            raise KeyboardInterrupt

    problem = hard_problem(40)
    outcome = Lagrangian().solve(Presolved(problem), Options(progress=hear))
    check_unproven(problem, outcome, Limit.INTERRUPTED)
    bounds = [state.bound for state in states if state.bound is not None]
    incumbents = [state.incumbent for state in states if state.incumbent is not None]
    assert len(bounds) == len(incumbents) == len(states) == 3
    assert bounds == sorted(bounds)
    assert incumbents == sorted(incumbents, reverse=True)


def test_a_gap_may_end_the_search() -> None:
    """The bound lies within it."""
    problem = rich_problem(2, TIGHTNESS["tight RAM"])
    outcome = Lagrangian().solve(Presolved(problem), Options(gap=0.05))
    assert outcome.choice is not None
    assert outcome.bound is not None
    assert outcome.bound >= 0.95 * evaluate(problem, outcome.choice).loss
    assert outcome.complete or outcome.limit is Limit.GAP


def test_an_infeasible_problem_is_proven_so() -> None:
    """Two budgets that no choice keeps together, though each alone can be kept."""
    costs = {"one": [[0, 9], [0, 9]], "other": [[9, 0], [9, 0]]}
    problem = Problem.from_arrays([[0, 1], [1, 0]], costs, {"one": 8, "other": 8})
    solution = solve(problem, "lagrangian")
    assert solution.status is Status.INFEASIBLE
    assert solution.conflict is not None
    assert solution.conflict.constraints == ("budget one <= 8", "budget other <= 8")


def test_couplings_without_end_are_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ties across all layers exceed the limit on arcs; the message says so, and auto goes on."""
    monkeypatch.setattr(graph_module, "MAX_ARCS", 100)
    rng = np.random.default_rng(0)
    ties = [Tie((f"layer{i}", f"layer{i + 4}"), "b_in") for i in range(4)]
    precisions = [f"{b_in}b/{b_wt}b" for b_in in (2, 4, 8) for b_wt in (2, 4, 8)]
    problem = Problem.from_arrays(
        rng.integers(0, 9, (8, 9)),
        {"a": rng.integers(0, 9, (8, 9)), "b": rng.integers(0, 9, (8, 9))},
        {"a": 30, "b": 30},
        precisions=precisions,
        ties=ties,
    )
    monkeypatch.setattr(
        graph_module, "stage_order", lambda model, *_: np.arange(len(model.groups.members))
    )
    assert prepared(Presolved(problem)).graph is None
    assert "follows ties, constraints and pairwise terms" in str(
        Lagrangian().unsupported(Presolved(problem))
    )
    assert not suits(Presolved(problem))


def test_a_row_over_many_layers_becomes_a_resource() -> None:
    """A constraint over 30 layers has too many partial sums for states; it is kept all the same."""
    rng = np.random.default_rng(1)
    loss, weight = rng.integers(0, 100, (30, 4)), rng.integers(0, 100, (30, 4))
    terms = {f"layer{i}": row.astype(float) for i, row in enumerate(weight)}
    limit = float(weight.mean(1).sum() * 0.8)
    wide = Problem.from_arrays(loss, {}, constraints=[LinearConstraint("wide", terms, limit)])
    graph = prepared(Presolved(wide)).graph
    assert graph is not None
    assert len(graph.capacity) == 1
    budget = Problem.from_arrays(loss, {"weight": weight}, {"weight": limit})
    assert solve(wide, "lagrangian").loss == solve(budget, "mckp").loss


def test_a_search_without_resources_is_a_shortest_path() -> None:
    """Ties alone: the least loss of each value of the shared bit-width, by hand 3."""
    problem = Problem.from_arrays(
        [[0, 5], [4, 1], [2, 2]],
        {},
        precisions=["8b/8b", "4b/8b"],
        ties=[Tie(("layer0", "layer1"), "b_in")],
    )
    graph = prepared(Presolved(problem)).graph
    assert graph is not None
    assert search(graph).limit is None
    assert solve(problem, "lagrangian").loss == 6
