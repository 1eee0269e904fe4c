"""Several methods side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.report.tables.text import (
    cost_label,
    new_table,
    number,
    percentage,
    plain,
    status_text,
    used_part,
)

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from mpsolve.analysis.compare import Comparison, Entry


def comparison_table(comparison: Comparison, *, compact: bool = False) -> Table:
    """One row per method and start: status, loss, gap to the optimum, costs, seconds.

    Parameters
    ----------
    comparison
        The answers of the methods.
    compact
        Leave out the seconds.
    """
    problem = comparison.problem
    costs = list(problem.budgets) or [name for name in problem.costs if name == "latency"]
    table = new_table()
    table.add_column("method", no_wrap=True)
    table.add_column("start", overflow="fold")
    table.add_column("status", no_wrap=True)
    for header in ("loss", "gap"):
        table.add_column(header, justify="right", no_wrap=True)
    for name in costs:
        suffix = " of budget" if name in problem.budgets else ""
        header = f"{cost_label(name, problem)}{suffix}".replace(" (", "\n(").replace(" of", "\nof")
        table.add_column(plain(header), justify="right", no_wrap=True)
    if not compact:
        table.add_column("seconds", justify="right", no_wrap=True)
    for entry in comparison.entries:
        cells = _entry_cells(comparison, entry, costs)
        if not compact:
            cells.append(f"{entry.solution.seconds:.3f}" if entry.solution else "")
        table.add_row(plain(entry.method), plain(entry.start), *cells)
    return table


def _entry_cells(comparison: Comparison, entry: Entry, costs: list[str]) -> list[Text | str]:
    solution = entry.solution
    if solution is None:
        return ["not run", *[""] * (len(costs) + 2)]
    cells: list[Text | str] = [status_text(solution.status)]
    cells.append("" if solution.loss is None else number(solution.loss))
    cells.append(percentage(comparison.gap(entry)))
    for name in costs:
        cost, limit = solution.costs.get(name), solution.budgets.get(name)
        if cost is None:
            cells.append("")
        else:
            cells.append(number(cost) if limit is None else used_part(cost, limit))
    return cells
