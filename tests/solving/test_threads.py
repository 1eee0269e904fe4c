"""What is prepared once is shared by threads, and every one of them gets the right answer."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve import Problem, Status, assign, prepare, solve
from tests.support import brute_force

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
def test_variants_solved_by_eight_threads(seed: int) -> None:
    """Variants with other budgets have the optima that problems of their own have."""
    problem, budgets = wide(seed, 60, 8)
    alone = [float(assign(*rows(problem), budget).loss) for budget in budgets]

    def least(budget: float) -> float | None:
        solution = solve(problem.replace(budgets={"us": budget}), explain=False)
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
    variants = [problem.replace(budgets={"us": budget}) for budget in budgets[:12]]
    truth = [brute_force(variant).least for variant in variants]
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(solve, variants * 4))
    assert [answer.loss for answer in found] == truth * 4
