"""``mpsolve solve``: the best configuration within the budgets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from mpsolve.analysis import ranging as post_optimality
from mpsolve.cli.answer import print_solution, ram_json
from mpsolve.cli.completions import complete_files, complete_methods
from mpsolve.cli.configurations import configuration_or_precision
from mpsolve.cli.methods import AUTO, check_method
from mpsolve.cli.noise import (
    confidence_option,
    deviation_option,
    errors_option,
    protect_option,
    protections,
    with_deviations,
)
from mpsolve.cli.options import output_options, problem_options, threads_option, time_limit_option
from mpsolve.cli.output import check_writable, print_json, write_error, write_file
from mpsolve.cli.problem import pose
from mpsolve.cli.progress import progress_line
from mpsolve.cli.status import EPILOG, SOLVED, exit_status
from mpsolve.errors import InputError
from mpsolve.heuristics.method import HEURISTICS
from mpsolve.model.solution import Status
from mpsolve.report.tables import sensitivity_sentences
from mpsolve.solving import solve as entrance
from mpsolve.uncertainty.solve_robust import solve_robust

if TYPE_CHECKING:
    from mpsolve.analysis.ranging import Sensitivity
    from mpsolve.model.solution import Solution
    from mpsolve.uncertainty.sets import Errors


@click.command(
    epilog=f"""\b
Examples:
  mpsolve solve mobilenet_v1_0.75/pulp8-xpulpnnv1 --budget latency=0.7x
  mpsolve solve mobilenet_v2 --target pulp8-xpulpnnv2-model --budget latency=0.7x --budget ram=512kB
  mpsolve solve latencies.csv --budget rom=512KiB --fix 'conv0=8b/8b' -o best.json
  mpsolve solve latencies.csv --budget latency=3.2e6 --json | jq .configuration
  mpsolve solve latencies.csv --budget latency=0.7x --sensitivity
  mpsolve solve latencies.csv --budget latency=0.7x --std latency=3% --confidence 95%
  mpsolve solve latencies.csv --budget latency=0.7x --protect latency=5%:3
  mpsolve solve latencies.csv --method free-bits --start 4b/4b
  cat latencies.csv | mpsolve solve - --minimize noise --budget latency=50%

