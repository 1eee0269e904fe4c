"""What a program waits for before it can solve anything."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import mpsolve

if TYPE_CHECKING:
    from bench.speed import Benchmark

PROGRAMS = {
    "python": "",
    "numpy": "import numpy",
    "mpsolve": "import mpsolve",
    "solve": "import mpsolve; mpsolve.solve",
    "all names": "import mpsolve\nfor name in dir(mpsolve): getattr(mpsolve, name)",
}


@pytest.mark.parametrize("what", PROGRAMS)
def test_import(benchmark: Benchmark, what: str) -> None:
    """A process from its start to its end; the first two are what the others begin with."""
    command = [sys.executable, "-c", PROGRAMS[what]]
    assert benchmark.pedantic(subprocess.call, (command,), rounds=7, warmup_rounds=1) == 0


def test_reading_a_table(benchmark: Benchmark) -> None:
    """The larger of the bundled networks."""
    assert len(benchmark(mpsolve.load_table, "mobilenet_v2/pulp8-xpulpnnv1").layers) > 50
