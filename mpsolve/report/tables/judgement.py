"""A given configuration beside the best one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.model.solution import Status
from mpsolve.report.tables.text import (
    cost_label,
    new_table,
    number,
    optional,
    plain,
    shown_totals,
    used_part,
)

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from mpsolve.analysis.verify import Verification
    from mpsolve.model.configuration import Configuration
    from mpsolve.model.problem import Problem


def verification_table(verification: Verification, *, compact: bool = False) -> Table:
    """Loss and costs of a configuration beside the budgets and the best answer known.

    Parameters
    ----------
    verification
        The judgement on the configuration.
    compact
        Leave out the units.
    """
    problem, best = verification.problem, verification.best
    table = new_table()
    table.add_column("", overflow="fold")
    for header in ("given", "budget", "of budget"):
        table.add_column(header, justify="right", no_wrap=True)
    if best.loss is not None:
        header = "optimum" if best.status is Status.OPTIMAL else "best known"
        table.add_column(header, justify="right", no_wrap=True)
    if not compact:
        table.add_column("unit")

    def add_row(label: str, cells: list[Text | str], known: str, unit: str) -> None:
        cells = [*cells, *([known] if best.loss is not None else [])]
        table.add_row(plain(label), *cells, *([] if compact else [plain(unit)]))

    known = "" if best.loss is None else number(best.loss)
    add_row("loss", [number(verification.evaluation.loss), "", ""], known, "")
    for name, cost in shown_totals(verification.evaluation.costs).items():
        limit = problem.budgets.get(name)
        used = "" if limit is None else used_part(cost, limit)
        cells = [number(cost, 10), optional(limit), used]
        unit = problem.units.get(name, "")
        add_row(cost_label(name, problem), cells, optional(best.costs.get(name)), unit)
    return table


def difference_table(
    problem: Problem, given: Configuration, best: Configuration | None
) -> Table | None:
    """The layers to which two configurations give different precisions, or None."""
    changed = [layer for layer in given if best is not None and best[layer] != given[layer]]
    if best is None or not changed:
        return None
    table = new_table()
    table.add_column("layer", overflow="fold")
    table.add_column("given", no_wrap=True)
    table.add_column("best", no_wrap=True)
    for layer in changed:
        table.add_row(plain(layer), plain(str(given[layer])), plain(str(best[layer])))
    return table
