"""One answer: its layers, and its costs beside their budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.building.homogeneous import homogeneous_choice
from mpsolve.report.tables.text import (
    column,
    cost_label,
    labelled,
    new_table,
    number,
    plain,
    shown_totals,
    used_part,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from mpsolve.model.configuration import Configuration
    from mpsolve.model.problem import Problem
    from mpsolve.model.provenance import Provenance
    from mpsolve.model.solution import Solution
    from mpsolve.typing import IntArray, Number, NumberArray


def solution_table(
    solution: Solution,
    problem: Problem | None = None,
    *,
    reference: Configuration | str | None = None,
    compact: bool = False,
) -> Table:
    """One row per layer of an answer.

    Parameters
    ----------
    solution
        The answer.
    problem
        The problem that was solved; with it, the table says what every layer costs.
    reference
        A configuration, or the text of a homogeneous one, to compare the latencies with.
    compact
        Leave out the comparison and the losses.
    """
    table = new_table()
    table.add_column("layer", overflow="fold")
    table.add_column("precision", no_wrap=True)
    if solution.configuration is None:
        return table
    columns: list[list[str]] = []
    if problem is not None and solution.choice is not None:
        flat = problem.offsets[:-1] + solution.choice
        before = None if compact else _reference_rows(problem, reference)
        for name in _shown_costs(problem):
            header = "\n".join(filter(None, (cost_label(name, problem), problem.units.get(name))))
            table.add_column(plain(header), justify="right", no_wrap=True)
            columns.append(column(problem.costs[name][flat].tolist()))
            if before is not None:
                table.add_column(plain(_versus(reference)), justify="right", no_wrap=True)
                columns.append(_changes(problem.costs[name], flat, before))
        if not compact:
            table.add_column("loss", justify="right", no_wrap=True)
            columns.append(column(problem.loss[flat].tolist()))
    for i, (layer, precision) in enumerate(solution.configuration.items()):
        cells = [layer, str(precision), *(texts[i] for texts in columns)]
        table.add_row(*map(plain, cells))
    return table


def cost_table(
    costs: Mapping[str, Number],
    budgets: Mapping[str, Number],
    units: Mapping[str, str],
    provenance: Provenance,
) -> Table:
    """Total costs beside their budgets.

    Parameters
    ----------
    costs, budgets, units
        Cost name -> total, upper limit and unit.
    provenance
        Where the latencies come from.
    """
    table = new_table()
    table.add_column("total", overflow="fold")
    for name in ("used", "budget", "of budget"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("unit")
    for name, cost in shown_totals(costs).items():
        limit = budgets.get(name)
        table.add_row(
            plain(labelled(name, provenance)),
            number(cost, 10),
            "" if limit is None else number(limit, 10),
            "" if limit is None else used_part(cost, limit),
            plain(units.get(name, "")),
        )
    return table


def _shown_costs(problem: Problem) -> list[str]:
    return [name for name in problem.costs if name == "latency" or name in problem.budgets]


def _reference_rows(problem: Problem, reference: Configuration | str | None) -> IntArray | None:
    """The candidates of the reference among all, or None without one."""
    if reference is None:
        return None
    if isinstance(reference, str):
        choice = homogeneous_choice(problem, reference)[0]
    else:
        choice = problem.choice(reference)
    return problem.offsets[:-1] + choice


def _versus(reference: Configuration | str | None) -> str:
    return f"vs {reference}" if isinstance(reference, str) else "vs reference"


def _changes(cost: NumberArray, flat: IntArray, before: IntArray) -> list[str]:
    changes = []
    for now, then, same in zip(cost[flat], cost[before], flat == before, strict=True):
        if same:
            changes.append("same")
        else:
            changes.append(f"{now / then - 1:+.1%}" if then else "")
    return changes
