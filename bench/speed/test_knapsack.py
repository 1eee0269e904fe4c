"""The knapsack method: one budget after the other, and all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import mpsolve
from mpsolve.bench.generators import cnn, llm
from mpsolve.bench.levels import at_level

if TYPE_CHECKING:
    from bench.speed import Benchmark
    from mpsolve import Problem
    from mpsolve.typing import NumberArray

#: Layers x candidates -> the instance; all numbers are synthetic.
PROBLEMS = {
    "28x9": cnn(28, seed=1),
    "53x9": cnn(53, seed=1),
    "224x8": llm(224, 8, seed=1),
    "560x16": llm(560, 16, seed=1),
}


def arrays(problem: Problem, level: float) -> tuple[NumberArray, NumberArray, float]:
    """Losses and costs, layers x candidates, and a budget at this per cent of its range."""
    shape = len(problem.layers), -1
    limit = at_level(problem, ("latency",), level).budgets["latency"]
    return problem.loss.reshape(shape), problem.costs["latency"].reshape(shape), limit


@pytest.mark.parametrize("size", PROBLEMS)
def test_assign(benchmark: Benchmark, size: str) -> None:
    """From arrays to the proven optimum."""
    assert benchmark(mpsolve.assign, *arrays(PROBLEMS[size], 50)).loss > 0


@pytest.mark.parametrize("size", PROBLEMS)
def test_further_budget(benchmark: Benchmark, size: str) -> None:
    """The same where another budget has been kept before."""
    loss, cost, limit = arrays(PROBLEMS[size], 50)
    prepared = mpsolve.prepare(loss, cost)
    prepared.assign(arrays(PROBLEMS[size], 30)[2])
    assert benchmark(prepared.assign, limit).loss > 0


def test_front_of_mobilenet_v2(benchmark: Benchmark) -> None:
    """Every point, from a problem of which nothing is prepared."""
    table = mpsolve.load_table("mobilenet_v2/pulp8-xpulpnnv1")

    def posed() -> tuple[tuple[Problem], dict[str, object]]:
        return (mpsolve.Problem.from_table(table),), {}

    front = benchmark.pedantic(mpsolve.pareto_front, setup=posed, rounds=15, warmup_rounds=1)
    assert len(front) > 1
