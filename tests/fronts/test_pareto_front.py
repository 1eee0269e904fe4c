"""Fronts of problems, against single solves, enumeration and hand calculations."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bench.enumeration import feasible_assignments
from bench.random_problems import random_problem
from mpsolve import (
    Front,
    InfeasibleError,
    InputError,
    Limit,
    MissingDependencyError,
    NoSolutionError,
    Precision,
    Problem,
    Restriction,
    Status,
    Tie,
    UnsupportedError,
    bundled_tables,
    load_table,
    pareto_front,
    solve,
)
from mpsolve.fronts.point_by_point import front_point_by_point
from mpsolve.model.evaluation import keeps, total
from mpsolve.presolve.presolved import Presolved

if TYPE_CHECKING:
    from pathlib import Path

    from mpsolve.typing import Number

BUNDLED = [table.name for table in bundled_tables()]


@pytest.fixture
def small() -> Problem:
    """Three layers of two candidates, by hand: (latency, loss) and (rom) of every assignment."""
    return Problem.from_arrays(
        [[0, 5], [1, 7], [2, 3]],
        {"latency": [[100, 60], [50, 55], [40, 10]], "rom": [[8, 4], [8, 4], [40, 20]]},
        units={"latency": "cycles"},
    )


def truth(problem: Problem, x: str, values: str | None = None) -> list[tuple[Number, Number]]:
    """The non-dominated pairs of all feasible assignments, from enumeration in exact integers."""
    flat = feasible_assignments(problem)
    loss = problem.loss if values is None else problem.costs[values]
    sums = zip(problem.costs[x][flat].sum(1).tolist(), loss[flat].sum(1).tolist(), strict=True)
    front: list[tuple[Number, Number]] = []
    for pair in sorted(set(sums)):
        if not front or pair[1] < front[-1][1]:
            front.append(pair)
    return front


def pairs(front: Front) -> list[tuple[Number, Number]]:
    """The points as pairs."""
    return list(zip(front.x.tolist(), front.y.tolist(), strict=True))


def networks() -> list[tuple[str, Problem, str, str]]:
    """Six bundled tables with two pairs of axes, and random networks of integers and floats."""
    cases = []
    for name in BUNDLED:
        problem = Problem.from_table(load_table(name), costs=["rom"])
        cases += [(f"{name}-{y}", problem, "latency", y) for y in ("loss", "rom")]
    for seed in range(8):
        rng = np.random.default_rng(seed)
        size = rng.lognormal(0, 1, (16 + seed, 1))
        bits = np.array([2.0, 3, 4, 6, 8])
        cost = size * bits * rng.uniform(0.7, 1.3, (16 + seed, 5))
        loss = rng.lognormal(0, 1.5, (16 + seed, 1)) * 4**-bits * rng.uniform(0.7, 1.3, cost.shape)
        if seed % 2:
            cost, loss = np.rint(cost * 1000).astype(int), np.rint(loss * 10**6).astype(int)
        ties = [Tie(("layer1", "layer3", "layer8")), Tie(("layer2", "layer5"))]
        restrictions = [Restriction("layer0", "forbidden", Precision(0, 0, "#4"))]
        problem = Problem.from_arrays(
            loss, {"latency": cost}, ties=ties[: seed % 3], restrictions=restrictions[: seed // 4]
        )
        cases.append((f"random-{seed}", problem, "latency", "loss"))
    return cases


@pytest.mark.parametrize(("problem", "x", "y"), [pytest.param(*c[1:], id=c[0]) for c in networks()])
def test_every_budget(problem: Problem, x: str, y: str) -> None:
    """At 200 random budgets the last point within the budget has the optimum of a solve."""
    front = pareto_front(problem, x, y)
    assert front.exact
    posed = problem if y == "loss" else problem.replace(loss=problem.costs[y], loss_name=y)
    rng = np.random.default_rng(len(front))
    budgets = rng.uniform(front.x[0], front.x[-1] * 1.01, 200)
    for budget in [*budgets.tolist(), *front.x[:: max(len(front) // 20, 1)].tolist()]:
        solution = solve(posed.replace(budgets={x: budget + front.x_resolution}))
        at = int(np.searchsorted(front.x, budget, "right")) - 1
        assert solution.status is Status.OPTIMAL
        assert solution.loss is not None
        # A double holds the sum to 2^-53 of itself, beside the stated resolution.
        tolerance = 2 * front.y_resolution + 2.0**-50 * abs(solution.loss)
        assert abs(solution.loss - front.y[at]) <= tolerance
    below = solve(posed.replace(budgets={x: front.x[0] * (1 - 1e-9) - 1e-9}))
    assert below.status is Status.INFEASIBLE


@pytest.mark.parametrize("seed", range(60))
def test_enumeration(seed: int) -> None:
    """Ties of every kind, restrictions and a budget on x: the pairs of enumeration."""
    rng = np.random.default_rng(seed)
    relations = ("precision", "b_in", "b_wt") if seed % 2 else ()
    problem = random_problem(rng, relations=relations, restrictions=seed % 3 == 0)
    if problem.costs["cost0"].dtype.kind == "f" or problem.loss.dtype.kind == "f":
        costs = {"cost0": np.rint(problem.costs["cost0"] * 1000).astype(int)}
        loss = np.rint(problem.loss * 10**6).astype(int)
        problem = problem.replace(costs=costs, loss=loss, budgets={})
    expected = truth(problem, "cost0")
    if not expected:
        with pytest.raises(InfeasibleError):
            pareto_front(problem, "cost0")
        return
    front = pareto_front(problem, "cost0")
    assert front.exact
    assert pairs(front) == expected
    rough = pareto_front(problem, "cost0", epsilon=0.2)
    assert len(rough) <= len(front)
    for x, y in expected:
        best = rough.y[np.searchsorted(rough.x, x, "right") - 1]
        assert best <= (y * 1.2 * (1 + 1e-12) if y > 0 else y)


def test_points_have_configurations() -> None:
    """A point is rebuilt on demand with the very sums that the front states."""
    front = pareto_front(Problem.from_table(load_table(BUNDLED[0])))
    for i in (0, 1, len(front) // 2, -1):
        solution = front[i]
        assert solution.status is Status.OPTIMAL
        assert solution.costs["latency"] == front.x[i]
        assert solution.loss == front.y[i]
    with pytest.raises(IndexError):
        _ = front[len(front)]


def test_points_of_floats_have_configurations() -> None:
    """With floats the evaluated sums of a rebuilt point lie within the stated resolution."""
    rng = np.random.default_rng(1)
    problem = Problem.from_arrays(rng.random((12, 5)), {"latency": rng.random((12, 5)) * 1e-6})
    front = pareto_front(problem)
    assert 0 < front.x_resolution < 1e-22
    for i in range(0, len(front), 7):
        solution = front[i]
        assert solution.loss is not None
        assert abs(solution.costs["latency"] - front.x[i]) <= front.x_resolution + 1e-21
        assert abs(solution.loss - front.y[i]) <= front.y_resolution + 1e-14


def test_at_takes_budgets_as_text(small: Problem) -> None:
    """``at`` is the answer of a solve with that budget, and keeps the tighter of two."""
    named = Problem.from_table(load_table(BUNDLED[0]), budgets={"latency": "0.9x"})
    front = pareto_front(named)
    half = solve(named.with_budgets({"latency": "0.7x"}))
    assert front.at("0.7x").loss == half.loss
    assert front.at("2x").loss == solve(named).loss == front.y[-1]
    front = pareto_front(small)
    assert (front.at(160).loss, front.at(160).costs["latency"]) == (4, 160)
    assert front.at(1).status is Status.INFEASIBLE


def test_by_hand(small: Problem) -> None:
    """120 -> 9, 150 -> 8, 160 -> 4, 190 -> 3, and a second cost as y."""
    front = pareto_front(small)
    assert pairs(front) == [(120, 9), (150, 8), (160, 4), (190, 3)]
    assert (front.x_name, front.x_unit, front.y_name, front.y_unit) == (
        "latency",
        "cycles",
        "loss",
        "",
    )
    sizes = pareto_front(small, "latency", "rom")
    assert pairs(sizes) == truth(small, "latency", "rom") == [(120, 32), (125, 28)]
    assert sizes[0].costs["loss"] == 9
    assert pareto_front(small.replace(budgets={"latency": 155}), "latency").x.tolist() == [120, 150]
    cut = pareto_front(small.replace(budgets={"rom": 30}), "latency", "rom")
    assert pairs(cut) == [(125, 28)]


def test_a_limit_on_y_cuts_the_front() -> None:
    """Where points may be missing at the cut, the front says from where on it is complete."""
    problem = Problem.from_table(load_table(BUNDLED[2]), costs=["rom"])
    front = pareto_front(problem, "latency", "rom", epsilon=0.2)
    limit = int(front.y[len(front) // 2]) + 1
    cut = pareto_front(problem.replace(budgets={"rom": limit}), "latency", "rom", epsilon=0.2)
    assert cut.complete_from == cut.x[0]
    assert (cut.y <= limit).all()
    whole = pareto_front(problem.replace(budgets={"rom": limit}), "latency", "rom")
    assert whole.complete_from is None
    assert whole.x[0] <= cut.x[0]


def test_knee_by_hand(small: Problem) -> None:
    """(160, 4) lies 1 - 40/70 - 1/6 = 0.26 below the chord, (150, 8) above it."""
    front = pareto_front(small)
    assert front.knee_index() == 2
    assert front.knee().loss == 4
    concave = replace(front, y=np.array([9, 8, 8, 3]))
    assert concave.knee_index() == 0
    for few in (1, 2):
        assert replace(front, x=front.x[:few], y=front.y[:few]).knee_index() == 0


def test_plain_data(small: Problem) -> None:
    """The JSON and the data frame hold all points and what is proven."""
    front = pareto_front(small)
    data = json.loads(json.dumps(front.to_json()))
    assert (data["x"], data["y"]) == ([120, 150, 160, 190], [9, 8, 4, 3])
    assert (data["exact"], data["guarantee"], data["knee"]) == (True, 0, 2)
    frame = front.to_pandas()
    assert list(frame.columns) == ["latency", "loss", "excess"]
    assert frame["loss"].tolist() == [9, 8, 4, 3]
    assert repr(front) == "<Front loss over latency: 4 points, exact: every non-dominated one>"
    unproven = replace(front, excess=np.array([0, math.inf, 0, 0]), limit=Limit.LABELS)
    assert json.loads(json.dumps(unproven.to_json()))["guarantee"] is None
    assert "for 75% of them (stopped: label limit)" in unproven.summary()


def test_limits_are_stated() -> None:
    """A label limit leaves a front with proven ratios and a note that says what helps."""
    problem = Problem.from_table(load_table(BUNDLED[3]))
    front = pareto_front(problem, label_limit=5000)
    assert front.limit is Limit.LABELS
    assert not front.exact
    assert 0 < front.guarantee < math.inf
    assert "epsilon" in front.notes[0]
    exact = pareto_front(problem)
    found = front.y[np.searchsorted(front.x, exact.x, "right") - 1]
    excess = front.excess[np.searchsorted(front.x, exact.x, "right") - 1]
    assert (found <= exact.y * (1 + excess) * (1 + 1e-12)).all()
    assert f"at most {100 * front.guarantee:.3g} % above" in front.summary()


@pytest.mark.parametrize("epsilon", [0.0, 0.3])
@pytest.mark.parametrize("seed", range(25))
def test_point_by_point(seed: int, epsilon: float) -> None:
    """One solve after the other finds what enumeration finds, or a part with the guarantee."""
    rng = np.random.default_rng(seed)
    problem = Problem.from_arrays(rng.integers(-3, 12, (4, 3)), {"t": rng.integers(0, 12, (4, 3))})
    front = _one_by_one(problem, epsilon)
    expected = truth(problem, "t")
    if not epsilon:
        assert front.exact
        assert pairs(front) == expected
    assert set(pairs(front)) <= set(expected)
    for x, y in expected:
        best = front.y[np.searchsorted(front.x, x, "right") - 1]
        assert best <= (y * 1.3 if y > 0 else y)
    assert [front[i].loss for i in range(len(front))] == front.y.tolist()


def _one_by_one(problem: Problem, epsilon: float = 0.0, **options: Any) -> Front:
    given: dict[str, Any] = {"method": "mckp", "threads": 1, "time_limit": None}
    given |= {"checkpoint": None, "progress": None, **options}
    return front_point_by_point(Presolved(problem), "t", epsilon=epsilon, **given)


def test_point_by_point_with_floats() -> None:
    """Floats: the points of the front that is found together, since none are closer than 1e-9."""
    rng = np.random.default_rng(5)
    problem = Problem.from_arrays(rng.random((7, 4)), {"t": rng.random((7, 4))})
    together, single = pareto_front(problem, "t"), _one_by_one(problem)
    assert 0 < single.x_resolution < 1e-8
    assert np.allclose(together.x, single.x, rtol=1e-14)
    assert np.allclose(together.y, single.y, rtol=1e-13)
    assert single[3].costs["t"] == single.x[3]


def test_further_budgets_and_constraints() -> None:
    """A budget on a third sum is kept by every point; the general methods do the work."""
    rng = np.random.default_rng(2)
    costs = {"latency": rng.integers(1, 9, (4, 3)), "rom": rng.integers(1, 9, (4, 3))}
    problem = Problem.from_arrays(rng.integers(0, 20, (4, 3)), costs, {"rom": 17})
    expected = truth(problem, "latency")
    assert 3 <= len(expected) < len(truth(problem.replace(budgets={}), "latency"))
    front = pareto_front(problem)
    assert pairs(front) == expected
    assert front.exact
    assert front[1].costs["rom"] <= 17
    with pytest.raises(UnsupportedError, match="must keep a budget on rom as well"):
        pareto_front(problem, method="mckp")


class Killed(Exception):
    """What ends a run in the middle."""


def test_resuming(tmp_path: Path) -> None:
    """A killed run goes on after its last whole point, and solves nothing twice."""
    rng = np.random.default_rng(8)
    problem = Problem.from_arrays(rng.integers(0, 99, (6, 4)), {"t": rng.integers(0, 99, (6, 4))})
    expected = truth(problem, "t")
    assert len(expected) > 8
    file, told = tmp_path / "front.jsonl", []

    def kill(part: float) -> None:
        told.append(part)
        if len(told) == 3:
            raise Killed

    with pytest.raises(Killed):
        _one_by_one(problem, checkpoint=file, progress=kill)
    assert len(file.read_text().splitlines()) == 4
    with file.open("a") as torn:
        torn.write('{"x": 12, "y"')
    seen: list[float] = []
    front = _one_by_one(problem, checkpoint=file, progress=seen.append)
    assert pairs(front) == expected
    assert len(seen) == len(expected) - 3
    assert front.notes == (f"3 points were taken over from {file}.",)
    lines = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    assert [(p["x"], p["y"]) for p in lines] == expected[::-1]
    again = _one_by_one(problem, checkpoint=file)
    assert pairs(again) == expected


#: Another process that finds the points of the same front into the same file.
SECOND = """
import sys
import numpy as np
from mpsolve import InputError, Problem
from mpsolve.fronts.point_by_point import front_point_by_point
from mpsolve.presolve.presolved import Presolved
rng = np.random.default_rng(8)
problem = Problem.from_arrays(rng.integers(0, 99, (6, 4)), {"t": rng.integers(0, 99, (6, 4))})
given = {"epsilon": 0.0, "method": "mckp", "threads": 1, "time_limit": None, "progress": None}
try:
    front_point_by_point(Presolved(problem), "t", checkpoint=sys.argv[1], **given)
