"""``mpsolve verify``: what a configuration costs, and whether anything is better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from mpsolve.analysis import verify as verifications
from mpsolve.cli.answer import header, ram_json, ram_lines
from mpsolve.cli.completions import complete_files, complete_methods
from mpsolve.cli.methods import AUTO, check_exact
from mpsolve.cli.options import output_options, problem_options, time_limit_option
from mpsolve.cli.output import fitting, print_json, print_report, write_error
from mpsolve.cli.problem import pose
from mpsolve.cli.progress import progress_line
from mpsolve.cli.status import INFEASIBLE, SOLVED
from mpsolve.model.solution import Status, relative_gap
from mpsolve.report.tables import difference_table, percentage, spoken, verification_table

if TYPE_CHECKING:
    from mpsolve.analysis.verify import Verification
    from mpsolve.building.ram import RamBudget
    from mpsolve.model.configuration import Configuration


@click.command(
    epilog="""\b
Examples:
  mpsolve verify latencies.csv best.json --budget latency=0.7x
  mpsolve verify mobilenet_v2/pulp8-xpulpnnv2 4b/4b --budget latency=50%
  mpsolve solve latencies.csv --json | mpsolve verify latencies.csv -

Exit status: 0 if the configuration keeps every constraint, optimal or not; 3 if it breaks one;
2 bad input.
"""
)
@problem_options
@click.argument("configuration", shell_complete=complete_files)
@click.option(
    "--method",
    default=AUTO,
    show_default=True,
    shell_complete=complete_methods,
    help="The exact method that finds the optimum to compare with.",
)
@time_limit_option()
@output_options
def verify(
    table: str,
    configuration: str,
    *,
    method: str,
    time_limit: float | None,
    as_json: bool,
    quiet: bool,
    **posed_by: Any,
) -> int:
    """Evaluate a configuration and compare it with the optimum.

    TABLE is a file (CSV, JSON or Parquet), - for standard input, or the name of a bundled table
    (see mpsolve tables). CONFIGURATION is a JSON file, as mpsolve solve writes it, - for standard
    input, or one precision for all layers such as 8b/8b.
    """
    check_exact(method)
    posed = pose(table, **posed_by)
    given = posed.configuration(configuration, table)
    with progress_line("verifying", silent=quiet or as_json):
        verification = verifications.verify(
            posed.problem, given, method=method, time_limit=time_limit
        )
    if as_json:
        more = {"configuration": given.to_json()} | ram_json(posed.ram, given)
        print_json(verification.to_json() | more)
    elif quiet:
        for violation in verification.evaluation.violations:
            write_error(f"broken: {spoken(violation, posed.problem.provenance)}.")
    else:
        _print(verification, given, posed.ram)
    return SOLVED if verification.evaluation.feasible else INFEASIBLE


def _print(verification: Verification, given: Configuration, ram: RamBudget | None) -> None:
    problem, best = verification.problem, verification.best
    differences = difference_table(problem, given, best.configuration)
    violations = verification.evaluation.violations
    print_report(
        header(problem, ram),
        Text(),
        fitting(verification_table(verification), verification_table(verification, compact=True)),
        *ram_lines(ram, given),
        *((Text(), differences) if differences and not verification.optimal else ()),
        Text(),
        *(Text(f"broken: {spoken(v, problem.provenance)}.", "red") for v in violations),
        Text(_verdict(verification)),
        Text(best.conflict.message) if best.conflict else None,
    )


def _verdict(verification: Verification) -> str:
    if not verification.evaluation.feasible:
        return "The configuration breaks a constraint."
    kept = "The configuration keeps every constraint"
    if verification.optimal:
        return f"{kept} and is optimal: no other that keeps them has less loss."
    best, loss = verification.best, verification.evaluation.loss
    if verification.optimal is None or best.loss is None:
        gap = percentage(verification.gap) or "unknown"
        return f"{kept}; whether it is optimal was not settled (gap {gap})."
    better = "the optimum" if best.status is Status.OPTIMAL else "a known assignment"
    less = percentage(relative_gap(loss, best.loss))
    return f"{kept} and is not optimal: {better} has {less} less loss."
