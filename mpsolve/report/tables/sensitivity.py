"""What the budgets of an answer mean, in a table and in one sentence for each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mpsolve.report.tables.text import cost_label, new_table, number, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from mpsolve.analysis.ranging import BudgetSensitivity, Sensitivity
    from mpsolve.model.precision import Precision

#: How many layers a sentence names.
SHOWN = 3


def sensitivity_table(sensitivity: Sensitivity) -> Table:
    """One row per budget: what a unit more is worth, and where the answer stays optimal."""
    problem = sensitivity.problem
    table = new_table()
    table.add_column("budget", overflow="fold")
    for header in ("limit", "loss per unit", "optimal from", "to below"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("then", overflow="fold")
    table.add_column("unit")
    for budget in sensitivity.budgets:
        table.add_row(
            plain(cost_label(budget.cost, problem)),
            number(budget.limit, 10),
            "" if budget.multiplier is None else number(budget.multiplier, 4),
            number(budget.lower, 10),
            number(budget.upper, 10),
            plain(changed(budget.larger.changes) if budget.larger else ""),
            plain(problem.units.get(budget.cost, "")),
        )
    return table


def sensitivity_sentences(sensitivity: Sensitivity) -> tuple[str, ...]:
    """One sentence per budget."""
    return tuple(_sentence(sensitivity, budget) for budget in sensitivity.budgets)


def changed(changes: Sequence[tuple[str, Precision, Precision]]) -> str:
    """Which layers go where; only the first few are named."""
    named = [f"{layer} goes {old} -> {new}" for layer, old, new in changes[:SHOWN]]
    more = len(changes) - SHOWN
    return ", ".join([*named, *([f"{more} more change"] if more > 0 else [])])


def _sentence(sensitivity: Sensitivity, budget: BudgetSensitivity) -> str:
    problem = sensitivity.problem
    unit = problem.units.get(budget.cost, "")
    spaced = f" {unit}" if unit else ""
    parts = []
    if budget.multiplier is not None and math.isfinite(budget.upper):
        one = f"1 {unit.removesuffix('s') if unit.endswith('cycles') else unit}".rstrip()
        parts.append(f"{one} more is worth {number(budget.multiplier, 4)} loss")
    stays = f"this assignment stays optimal from {number(budget.lower, 10)}"
    if math.isinf(budget.upper):
        parts.append(f"{stays}{spaced} on, since no larger limit allows less loss")
    elif not budget.complete and budget.larger is None:
        parts.append(f"{stays} to at least {number(budget.upper, 10)}{spaced}")
    else:
        parts.append(f"{stays} to {number(budget.upper, 10)}{spaced}")
    if larger := budget.larger:
        parts.append(f"at {number(larger.limit, 10)}{spaced} {changed(larger.changes)}")
    if smaller := budget.smaller:
        parts.append(f"below {number(budget.lower, 10)}{spaced} {changed(smaller.changes)}")
    elif budget.complete:
        parts.append("nothing costs less")
    return f"{cost_label(budget.cost, problem)}: {'; '.join(parts)}."
