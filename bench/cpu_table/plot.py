"""Predicted against measured latency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.bench.report.style import figure

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from bench.cpu_table.result import Result, Row

COLOURS = {
    "one format": "#252525",
    "solved": "#08306b",
    "layers alone": "#d94801",
    "random": "#8f8f8f",
}


def plot(result: Result, path: Path) -> None:
    """Draw a result to a file whose suffix says how."""
    with figure(path, columns=2, height=4.6) as axes:
        left, right = axes[0]
        right.sharey(left)
        _scatter(left, result, conversions=False)
        _scatter(right, result, conversions=True)
        left.set_ylabel("whole network, measured [us]")
        right.legend(fontsize="small", loc="lower right")


def _scatter(ax: Axes, result: Result, *, conversions: bool) -> None:
    largest = 0.0
    for group, colour in COLOURS.items():
        rows = [row for row in result.rows if _group(row) == group]
        x = [row.predicted_us if conversions else row.layers_us for row in rows]
        y = [row.measured_us for row in rows]
        ax.errorbar(x, y, [row.error_us for row in rows], fmt="o", ms=5, c=colour, label=group)
        for row, at in zip(rows, x, strict=True):
            if group != "random":
                label = row.name.removesuffix(", layers alone")
                ax.annotate(label, (at, row.measured_us), (5, -3), textcoords="offset points")
        largest = max([largest, *x, *y])
    ax.plot([0, largest], [0, largest], color="#b5b5b5", linewidth=1, zorder=0)
    what = "layers and conversions" if conversions else "layers alone"
    ax.set_xlabel(f"sum of {what}, measured one by one [us]")
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)


def _group(row: Row) -> str:
    if not row.aware:
        return "layers alone"
    if row.name.startswith("random"):
        return "random"
    return "solved" if row.budget is not None or row.name == "fastest" else "one format"
