"""Several methods on one problem, measured against the proven optimum."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from mpsolve import (
    Comparison,
    Configuration,
    InputError,
    LinearConstraint,
    Precision,
    Problem,
    Solution,
    Status,
    compare,
)
from mpsolve.analysis.compare import Entry
from mpsolve.formulations.method import METHODS
from mpsolve.heuristics.method import HEURISTICS

HEURISTIC_NAMES = list(HEURISTICS)


def small(**parts: Any) -> Problem:
    """Two layers; within 12 cycles the best choice is (1, 0) with a loss of 5."""
    return Problem.from_arrays(
        [[0, 5], [0, 7]],
        {"latency": [[9, 4], [8, 3]]},
        {"latency": 12},
        layers=["a", "b"],
        precisions=["8b/8b", "4b/4b"],
        **parts,
    )


def entry(status: Status, loss: float | None) -> Entry:
    """An entry with this answer."""
    return Entry("any", "", Solution(status, "any", loss=loss))


def test_gaps_to_the_optimum() -> None:
    """The knapsack finds 5; (0, 1) has loss 7, two fifths more; 4b/4b everywhere has 12."""
    start = Configuration({"a": Precision(8, 8), "b": Precision(4, 4)})
    comparison = compare(small(), ["mckp", "free-bits", "homogeneous"], starts=[start])
    assert comparison.optimum == 5
    assert [comparison.gap(e) for e in comparison.entries] == [0.0, 2 / 5, 7 / 5]
    assert [(e.method, e.start) for e in comparison.entries] == [
        ("mckp", ""),
        ("free-bits", "given"),
        ("homogeneous", ""),
    ]


def test_every_heuristic_from_every_start() -> None:
    """Starts are shown under their names, else as their text; each has an entry of its own."""
    starts: list[Configuration | str] = [
        "8b/8b",
        Configuration({"a": Precision(8, 8), "b": Precision(4, 4)}),
        "4b/4b",
    ]
    comparison = compare(
        small(), ["greedy-decrease", "homogeneous"], starts=starts, start_names=["high", "mixed"]
    )
    assert [(e.method, e.start) for e in comparison.entries] == [
        ("greedy-decrease", "high"),
        ("greedy-decrease", "mixed"),
        ("greedy-decrease", "4b/4b"),
        ("homogeneous", ""),
    ]


def test_default_starts() -> None:
    """Without starts, every heuristic begins from its own, which is shown."""
    comparison = compare(small(), HEURISTIC_NAMES)
    assert [(e.method, e.start) for e in comparison.entries] == [
        ("free-bits", "4b/4b"),
        ("greedy-decrease", "8b/8b"),
        ("greedy-increase", "4b/4b"),
        ("homogeneous", ""),
    ]
    assert comparison.optimum is None
    assert all(comparison.gap(e) is None for e in comparison.entries)


def test_failed_answers_have_no_gap() -> None:
    """8b/8b everywhere has no loss, but takes 17 of 12 cycles."""
    comparison = compare(small(), ["mckp", "free-bits"], starts=["8b/8b"])
    failed = comparison.entries[1]
    assert failed.solution is not None
    assert failed.solution.status is Status.FAILED
    assert comparison.gap(failed) is None


@pytest.mark.parametrize(
    ("optimum", "loss", "gap"),
    [(4, 6, 0.5), (4, 4, 0.0), (-4, -2, 0.5), (0, 0, 0.0), (0, 3, 1.0)],
)
def test_gap(optimum: float, loss: float, gap: float) -> None:
    """In parts of the optimum; where that is 0, in parts of the loss."""
    other = entry(Status.FEASIBLE, loss)
    comparison = Comparison(small(), (entry(Status.OPTIMAL, optimum), other))
    assert comparison.gap(other) == gap


def test_optimum_needs_a_proof() -> None:
    """A feasible answer may have less loss than another's, but proves nothing."""
    entries = entry(Status.FEASIBLE, 1), Entry("x", "", None, "not installed")
    comparison = Comparison(small(), entries)
    assert comparison.optimum is None
    assert comparison.gap(entries[1]) is None


def test_methods_that_cannot_be_run() -> None:
    """An entry says why, and the others are run all the same."""
    ram = LinearConstraint("RAM", {"a": np.array([1, 0])}, 0)
    comparison = compare(small(constraints=[ram]), ["mckp", "greedy-decrease"], starts=["2b/2b"])
    first, second = comparison.entries
    assert first.solution is None
    assert first.excuse == "mckp cannot keep constraint RAM; use method cpsat or milp."
    assert second.solution is not None
    without = compare(small(), ["mckp", "free-bits"], starts=["16b/16b"])
    assert without.optimum == 5
    assert without.entries[1].excuse.startswith("Layer a has no precision at or above 16b/16b")


def test_unknown_methods_are_refused() -> None:
    """A misspelt method is not an entry."""
    with pytest.raises(InputError, match="There is no exact method 'greedy'"):
        compare(small(), ["greedy"])


def test_warm_start() -> None:
    """The exact methods begin with it; one that does not fit is refused."""
    warm = Configuration({"a": Precision(4, 4), "b": Precision(8, 8)})
    assert compare(small(), ["mckp"], warm_start=warm, time_limit=60, threads=1).optimum == 5
    with pytest.raises(InputError, match="says nothing about layer b"):
        compare(small(), ["mckp"], warm_start=Configuration({"a": Precision(4, 4)}))


def test_to_json() -> None:
    """Plain data: the problem, and every entry with its answer or its excuse."""
    comparison = compare(small(source="net.csv"), ["mckp", "free-bits"], starts=["16b/16b"])
    data = json.loads(json.dumps(comparison.to_json(), allow_nan=False))
    assert data["optimum"] == 5
    assert data["budgets"] == {"latency": 12}
    assert (data["loss_name"], data["provenance"], data["source"]) == (
        "loss",
        "unstated",
        "net.csv",
    )
    solved, skipped = data["entries"]
    assert (solved["method"], solved["status"], solved["gap_to_optimum"]) == ("mckp", "optimal", 0)
    assert solved["configuration"]["a"] == {"b_in": 4, "b_wt": 4}
    assert (skipped["method"], skipped["start"]) == ("free-bits", "16b/16b")
    assert skipped["not_run"].startswith("Layer a has no precision")


def test_all_methods_by_default() -> None:
    """Every exact method comes first, then every heuristic; all proofs agree."""
    for package in ("ortools", "highspy", "pulp"):
        pytest.importorskip(package)
    comparison = compare(small())
    assert [e.method for e in comparison.entries] == [*METHODS, *HEURISTIC_NAMES]
    proven = [e for e in comparison.entries if e.solution and e.method in METHODS]
    assert [e.solution.loss for e in proven if e.solution] == [5] * len(METHODS)


def test_table() -> None:
    """The comparison as a table with one row per entry."""
    pytest.importorskip("rich")
    assert compare(small(), ["mckp", "free-bits"]).table().row_count == 2
