"""``mpsolve candidates``: a handful of good configurations to fine-tune."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from mpsolve.alternatives.diverse import diverse
from mpsolve.alternatives.k_best import k_best
from mpsolve.cli.answer import budget_lines, header
from mpsolve.cli.completions import complete_files
from mpsolve.cli.front import parsed_part
from mpsolve.cli.methods import check_exact
from mpsolve.cli.options import (
    method_option,
    output_options,
    problem_options,
    threads_option,
    time_limit_option,
)
from mpsolve.cli.output import check_writable, print_json, print_report, write_error, write_file
from mpsolve.cli.problem import pose
from mpsolve.cli.progress import progress_line
from mpsolve.cli.status import EPILOG, SOLVED, error_status
from mpsolve.errors import InfeasibleError, InputError, NoSolutionError
from mpsolve.report.tables import candidates_table, precisions_table

if TYPE_CHECKING:
    from mpsolve.cli.problem import Posed
    from mpsolve.model.solution import Solution

#: Up to so many configurations are shown layer by layer.
SHOWN = 8


@click.command(
    epilog=f"""\b
Examples:
  mpsolve candidates latencies.csv --budget latency=0.7x --count 10
  mpsolve candidates latencies.csv --budget latency=0.7x --within 1%
  mpsolve candidates latencies.csv -b rom=2MB --min-distance 3 -o candidates.json

{EPILOG}
"""
)
@problem_options
@click.option(
    "--count",
    type=click.IntRange(min=1),
    metavar="K",
    default=5,
    show_default=True,
    help="How many configurations.",
)
@click.option(
    "--within",
    metavar="PART",
    help="Choose those that differ the most among all whose loss is within this part of the "
    "optimum, such as 1%, instead of the K of least loss.",
)
@click.option(
    "--min-distance",
    type=click.IntRange(min=1),
    metavar="LAYERS",
    help="Without --within: in how many layers each must differ from all before it.  [default: 1]",
)
@method_option("The exact method.")
@threads_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    shell_complete=complete_files,
    help="Write the answers to this file as a JSON list.",
)
@time_limit_option()
@output_options
def candidates(
    table: str,
    *,
    count: int,
    within: str | None,
    min_distance: int | None,
    method: str,
    threads: int,
    output: str | None,
    time_limit: float | None,
    as_json: bool,
    quiet: bool,
    **posed_by: Any,
) -> int:
    """Find several good configurations within the budgets.

    The loss is a proxy: a handful of configurations is worth fine-tuning. TABLE is a file (CSV,
    JSON or Parquet), - for standard input, or the name of a bundled table (see mpsolve tables).
    """
    check_exact(method)
    if within is not None and min_distance is not None:
        raise InputError("--within finds the largest distances itself; leave out --min-distance.")
    if output:
        check_writable(output)
    posed = pose(table, **posed_by)
    problem = posed.problem
    options: dict[str, Any] = {"method": method, "threads": threads, "time_limit": time_limit}
    with progress_line("candidates", silent=quiet or as_json):
        try:
            if within is not None:
                part = parsed_part("--within", within)
                found = diverse(problem, count, part, **options)
            else:
                found = k_best(problem, count, min_distance=min_distance or 1, **options)
        except (InfeasibleError, NoSolutionError) as error:
            write_error(str(error))
            return error_status(error)
    if output:
        write_file(output, [solution.to_json() for solution in found])
    if as_json:
        print_json([solution.to_json() for solution in found])
    elif not quiet:
        _print(posed, found, count)
    return SOLVED


def _print(posed: Posed, found: list[Solution], count: int) -> None:
    problem, ram = posed.problem, posed.ram
    stopped = [solution.limit for solution in found if solution.limit]
    notes = [Text(f"note: {note}") for note in found[-1].notes]
    few = f"Only {len(found)} of {count} were found" if len(found) < count else ""
    print_report(
        header(problem, ram),
        *budget_lines(problem, ram),
        Text(),
        candidates_table(found, problem),
        *((Text(), precisions_table(found)) if 1 < len(found) <= SHOWN else ()),
        Text() if few or stopped or notes else None,
        Text(f"Stopped: {stopped[0]}.") if stopped else None,
        Text(f"{few}; there are no more." if not stopped and not notes else f"{few}.")
        if few
        else None,
        *notes,
    )