{EPILOG}
"""
)
@problem_options
@click.option(
    "--method",
    default=AUTO,
    show_default=True,
    shell_complete=complete_methods,
    help="An exact method (mckp, lagrangian, milp, highs, cpsat) or a heuristic "
    f"({', '.join(HEURISTICS)}); auto takes the exact method that suits the problem.",
)
@click.option(
    "--start",
    metavar="FILE|PRECISION",
    shell_complete=complete_files,
    help="What a heuristic begins with.  [default: its own]",
)
@click.option("--strict", is_flag=True, help="free-bits: change only for strictly faster layers.")
@click.option(
    "--warm-start",
    metavar="FILE|PRECISION",
    shell_complete=complete_files,
    help="A configuration that an exact method begins with.",
)
@threads_option
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the methods that draw random numbers.",
)
@click.option(
    "--gap",
    type=float,
    default=0.0,
    show_default=True,
    help="Stop when the answer is proven to be within this part of the optimum, such as 0.01.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    shell_complete=complete_files,
    help="Write the configuration to this file as JSON.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["mpsolve", "quantlib"]),
    help="What -o writes: {layer: {b_in, b_wt}}, or quantlib's layer_precs.  [default: mpsolve]",
)
@click.option(
    "--sensitivity",
    is_flag=True,
    help="Say what each budget is worth, how far the answer stays optimal, and what comes next.",
)
@deviation_option
@confidence_option
@errors_option
@protect_option
@time_limit_option()
@output_options
def solve(
    table: str,
    *,
    method: str,
    start: str | None,
    strict: bool,
    warm_start: str | None,
    threads: int,
    seed: int,
    gap: float,
    output: str | None,
    form: str | None,
    sensitivity: bool,
    deviations: tuple[str, ...],
    confidence: tuple[str, ...],
    errors: Errors | None,
    protect: tuple[str, ...],
    time_limit: float | None,
    as_json: bool,
    quiet: bool,
    **posed_by: Any,
) -> int:
    """Find the configuration of least loss within the budgets.

    TABLE is a file (CSV, JSON or Parquet), - for standard input, or the name of a bundled table
    (see mpsolve tables); with --target it is a network, which is profiled first. Ctrl-C ends a long
    search with the best answer so far and its gap.
    """
    check_method(method)
    _check_options(method, strict, warm_start, output, form)
    robust = bool(confidence or protect)
    _check_meaning(method, sensitivity, robust, warm_start, gap)
    posed = pose(table, **posed_by)
    posed = replace(posed, problem=with_deviations(posed.problem, deviations))
    problem = posed.problem
    protected = protections(problem, confidence, errors, protect)
    if deviations and not confidence:
        raise InputError("--std states what --confidence protects from; give --confidence as well.")
    begin = configuration_or_precision(start, table, problem.precisions) if start else None
    warm = posed.configuration(warm_start, table) if warm_start else None
    search: dict[str, Any] = {"time_limit": time_limit, "threads": threads, "seed": seed}
    own: dict[str, Any] = {"start": begin, "strict": strict, "warm_start": warm, "gap": gap}
    with progress_line("solving", silent=quiet or as_json) as line:
        progress = line.update if line else None
        if robust:
            solution = solve_robust(problem, protected, method, progress=progress, **search)
        else:
            solution = entrance.solve(problem, method, progress=progress, **own, **search)
    status = exit_status(solution)
    if output and status == SOLVED:
        _write(solution, output, form)
    meaning = None
    if sensitivity and solution.status is Status.OPTIMAL:
        with progress_line("analysing", silent=quiet or as_json):
            meaning = post_optimality.sensitivity(problem, solution, method=method, **search)
    if as_json:
        more = {"sensitivity": meaning.to_json()} if meaning else {}
        print_json(solution.to_json() | ram_json(posed.ram, solution.configuration) | more)
    elif not quiet:
        print_solution(solution, posed, *(_meaning(meaning) if sensitivity else ()))
    if status != SOLVED:
        if quiet and not as_json:
            conflict = solution.conflict
            write_error(conflict.message if conflict else solution.status.meaning)
        if output:
            write_error(f"{output} was not written: there is no answer that keeps the constraints.")
    return status


def _check_options(
    method: str, strict: bool, warm_start: str | None, output: str | None, form: str | None
) -> None:
    """Refuse options that would be ignored, and files that cannot be written."""
    if strict and method != "free-bits":
        raise InputError("--strict is a rule of Free Bits; use it with --method free-bits.")
    if warm_start and method in HEURISTICS:
        raise InputError(f"{method} takes --start; --warm-start is for exact methods.")
    if form and not output:
        raise InputError("--format says what -o FILE writes; give -o as well.")
    if output:
        check_writable(output)


def _check_meaning(
    method: str, sensitivity: bool, robust: bool, warm_start: str | None, gap: float
) -> None:
    """Refuse what neither a sensitivity nor a protection can go with."""
    if not sensitivity and not robust:
        return
    what = "--sensitivity" if sensitivity else "A protection"
    if method in HEURISTICS:
        raise InputError(f"{what} needs an exact method, and {method} is a heuristic.")
    if gap:
        raise InputError(f"{what} needs the optimum; leave out --gap.")
    if robust and warm_start:
        raise InputError("--warm-start begins one search, and a protection takes several.")
    if robust and sensitivity:
        raise InputError("--sensitivity speaks of budgets without protection; give one of them.")


def _meaning(sensitivity: Sensitivity | None) -> tuple[Text, ...]:
    """The sentences on the budgets, or why there are none."""
    if sensitivity is None:
        return (Text("No optimum is proven, so there is no sensitivity to report."),)
    sentences = sensitivity_sentences(sensitivity)
    if not sentences:
        return (Text("No budget was given, so there is no sensitivity to report."),)
    worth = "What a unit is worth is the slope of the lower bound, not of the front."
    return (Text(), *map(Text, sentences), Text(worth))


def _write(solution: Solution, output: str, form: str | None) -> None:
    configuration = solution.configuration
    assert configuration is not None  # every solved problem has one
    quantlib = form == "quantlib"
    write_file(output, configuration.to_quantlib() if quantlib else configuration.to_json())
