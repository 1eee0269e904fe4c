"""The benchmarks run, on very little."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpsolve.bench import brute_force, rich, solvers
from mpsolve.formulations.mckp.method import Mckp


def test_brute_force_finds_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    """Fifty instances are compared and counted."""
    assert brute_force.main(50, 0, "mckp", 6, 1) == 0
    assert brute_force.main(50, 0, "lagrangian", 6, 2, pairwise=True) == 0
    assert "50 instances" in capsys.readouterr().out


def test_solvers_are_timed_and_compared(capsys: pytest.CaptureFixture[str]) -> None:
    """One problem is solved by our method and a peer, and the table says how long both took."""
    pytest.importorskip("scipy")
    name, problem = next(solvers.problems(Path("there is no such folder")))
    methods = solvers.installed(("mckp", "highs"), problem)
    row = solvers.measure(name, problem, methods, repeats=1, time_limit=30.0)
    assert row.wrong == ()
    assert row.unfinished == ()
    assert row.milliseconds.keys() == {"mckp", "highs"}
    solvers.show([row], methods, 30.0)
    assert "fastest peer / mckp" in capsys.readouterr().out


def test_two_budget_problems_bind_twice() -> None:
    """Neither budget of the second mode is redundant, so the knapsack method refuses them."""
    for name, problem in solvers.two_budget_problems():
        assert "latency and rom can all bind" in str(Mckp().unsupported(problem)), name


def test_rich_problems_are_timed_and_compared(capsys: pytest.CaptureFixture[str]) -> None:
    """One problem of 53 nodes: both methods prove the same optimum, and the table has a row."""
    pytest.importorskip("scipy")
    methods = ["lagrangian", "highs"]
    result = rich.measure(53, "tight", 0, methods, 30.0)
    assert (result.wrong, result.unfinished) == ((), ())
    rich.show([result], methods)
    assert "1 problems: 0 wrong answers, 0 unfinished" in capsys.readouterr().out
