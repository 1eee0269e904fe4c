"""What ``mpsolve mcu`` prints and writes."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from rich.text import Text

from mpsolve.cli.output import print_report
from mpsolve.model.solution import Status
from mpsolve.report.tables import (
    fit_table,
    front_table,
    number,
    rule_text,
    solution_table,
    status_text,
    surface_table,
)
from mpsolve.storage.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpsolve.fronts.front import Front
    from mpsolve.mcu import Fit, Surface

#: How many points of a front are printed.
POINTS = 8


def print_fits(found: Sequence[Fit], where: str) -> None:
    """One network in full, several as a table."""
    if len(found) == 1:
        _print_one(found[0], where)
        return
    fitting = [fit for fit in found if fit.fits]
    seconds = sum(fit.seconds for fit in found)
    print_report(
        Text(f"{where}: {len(fitting)} of {len(found)} networks fit"),
        Text(f"minimises {found[0].problem.loss_name}"),
        Text(),
        fit_table(found),
        Text(),
        Text(
            "loss: comparable within one network alone. rule: the loss of the memory-driven rule."
        ),
        Text("ROM, RAM: of the best configuration; where none fits, of the fewest bits."),
        *(Text(fit.obstacle) for fit in ([] if fitting else found)),
        Text(f"{seconds:.3f} s"),
    )


def _print_one(fit: Fit, where: str) -> None:
    solution, used = fit.solution, fit.usage
    head = (
        Text(f"{fit.network.name} on {where}"),
        Text(f"{len(fit.problem.layers)} layers, minimises {fit.problem.loss_name}"),
    )
    if used is None:
        print_report(*head, Text(), Text(fit.obstacle), Text(f"{fit.seconds:.3f} s"))
        return
    assert solution.loss is not None  # what fits was evaluated
    rule = f"{rule_text(fit)} of loss" if fit.gap_of_rule is not None else rule_text(fit)
    facts = [f"loss {number(solution.loss, 10)}", f"{fit.seconds:.3f} s"]
    if solution.status is Status.FEASIBLE and solution.bound is not None:
        facts.insert(1, f"bound {number(solution.bound, 10)}")
    print_report(
        *head,
        Text(f"method {solution.method}"),
        Text(),
        solution_table(solution, fit.problem),
        Text(),
        Text(f"ROM: {used.rom:,}{_of(fit.rom)} byte for weights and tables"),
        Text(f"RAM: {used.ram:,}{_of(fit.ram)} byte at {used.node} ({', '.join(used.tensors)})"),
        Text(
            f"mean bits: {used.weight_bits:.2f} per weight, {used.activation_bits:.2f} per "
            "activation"
        ),
        *([] if solution is fit.rule else [Text(f"memory-driven rule: {rule}")]),
        Text(),
        Text.assemble(status_text(solution.status), f": {solution.status.meaning}"),
        Text("   ".join(facts)),
    )


def _of(limit: int | None) -> str:
    return "" if limit is None else f" of {limit:,}"


def print_front(found: Front, ram: int | None) -> None:
    """Some points of a front of ROM and loss."""
    kept = "" if ram is None else f", RAM <= {ram:,} byte at every node"
    print_report(
        Text(f"{found.source}: least {found.y_name} for every ROM{kept}"),
        Text(),
        front_table(found, POINTS),
        Text(),
        Text(f"{found.summary()}   {found.seconds:.3f} s"),
        *(Text(f"note: {note}") for note in found.notes),
    )


def print_surface(found: Surface) -> None:
    """The losses of all pairs of limits."""
    pairs = found.loss.size
    print_report(
        Text(f"{found.network.name}: least {found.loss_name} for {pairs} pairs of ROM and RAM"),
        Text(),
        surface_table(found),
        Text(),
        Text(f"-: nothing fits. Exact, by {found.solved} searches   {found.seconds:.3f} s"),
    )


def write_csv(output: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows of one kind."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(output, text.getvalue())
