"""``mpsolve stability``: what becomes of the answer when the table is drawn again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from mpsolve.cli.answer import header, print_solution
from mpsolve.cli.completions import complete_methods
from mpsolve.cli.methods import AUTO, check_exact
from mpsolve.cli.noise import deviation_option, with_deviations
from mpsolve.cli.options import output_options, problem_options, threads_option, time_limit_option
from mpsolve.cli.output import print_json, print_report
from mpsolve.cli.problem import pose
from mpsolve.cli.progress import progress_line
from mpsolve.cli.status import EPILOG, SOLVED, exit_status
from mpsolve.errors import InputError
from mpsolve.report.tables import spoken, stability_sentences, stability_table
from mpsolve.solving.solve import solve
from mpsolve.uncertainty import stability as resampling
from mpsolve.uncertainty.sampling import NOISES

if TYPE_CHECKING:
    from mpsolve.uncertainty.sampling import Noise


@click.command(
    epilog=f"""\b
Examples:
  mpsolve stability latencies.csv --budget latency=0.7x
  mpsolve stability mobilenet_v1_0.75/pulp8-xpulpnnv1 -b latency=0.7x --std latency=3%
  mpsolve stability latencies.csv -b latency=50% --std loss=10% --noise log-normal --json

{EPILOG}
"""
)
@problem_options
@deviation_option
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="How many times the table is drawn.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--noise",
    type=click.Choice(list(NOISES)),
    default=NOISES[0],
    show_default=True,
    help="Every number has a normal error of its own, a log-normal one, or all share one.",
)
@click.option(
    "--method",
    default=AUTO,
    show_default=True,
    shell_complete=complete_methods,
    help="The exact method that solves the samples.",
)
@threads_option
@time_limit_option()
@output_options
def stability(
    table: str,
    *,
    deviations: tuple[str, ...],
    samples: int,
    seed: int,
    noise: Noise,
    method: str,
    threads: int,
    time_limit: float | None,
    as_json: bool,
    quiet: bool,
    **posed_by: Any,
) -> int:
    """Say how often each precision is optimal when the table is noisy.

    TABLE is a file (CSV, JSON or Parquet), - for standard input, or the name of a bundled table
    (see mpsolve tables). The standard deviations are its columns latency_std, sensitivity_std and
    so on, or those of --std. Ctrl-C reports the samples done so far.
    """
    check_exact(method)
    posed = pose(table, **posed_by)
    posed = replace(posed, problem=with_deviations(posed.problem, deviations))
    problem = posed.problem
    if not problem.deviations:
        raise InputError(
            f"{problem.source} states no standard deviations; add columns such as latency_std, or "
            "give --std latency=3%."
        )
    with progress_line("solving", silent=quiet or as_json) as line:
        solution = solve(problem, method, time_limit=time_limit, threads=threads, seed=seed)
        status = exit_status(solution)
        if status == SOLVED:

            def tell(done: int, asked: int) -> None:
                if line:
                    line.label = f"sample {done} of {asked}"

            result = resampling.stability(
                problem,
                samples,
                seed,
                method,
                solution=solution,
                noise=noise,
                time_limit=time_limit,
                threads=threads,
                progress=tell,
            )
    if status != SOLVED:
        if as_json:
            print_json(solution.to_json())
        else:
            print_solution(solution, posed)
        return status
    if as_json:
        print_json(result.to_json())
    elif not quiet:
        print_report(
            header(problem),
            Text(),
            stability_table(result),
            Text(),
            *(Text(spoken(s, problem.provenance)) for s in stability_sentences(result)),
        )
    return SOLVED
