"""``mpsolve compare``: gaps to the optimum of the small table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run

METHODS = "mckp,free-bits,greedy-decrease,greedy-increase,homogeneous"


def entries(text: str) -> dict[str, dict[str, Any]]:
    """The entries of the JSON by method and start."""
    return {f"{e['method']} {e['start']}".strip(): e for e in json.loads(text)["entries"]}


def test_gaps_by_hand(run: Run, table: Path) -> None:
    """Within 160 the optimum is 4; the heuristics end at the losses of their pseudocode."""
    result = run("compare", table, "--methods", METHODS, "-b", "latency=160", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["optimum"] == 4
    found = {k: (e["loss"], e["gap_to_optimum"]) for k, e in entries(result.stdout).items()}
    assert found == {
        "mckp": (4, 0),
        "free-bits 4b/4b": (9, 1.25),
        # conv0 has the highest impact and suffices: 190 - 40 = 150.
        "greedy-decrease 8b/8b": (8, 1),
        # b0.dw gains 5 and fc costs 30; conv0 would end at 190.
        "greedy-increase 4b/4b": (8, 1),
        "homogeneous": (15, 2.75),
    }


def test_report_and_starts(run: Run, table: Path) -> None:
    """Each start has a row; from 8b/8b Free Bits stays above the budget and has no gap."""
    words = ("--methods", "mckp,free-bits", "--start", "4b/4b", "--start", "8b/8b")
    result = run("compare", table, "-b", "latency=160", *words)
    rows = [line.split()[:-1] for line in result.stdout.splitlines() if "free-bits" in line]
    assert rows == [
        ["free-bits", "4b/4b", "feasible", "9", "125.00%", "75.0%"],
        ["free-bits", "8b/8b", "failed", "3", "118.8%"],
    ]
    assert "budget latency <= 160 cycles" in result.stdout
    assert "failed: the heuristic ended above a budget." in result.stdout


def test_methods_that_cannot_run_say_why(run: Run, table: Path) -> None:
    """Without a budget the greedy heuristics have no target; the others still answer."""
    result = run("compare", table, "--methods", "mckp,greedy-decrease")
    assert result.exit_code == 0
    assert "greedy-decrease was not run: The greedy heuristics need a target" in result.stdout
    result = run("compare", table, "--methods", "greedy-decrease", "--json")
    assert result.exit_code == 2
    assert "not_run" in entries(result.stdout)["greedy-decrease 8b/8b"]
    assert result.stderr.startswith("Error: ")


def test_infeasible(run: Run, table: Path) -> None:
    """Status 3 when an exact method proves that the budget cannot be kept."""
    result = run("compare", table, "--methods", "mckp,free-bits", "-b", "latency=119")
    assert result.exit_code == 3
    assert "at least 120 cycles" in result.stdout


@pytest.mark.parametrize(("methods", "words"), [("mckp,frebits", "free-bits"), (",", "no method")])
def test_wrong_method_lists(run: Run, table: Path, methods: str, words: str) -> None:
    """An unknown name suggests a similar one; an empty list is refused."""
    result = run("compare", table, "--methods", methods)
    assert result.exit_code == 2
    assert words in result.stderr


def test_modelled_latencies_are_called_modelled(run: Run) -> None:
    """Header, budget and column of a bundled table say so."""
    name = "mobilenet_v2/pulp8-xpulpv2"
    result = run("compare", name, "--methods", "mckp", "-b", "latency=0.9x")
    assert "modelled latencies" in result.stdout
    assert "budget latency (modelled) <=" in result.stdout
    assert result.stdout.count("(modelled)") == 2
