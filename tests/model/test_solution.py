"""Answers as objects, as plain data and as one line of text."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from mpsolve import Configuration, Conflict, Limit, Precision, Provenance, Solution, Status
from mpsolve.model.solution import relative_gap

FULL = Solution(
    Status.FEASIBLE,
    "mckp",
    configuration=Configuration({"fc": Precision(8, 4)}),
    choice=np.array([1]),
    loss=8,
    costs={"latency": 12_000, "energy": 0.5},
    budgets={"latency": 13_000},
    bound=6.0,
    limit=Limit.TIME,
    reason="asked for",
    seconds=0.25,
    loss_name="sensitivity",
    units={"latency": "cycles"},
    provenance=Provenance.MEASURED,
    source="net.csv",
    notes=("a note",),
)
INFEASIBLE = Solution(Status.INFEASIBLE, "mckp", conflict=Conflict("The budget is too small."))


@pytest.mark.parametrize(
    ("value", "bound", "gap"),
    [
        (8, 6, 0.25),
        (8, 8, 0.0),
        (8, 9, 0.0),
        (-8, -10, 0.25),
        (2, -2, 2.0),
        (0, 0, 0.0),
        (0, -1, math.inf),
        (5, -math.inf, math.inf),
    ],
)
def test_relative_gap(value: float, bound: float, gap: float) -> None:
    """(value - bound) / |value|; a bound that has met the value leaves none."""
    assert relative_gap(value, bound) == gap


def test_gap() -> None:
    """(8 - 6) / 8 is a quarter; it is unknown as long as the loss or the bound is."""
    assert FULL.gap == 0.25
    assert Solution(Status.NO_SOLUTION, "mckp", bound=6.0).gap is None
    assert Solution(Status.FEASIBLE, "mckp", loss=8).gap is None


def test_to_json() -> None:
    """Plain data with every field, which survives JSON text."""
    data = FULL.to_json()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data == {
        "status": "feasible",
        "method": "mckp",
        "loss": 8,
        "loss_name": "sensitivity",
        "bound": 6.0,
        "gap": 0.25,
        "limit": "time limit",
        "costs": {"latency": 12_000, "energy": 0.5},
        "budgets": {"latency": 13_000},
        "units": {"latency": "cycles"},
        "configuration": {"fc": {"b_in": 8, "b_wt": 4}},
        "infeasible": None,
        "seconds": 0.25,
        "provenance": "measured",
        "source": "net.csv",
        "reason": "asked for",
        "notes": ["a note"],
    }


def test_to_json_of_nothing() -> None:
    """Without an answer the fields are null, and the conflict is a sentence."""
    data = INFEASIBLE.to_json()
    assert data["infeasible"] == "The budget is too small."
    for field in ("loss", "bound", "gap", "limit", "configuration"):
        assert data[field] is None


def test_to_json_has_no_infinities() -> None:
    """JSON knows no infinity: an unknown bound and an infinite gap are null."""
    unbounded = Solution(Status.FEASIBLE, "mckp", loss=8, bound=-math.inf)
    assert unbounded.gap == math.inf
    data = json.loads(json.dumps(unbounded.to_json(), allow_nan=False))
    assert (data["bound"], data["gap"]) == (None, None)


def test_text() -> None:
    """Status, method, limit, loss, gap and costs in one line; or why there is no answer."""
    assert repr(FULL) == (
        "<Solution feasible (mckp), time limit, sensitivity 8, gap 25.00%, "
        "latency 12,000 of 13,000, energy 0.5>"
    )
    assert repr(INFEASIBLE) == "<Solution infeasible (mckp): The budget is too small.>"
    assert repr(Solution(Status.OPTIMAL, "mckp", loss=0.1, bound=0.1)) == (
        "<Solution optimal (mckp), loss 0.1>"
    )
    stopped = Solution(Status.NO_SOLUTION, "mckp", limit=Limit.TIME)
    assert repr(stopped) == "<Solution no solution found (mckp), time limit>"


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_meaning(status: Status) -> None:
    """One sentence for people."""
    assert status.meaning.endswith(".")
    assert status.meaning[0].isupper()


def test_table() -> None:
    """The answer as a table with one row per layer."""
    pytest.importorskip("rich")
    pytest.importorskip("mpsolve.report.tables")
    assert FULL.table().row_count == 1
