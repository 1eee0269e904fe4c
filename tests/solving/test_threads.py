"""What is prepared once is shared by threads, and every one of them gets the right answer."""

from __future__ import annotations

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.enumeration import brute_force
from mpsolve import InputError, Problem, Status, Tie, assign, prepare
from mpsolve.formulations import process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.typing import NumberArray

THREADS = 8


@pytest.fixture(autouse=True)
def often_switched() -> Iterator[None]:
    """Threads take turns every few instructions, not every few milliseconds."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def wide(seed: int, layers: int, candidates: int) -> tuple[Problem, list[float]]:
    """Losses over fifteen orders of magnitude, and budgets from the least cost to the largest."""
    rng = np.random.default_rng(seed)
    loss = 10.0 ** rng.uniform(-9, 6, (layers, candidates))
    cost = rng.uniform(1, 10, (layers, candidates))
    least, most = cost.min(1).sum(), cost.max(1).sum()
    budgets = rng.permutation(np.linspace(1.01 * least, most, 60)).tolist()
    return Problem.from_arrays(loss, {"us": cost}), budgets


def rows(problem: Problem) -> tuple[NumberArray, NumberArray]:
    """Loss and cost as a table."""
    shape = len(problem.layers), -1
    return problem.loss.reshape(shape), problem.costs["us"].reshape(shape)


@pytest.mark.parametrize("seed", range(4))
def test_a_session_used_by_eight_threads(seed: int) -> None:
    """Under every budget it has the optimum that a problem of its own has."""
    problem, budgets = wide(seed, 60, 8)
    alone = [float(assign(*rows(problem), budget).loss) for budget in budgets]

    session = prepare(problem)

    def least(budget: float) -> float | None:
        solution = session.solve({"us": budget}, explain=False)
        assert solution.status is Status.OPTIMAL, solution.conflict
        assert solution.bound == solution.loss
        return solution.loss

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(least, budgets * 4)) == alone * 4


@pytest.mark.parametrize("seed", range(4))
def test_a_prepared_assignment_called_by_eight_threads(seed: int) -> None:
    """Every call has the optimum that an assignment prepared for it alone has."""
    problem, budgets = wide(seed, 60, 8)
    alone = [float(assign(*rows(problem), budget).loss) for budget in budgets]
    prepared = prepare(*rows(problem))
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(prepared.assign, budgets * 8))
    assert [float(answer.loss) for answer in found] == alone * 8
    assert {(answer.bound == answer.loss, answer.status) for answer in found} == {
        (True, Status.OPTIMAL)
    }


@pytest.mark.parametrize("seed", range(8))
def test_threads_agree_with_enumeration(seed: int) -> None:
    """On problems that are small enough to look at every choice."""
    problem, budgets = wide(seed, 5, 4)
    limits = [{"us": budget} for budget in budgets[:12]]
    truth = [brute_force(problem.replace(budgets=limit)).least for limit in limits]
    session = prepare(problem)
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(session.solve, limits * 4))
    assert [answer.loss for answer in found] == truth * 4


def test_tied_layers_and_two_budgets_in_eight_threads() -> None:
    """What is merged, and the graph of the label setting, are shared too."""
    rng = np.random.default_rng(3)
    loss, shape = 10.0 ** rng.uniform(-9, 6, (8, 4)), (8, 4)
    precisions = ["8b/8b", "8b/4b", "4b/8b", "4b/4b"]
    problem = Problem.from_arrays(
        loss,
        {"us": rng.integers(1, 20, shape), "rom": rng.integers(1, 20, shape)},
        precisions=precisions,
        ties=[Tie(("layer0", "layer3"), "b_in"), Tie(("layer1", "layer2"))],
    )
    limits = [{"us": us, "rom": rom} for us in (50, 80, 120) for rom in (50, 80, 120, 200)]
    truth = [brute_force(problem.replace(budgets=limit)) for limit in limits]
    assert sum(one.least is None for one in truth) in range(1, len(truth))
    session = prepare(problem)
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(session.solve, limits * 4))
    assert all(one.agrees(answer.loss) for one, answer in zip(truth * 4, found, strict=True))


def test_a_session_is_a_problem_elsewhere() -> None:
    """Pickled, it prepares anew and answers alike; budgets are numbers or text."""
    problem, budgets = wide(1, 5, 4)
    session = prepare(problem.replace(budgets={"us": budgets[0]}))
    copy = pickle.loads(pickle.dumps(session))
    assert copy.solve().loss == session.solve().loss == session.solve({"us": budgets[0]}).loss
    assert session.solve({}).loss == problem.loss.reshape(5, 4).min(1).sum()
    assert (
        session.solve({"us": f"{budgets[1]:.17g}"}).loss
        == session.solve({"us": budgets[1]}, "mckp").loss
    )
    with pytest.raises(InputError, match="takes nothing beside it"):
        prepare(problem, [[1]])


def test_back_ends_asked_by_several_threads() -> None:
    """Each thread has a worker of its own; one of them is kept."""
    pytest.importorskip("scipy")
    problem = Problem.from_arrays(
        [[0, 3, 9], [0, 4, 7]], {"us": [[9, 5, 1], [8, 4, 1]], "rom": [[1, 2, 1], [2, 1, 3]]}
    )
    limits = [{"us": us, "rom": 4} for us in (5, 9, 12, 17)]
    truth = [brute_force(problem.replace(budgets=limit)).least for limit in limits]
    session = prepare(problem)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda limit: session.solve(limit, "highs"), limits * 2))
    assert [answer.loss for answer in found] == truth * 2
    assert [family for _, family in process.idle].count("highs") == 1


def test_an_answer_does_not_depend_on_earlier_ones() -> None:
    """In whatever order budgets come, choices and bounds are those of a first call."""
    problem, budgets = wide(2, 40, 6)
    prepared, again = prepare(*rows(problem)), prepare(*rows(problem))
    forth = [prepared.assign(budget) for budget in budgets]
    back = [again.assign(budget) for budget in reversed(budgets)][::-1]
    alone = [assign(*rows(problem), budget) for budget in budgets]
    for one, other, third in zip(forth, back, alone, strict=True):
        assert one.choice.tolist() == other.choice.tolist() == third.choice.tolist()
        assert one.bound == other.bound == third.bound
