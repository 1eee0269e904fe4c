"""``mpsolve front``: the best of two sums for every budget on one of them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from mpsolve.cli.answer import budget_lines, header
from mpsolve.cli.completions import complete_files
from mpsolve.cli.methods import check_exact
from mpsolve.cli.options import (
    method_option,
    output_options,
    problem_options,
    threads_option,
    time_limit_option,
)
from mpsolve.cli.output import (
    check_writable,
    print_json,
    print_report,
    write_error,
    write_file,
)
from mpsolve.cli.problem import pose
from mpsolve.cli.progress import progress_line
from mpsolve.cli.status import EPILOG, SOLVED, error_status
from mpsolve.errors import InfeasibleError, InputError, NoSolutionError
from mpsolve.fronts.pareto_front import pareto_front
from mpsolve.report.tables import front_table
from mpsolve.storage.atomic import write_text
from mpsolve.storage.optional import importing

if TYPE_CHECKING:
    from mpsolve.building.ram import RamBudget
    from mpsolve.fronts.front import Front

#: What -o can write.
SUFFIXES = (".csv", ".json", ".parquet")


@click.command(
    epilog=f"""\b
Examples:
  mpsolve front mobilenet_v1_0.75/pulp8-xpulpnnv1 --plot front.png
  mpsolve front latencies.csv -x rom --epsilon 1% -o front.csv
  mpsolve front latencies.csv -x latency -y rom
  mpsolve front latencies.csv --budget rom=2MB --epsilon 5% --checkpoint front.jsonl

{EPILOG}
"""
)
@problem_options
@click.option(
    "-x",
    "x",
    metavar="COST",
    default="latency",
    show_default=True,
    help="The cost along the x axis.",
)
@click.option(
    "-y",
    "y",
    metavar="COST",
    default="loss",
    show_default=True,
    help="What is minimised for every budget on x: the loss, or another cost.",
)
@click.option(
    "--epsilon",
    metavar="PART",
    default="0",
    show_default=True,
    help="Find fewer points that are within this part of the optimum for every budget, such as "
    "0.01 or 1%.",
)
@method_option(
    "The exact method; auto finds all points together where it can, and otherwise one by one."
)
@threads_option
@click.option(
    "--checkpoint",
    metavar="FILE",
    shell_complete=complete_files,
    help="Append every point to this file where points are found one by one; a run that was "
    "stopped goes on from it.",
)
@click.option(
    "--label-limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Partial sums that finding all points together may form.  [default: some seconds' worth]",
)
@click.option(
    "--points",
    type=click.IntRange(min=2),
    metavar="N",
    default=8,
    show_default=True,
    help="How many points to print.",
)
@click.option(
    "--plot",
    metavar="FILE",
    shell_complete=complete_files,
    help="Draw the front to this file (.png, .svg, .pdf).",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    shell_complete=complete_files,
    help=f"Write all points to this file ({', '.join(SUFFIXES)}).",
)
@time_limit_option()
@output_options
def front(
    table: str,
    *,
    x: str,
    y: str,
    epsilon: str,
    method: str,
    threads: int,
    checkpoint: str | None,
    label_limit: int | None,
    points: int,
    plot: str | None,
    output: str | None,
    time_limit: float | None,
    as_json: bool,
    quiet: bool,
    **posed_by: Any,
) -> int:
    """Find the least loss for every budget on a cost.

    TABLE is a file (CSV, JSON or Parquet), - for standard input, or the name of a bundled table
    (see mpsolve tables). Further budgets are kept by every point. mpsolve solve gives the
    configuration of any point: its x is the budget. Ctrl-C ends a long search with the points so
    far and what is proven.
    """
    part = parsed_part("--epsilon", epsilon)
    check_exact(method)
    for path in (plot, output, checkpoint):
        if path:
            check_writable(path)
    if output and Path(output).suffix not in SUFFIXES:
        raise InputError(f"-o {output}: the suffix must be one of {', '.join(SUFFIXES)}.")
    wanted = tuple(name for name in (x, y) if name != "loss")
    posed = pose(table, costs=wanted, **posed_by)
    problem = posed.problem
    with progress_line("front", silent=quiet or as_json) as line:

        def tell(done: float) -> None:
            if line:
                line.label = f"front {done:.0%}"

        try:
            found = pareto_front(
                problem,
                x,
                y,
                epsilon=part,
                method=method,
                time_limit=time_limit,
                label_limit=label_limit,
                threads=threads,
                checkpoint=checkpoint,
                progress=tell,
            )
        except (InfeasibleError, NoSolutionError) as error:
            write_error(str(error))
            return error_status(error)
    if plot:
        found.plot(plot)
    if output:
        _write(found, output)
    if as_json:
        print_json(found.to_json())
    elif not quiet:
        _print(found, points, posed.ram)
    return SOLVED


def parsed_part(option: str, text: str) -> float:
    """A part as people write it: ``0.01`` or ``1%``.

    Raises
    ------
    InputError
        If it is neither.
    """
    try:
        percent = text.strip().endswith("%")
        part = float(text.strip().removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        part = -1.0
    if not 0 <= part < float("inf"):
        raise InputError(f"{option} {text}: write a part of the optimum, such as 0.01 or 1%.")
    return part


def _print(found: Front, count: int, ram: RamBudget | None) -> None:
    print_report(
        header(found.problem, budgeted=False),
        *budget_lines(found.problem, ram),
        Text(),
        front_table(found, count),
        Text(),
        Text(f"{found.summary()}   {found.seconds:.3f} s"),
        *(Text(f"note: {note}") for note in found.notes),
    )


def _write(found: Front, output: str) -> None:
    suffix = Path(output).suffix
    if suffix == ".json":
        write_file(output, found.to_json())
    elif suffix == ".csv":
        columns = found.columns()
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*(c.tolist() for c in columns.values()), strict=True))
        write_text(output, text.getvalue())
    else:
        _write_parquet(found, output)


def _write_parquet(found: Front, output: str) -> None:
    with importing("pyarrow", "tables", "Writing Parquet"):
        import pyarrow as pa
        from pyarrow import parquet
    parquet.write_table(pa.table(found.columns()), output)