except InputError as error:
    print(error)
"""


def test_two_runs_at_once(tmp_path: Path) -> None:
    """The second is refused in a sentence, and the file of the first is right."""
    rng = np.random.default_rng(8)
    problem = Problem.from_arrays(rng.integers(0, 99, (6, 4)), {"t": rng.integers(0, 99, (6, 4))})
    file = tmp_path / "front.jsonl"
    said: list[str] = []

    def meanwhile(part: float) -> None:
        if not said:
            command = [sys.executable, "-c", SECOND, str(file)]
            said.append(subprocess.run(command, capture_output=True, text=True).stdout)

    expected = truth(problem, "t")
    assert pairs(_one_by_one(problem, checkpoint=file, progress=meanwhile)) == expected
    assert said[0].startswith(f"{file} is being written by another run; wait until it ends")
    lines = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    assert [(p["x"], p["y"]) for p in lines] == expected[::-1]


def test_what_two_runs_once_wrote_is_refused(tmp_path: Path) -> None:
    """Points that stand twice in a file are no front."""
    problem = Problem.from_arrays(np.array([[0, 3, 9]]), {"t": np.array([[9, 3, 0]])})
    file = tmp_path / "front.jsonl"
    _one_by_one(problem, checkpoint=file)
    with file.open("a") as stream:
        stream.write(file.read_text().splitlines()[1] + "\n")
    with pytest.raises(InputError, match=r"front.jsonl holds line 5 twice"):
        _one_by_one(problem, checkpoint=file)


def test_foreign_checkpoints(tmp_path: Path, small: Problem) -> None:
    """A file of another problem, another epsilon or another kind is refused and left alone."""
    problem = small.replace(costs={"t": small.costs["latency"]}, units={})
    file = tmp_path / "front.jsonl"
    _one_by_one(problem, checkpoint=file)
    text = file.read_text()
    for other in (
        problem.replace(loss=problem.loss + 1),
        problem.replace(budgets={"t": 170}),
        problem.replace(ties=(Tie(("layer0", "layer1")),)),
    ):
        with pytest.raises(InputError, match="belongs to the front of another problem"):
            _one_by_one(other, checkpoint=file)
    with pytest.raises(InputError, match="belongs to the front of another problem"):
        _one_by_one(problem, 0.1, checkpoint=file)
    assert file.read_text() == text
    file.write_text("layer,latency\n")
    with pytest.raises(InputError, match="is not the checkpoint of a front"):
        _one_by_one(problem, checkpoint=file)
    with pytest.raises(InputError, match="cannot be written: Is a directory"):
        _one_by_one(problem, checkpoint=tmp_path)
    assert "nothing was written" in pareto_front(small, checkpoint=tmp_path / "new").notes[0]


def test_interrupted_one_by_one(small: Problem) -> None:
    """Ctrl-C returns the points so far and from which budget on they are all."""
    problem = small.replace(costs={"t": small.costs["latency"]}, units={})

    def interrupt(part: float) -> None:
        if part > 0.5:
            raise KeyboardInterrupt

    front = _one_by_one(problem, progress=interrupt)
    assert pairs(front) == [(150, 8), (160, 4), (190, 3)]
    assert (front.limit, front.complete_from, front.exact) == (Limit.INTERRUPTED, 150, False)
    assert front.summary() == "3 points, exact from 150 on (stopped: interrupted)"
    with pytest.raises(NoSolutionError, match="before its first point"):
        _one_by_one(problem, time_limit=1e-9)


def test_what_is_refused(small: Problem) -> None:
    """One sentence for each thing that cannot be."""
    for arguments, message in (
        ({"x": "power"}, "no cost power for the x axis; the costs are: latency, rom"),
        ({"y": "power"}, "y must be 'loss' or a cost, not 'power'"),
        ({"y": "latency"}, "two different axes"),
        ({"epsilon": -0.1}, "at least 0"),
        ({"epsilon": math.nan}, "at least 0"),
        ({"time_limit": 0}, "must be positive"),
        ({"method": "free-bits"}, "no exact method 'free-bits'"),
    ):
        with pytest.raises(InputError, match=message):
            pareto_front(small, **arguments)
    with pytest.raises(InfeasibleError, match="budget on latency is 100"):
        pareto_front(small.replace(budgets={"latency": 100}))


def test_huge_candidates_do_not_blur_the_front() -> None:
    """A dominated candidate with an enormous loss leaves the resolution alone."""
    loss = [[0.5, 0.25, 1e30], [0.125, 0.75, 1.0]]
    front = pareto_front(Problem.from_arrays(loss, {"latency": [[1, 2, 3], [2, 1, 3]]}))
    assert pairs(front) == [(2, 1.25), (3, 0.625), (4, 0.375)]
    assert (front.x_resolution, front.y_resolution) == (0, 0)
    coarse = pareto_front(Problem.from_arrays(loss, {"latency": [[1, 2, 0], [2, 1, 3]]}))
    assert coarse.y_resolution > 1e11
    assert "loss was resolved to" in coarse.notes[0]


def test_plot(tmp_path: Path, small: Problem) -> None:
    """The staircase, the knee and labels with unit and provenance; a picture is written."""
    pytest.importorskip("matplotlib")
    front = pareto_front(Problem.from_table(load_table(BUNDLED[0])))
    axes = front.plot(tmp_path / "front.png")
    assert (tmp_path / "front.png").read_bytes().startswith(b"\x89PNG")
    assert axes.get_xlabel() == "latency (modelled) [model cycles]"
    assert axes.get_ylabel() == "noise-macs (proxy)"
    stairs, knee = axes.get_lines()
    assert stairs.get_drawstyle() == "steps-post"
    assert np.array_equal(stairs.get_xdata(), front.x)
    assert np.array_equal(knee.get_xdata(), [front.x[front.knee_index()]])
    assert pareto_front(small).plot(ax=axes) is axes
    with pytest.raises(InputError, match="xyz"):
        front.plot(tmp_path / "front.xyz")
    with pytest.raises(InputError, match="cannot be written"):
        front.plot(tmp_path / "absent" / "front.png")


def test_a_missing_matplotlib_is_named(monkeypatch: pytest.MonkeyPatch, small: Problem) -> None:
    """The error says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'mpsolve\[plot\]'"):
        pareto_front(small).plot()


def test_budgets_of_floats_cut_at_their_own_sum() -> None:
    """A budget that equals the float sum of a point keeps that point."""
    rng = np.random.default_rng(9)
    problem = Problem.from_arrays(rng.random((6, 4)), {"latency": rng.random((6, 4))})
    front = pareto_front(problem)
    middle = front[len(front) // 2]
    cut = pareto_front(problem.replace(budgets={"latency": middle.costs["latency"]}))
    assert len(cut) == len(front) // 2 + 1
    limit = middle.costs["latency"]
    assert middle.choice is not None
    assert keeps(total(problem.costs["latency"][problem.flat(middle.choice)]), limit, 6)
