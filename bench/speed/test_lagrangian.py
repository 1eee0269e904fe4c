"""The Lagrangian method on latency, ROM and a RAM limit at every node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import mpsolve
from bench.rich_instances import MORE_BLOCKS, TIGHTNESS, rich_problem

if TYPE_CHECKING:
    from bench.speed import Benchmark


@pytest.mark.parametrize("nodes", MORE_BLOCKS)
@pytest.mark.parametrize("tightness", ["loose", "tight RAM"])
def test_rom_and_ram(benchmark: Benchmark, nodes: int, tightness: str) -> None:
    """To the proven optimum, from a problem of which nothing is prepared."""

    def posed() -> tuple[tuple[mpsolve.Problem, str], dict[str, object]]:
        problem = rich_problem(0, TIGHTNESS[tightness], more_blocks=MORE_BLOCKS[nodes])
        return (problem, "lagrangian"), {}

    solution = benchmark.pedantic(mpsolve.solve, setup=posed, rounds=5, warmup_rounds=1)
    assert solution.status == "optimal"
