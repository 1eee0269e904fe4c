"""``mpsolve verify``: judgements on configurations of the small table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run


def test_optimal_configuration(run: Run, table: Path) -> None:
    """What solve prints as JSON is verified as optimal when it comes through a pipe."""
    solved = run("solve", table, "--method", "mckp", "-b", "latency=160", "--json")
    words = ("verify", table, "-", "--method", "mckp", "-b", "latency=160")
    result = run(*words, stdin=solved.stdout)
    assert result.exit_code == 0
    assert "is optimal" in result.stdout


def test_feasible_configuration_that_is_not_optimal(run: Run, table: Path) -> None:
    """4b/4b has loss 15 at latency 125; within 160 the optimum is 4, 73.33% less."""
    words = ("verify", table, "4b/4b", "--method", "mckp", "-b", "latency=160")
    result = run(*words)
    assert result.exit_code == 0
    assert "the optimum has 73.33% less loss" in result.stdout
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["latency", "125", "160", "78.1%", "160", "cycles"] in rows
    assert ["conv0", "4b/4b", "8b/8b"] in rows
    data = json.loads(run(*words, "--json").stdout)
    assert (data["loss"], data["feasible"], data["optimal"]) == (15, True, False)
    assert data["best"]["loss"] == 4


def test_broken_constraints(run: Run, table: Path) -> None:
    """8b/8b costs 190: above 160, and conv0 was forbidden it; status 3."""
    words = ("verify", table, "8b/8b", "--method", "mckp", "-b", "latency=160")
    result = run(*words, "--forbid", "conv0=8b/8b")
    assert result.exit_code == 3
    assert "broken: latency is 190 and its budget 160." in result.stdout
    assert "broken: forbidden 8b/8b of layer conv0" in result.stdout
    result = run(*words, "--quiet")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "latency is 190" in result.stderr


def test_infeasible_problem(run: Run, table: Path) -> None:
    """When nothing keeps the budget the report says why, and has no column for the best."""
    result = run("verify", table, "8b/8b", "--method", "mckp", "-b", "latency=100")
    assert result.exit_code == 3
    assert "at least 120 cycles" in result.stdout
    assert "optimum" not in result.stdout


def test_heuristics_prove_nothing(run: Run, table: Path) -> None:
    """Only exact methods are accepted."""
    result = run("verify", table, "8b/8b", "--method", "free-bits")
    assert result.exit_code == 2
    assert "name an exact method" in result.stderr


def test_missing_layers(run: Run, table: Path, tmp_path: Path) -> None:
    """A configuration that says nothing about a layer is refused."""
    path = tmp_path / "part.json"
    path.write_text('{"conv0": "8b/8b"}', encoding="utf-8")
    result = run("verify", table, path)
    assert result.exit_code == 2
    assert "b0.dw" in result.stderr


def test_modelled_latencies_are_called_modelled(run: Run) -> None:
    """Header, table row and broken constraint of a bundled table say so."""
    name = "mobilenet_v1_0.75/pulp8-xpulpnnv1"
    result = run("verify", name, "8b/8b", "--method", "mckp", "-b", "latency=0.7x")
    assert result.exit_code == 3
    assert "modelled latencies" in result.stdout
    assert "broken: latency (modelled) is 49,656,873" in result.stdout
