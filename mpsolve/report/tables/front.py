"""Fronts and sets of answers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mpsolve.alternatives.distance import distance
from mpsolve.report.tables.text import (
    column,
    cost_label,
    labelled,
    new_table,
    number,
    percentage,
    plain,
    shown_totals,
    status_text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from mpsolve.fronts.front import Front
    from mpsolve.model.problem import Problem
    from mpsolve.model.solution import Solution
    from mpsolve.typing import Number


def front_table(front: Front, count: int) -> Table:
    """About so many points spread over a front, and the knee of a whole one.

    Parameters
    ----------
    front
        The front.
    count
        How many points to show beside the knee.
    """
    knee = front.knee_index() if front.complete_from is None else None
    shown = sorted({*front.spread(count).tolist(), *([] if knee is None else [knee])})
    table = new_table()
    table.add_column("point", justify="right", no_wrap=True)
    names = ((front.x_name, front.x_unit), (front.y_name, front.y_unit))
    for name, unit in names:
        header = "\n".join(filter(None, (labelled(name, front.provenance), unit)))
        table.add_column(plain(header), justify="right", no_wrap=True)
    if not front.exact:
        table.add_column("above the\noptimum", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    xs = column([front.x[i].item() for i in shown], 10)
    ys = column([front.y[i].item() for i in shown], 10)
    for i, x, y in zip(shown, xs, ys, strict=True):
        cells = [f"{i:,}", x, y]
        if not front.exact:
            cells.append(_proven(front.excess[i].item()))
        table.add_row(*cells, "knee" if i == knee else "")
    return table


def _proven(excess: float) -> str:
    if not excess:
        return "exact"
    return f"<= {percentage(excess)}" if math.isfinite(excess) else "unknown"


def candidates_table(solutions: Sequence[Solution], problem: Problem) -> Table:
    """One row per answer: its loss, how it differs from the first, its costs.

    Parameters
    ----------
    solutions
        Answers with assignments.
    problem
        The problem that all of them answer.
    """
    first = solutions[0]
    table = new_table()
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for header in ("loss", "above\nthe first", "layers\nchanged"):
        table.add_column(header, justify="right", no_wrap=True)
    costs = shown_totals(first.costs)
    for name in costs:
        header = "\n".join(filter(None, (cost_label(name, problem), problem.units.get(name))))
        table.add_column(plain(header), justify="right", no_wrap=True)
    for rank, solution in enumerate(solutions, 1):
        if solution.loss is None or first.loss is None:
            continue
        assert solution.choice is not None and first.choice is not None  # there is a loss
        table.add_row(
            str(rank),
            status_text(solution.status),
            number(solution.loss, 10),
            percentage(_above(solution.loss, first.loss)) if rank > 1 else "",
            str(distance(solution.choice, first.choice)) if rank > 1 else "",
            *(number(solution.costs[name]) for name in costs),
        )
    return table


def _above(loss: Number, first: Number) -> float | None:
    """How far a loss lies above the first, as a part of it."""
    return (loss - first) / abs(first) if first else None


def precisions_table(solutions: Sequence[Solution]) -> Table:
    """One row per layer in which the answers differ, one column per answer."""
    chosen = [s.configuration for s in solutions if s.configuration is not None]
    table = new_table()
    table.add_column("layer", overflow="fold")
    for rank in range(1, len(chosen) + 1):
        table.add_column(str(rank), no_wrap=True)
    for layer in chosen[0]:
        row = [str(configuration[layer]) for configuration in chosen]
        if len(set(row)) > 1:
            table.add_row(plain(layer), *map(plain, row))
    return table
