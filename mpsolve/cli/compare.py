"""``mpsolve compare``: every method on one problem, measured against the optimum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from mpsolve.analysis import compare as comparisons
from mpsolve.analysis.compare import Comparison
from mpsolve.cli.answer import budget_lines, header
from mpsolve.cli.completions import complete_files, complete_methods
from mpsolve.cli.configurations import configuration_or_precision
from mpsolve.cli.methods import ALL, checked_methods
from mpsolve.cli.options import output_options, problem_options, threads_option, time_limit_option
from mpsolve.cli.output import fitting, print_json, print_report, write_error
from mpsolve.cli.problem import pose
from mpsolve.cli.progress import progress_line
from mpsolve.cli.status import EPILOG, best_status
from mpsolve.model.solution import Status
from mpsolve.report.tables import comparison_table

if TYPE_CHECKING:
    from mpsolve.analysis.compare import Entry
    from mpsolve.building.ram import RamBudget
    from mpsolve.model.problem import Problem


@click.command(
    epilog=f"""\b
Examples:
  mpsolve compare mobilenet_v1_0.75/pulp8-xpulpnnv1 --budget latency=0.7x
  mpsolve compare latencies.csv --budget latency=50% --methods mckp,free-bits
  mpsolve compare latencies.csv -b latency=3.2e6 --start 4b/4b --start mine.json

{EPILOG} compare exits with 0 if any method answered.
"""
)
@problem_options
@click.option(
    "--methods",
    metavar="METHOD,...",
    shell_complete=complete_methods,
    help=f"Which methods, separated by commas.  [default: {', '.join(ALL)}]",
)
@click.option(
    "--start",
    "starts",
    metavar="FILE|PRECISION",
    multiple=True,
    shell_complete=complete_files,
    help="What the heuristics begin with; repeat for others.  [default: their own]",
)
@click.option(
    "--warm-start",
    metavar="FILE|PRECISION",
    shell_complete=complete_files,
    help="A configuration that the exact methods begin with.",
)
@threads_option
@time_limit_option(comparisons.TIME_LIMIT)
@output_options
def compare(
    table: str,
    *,
    methods: str | None,
    starts: tuple[str, ...],
    warm_start: str | None,
    threads: int,
    time_limit: float | None,
    as_json: bool,
    quiet: bool,
    **posed_by: Any,
) -> int:
    """Measure several methods against the proven optimum.

    TABLE is a file (CSV, JSON or Parquet), - for standard input, or the name of a bundled table
    (see mpsolve tables). A gap is (loss - optimum) / |optimum|; an answer that breaks a budget
    has none.
    """
    names = checked_methods(methods)
    posed = pose(table, **posed_by)
    problem = posed.problem
    options: dict[str, Any] = {
        "starts": [configuration_or_precision(s, table, problem.precisions) for s in starts],
        "start_names": starts,
        "warm_start": posed.configuration(warm_start, table) if warm_start else None,
        "time_limit": time_limit,
        "threads": threads,
    }
    comparison = _run(problem, names, options, silent=quiet or as_json)
    if as_json:
        print_json(comparison.to_json())
    elif not quiet:
        _print(comparison, posed.ram)
    excuses = [entry.excuse for entry in comparison.entries if entry.solution is None]
    if len(excuses) == len(comparison.entries):
        write_error(f"Error: No method could be run. {excuses[0]}")
    return best_status(e.solution for e in comparison.entries if e.solution)


def _run(
    problem: Problem, names: tuple[str, ...], options: dict[str, Any], *, silent: bool
) -> Comparison:
    """One comparison per method, so that the progress line can name it, put together."""
    entries: list[Entry] = []
    with progress_line("", silent=silent) as line:
        for position, name in enumerate(names, 1):
            if line:
                line.label = f"{name} ({position} of {len(names)})"
            entries += comparisons.compare(problem, [name], **options).entries
    return Comparison(problem, tuple(entries))


def _print(comparison: Comparison, ram: RamBudget | None) -> None:
    problem, optimum = comparison.problem, comparison.optimum
    excuses = {e.method: e.excuse for e in comparison.entries if e.solution is None}
    conflicts = [e.solution.conflict for e in comparison.entries if e.solution]
    conflict = next((c for c in conflicts if c), None)
    failed = any(e.solution and e.solution.status is Status.FAILED for e in comparison.entries)
    print_report(
        header(problem, ram),
        *budget_lines(problem, ram),
        Text(),
        fitting(comparison_table(comparison), comparison_table(comparison, compact=True)),
        Text(),
        Text(conflict.message) if conflict else None,
        Text("failed: the heuristic ended above a budget.") if failed else None,
        Text("No optimum is proven, so there are no gaps.") if optimum is None else None,
        *(Text(f"{method} was not run: {excuse}") for method, excuse in excuses.items()),
    )
