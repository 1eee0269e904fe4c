"""``mpsolve bench``: run a sweep, report on it, list what there is, time the knapsack kernel."""

from __future__ import annotations

from pathlib import Path

import click

from mpsolve.bench.contender import CONTENDERS, contender_named
from mpsolve.bench.executors import BACKENDS, executor
from mpsolve.bench.instances import FAMILIES, TABLE, instance_named, instances, matching
from mpsolve.bench.levels import parse_levels
from mpsolve.bench.machine import description
from mpsolve.bench.progress import progress
from mpsolve.cli.output import print_json, print_report, write, write_error
from mpsolve.cli.status import INTERRUPTED, SOLVED
from mpsolve.errors import InputError

DEFAULT_FOLDER = "bench-results"
DEFAULT_FAMILIES = ("bundled/*", "published/*")
#: A bit of everything, in seconds.
SMOKE = (
    "bundled/mobilenet_v1_0.75/pulp8-xpulpnnv1",
    "hard/uncorrelated-100x10-R1e3",
    "layers/16x9",
    "layers/32x9",
    "candidates/64x2",
    "candidates/64x4",
)


@click.group()
def bench() -> None:
    """Measure every method, heuristic, general solver and peer on the same instances."""


@bench.command(
    epilog="""\b
Examples:
  mpsolve bench run
  mpsolve bench run 'cnn/*' 'llm/224*' --methods mckp,raw-highs,annealing -o results
  mpsolve bench run --table latencies.csv --budgets 2:98:4
  mpsolve bench run 'hard/*' --backend dask --scheduler tcp://10.0.0.1:8786 --jobs 64
  mpsolve bench run --smoke
"""
)
@click.argument("patterns", nargs=-1, metavar="[INSTANCE]...")
@click.option("--table", "tables", multiple=True, help="Also this table; repeat for others.")
@click.option("--methods", metavar="METHOD,...", help="Which methods.  [default: all installed]")
@click.option(
    "--budgets", default="10,30,50,70,90", show_default=True, help="Per cents of the range."
)
@click.option(
    "--fronts",
    metavar="LEVELS",
    help="Further budgets, for fast methods alone, to draw their fronts: 2:98:4.",
)
@click.option(
    "--seeds", type=click.IntRange(1), default=3, show_default=True, help="Of random methods."
)
@click.option(
    "--repeats", type=click.IntRange(1), default=3, show_default=True, help="Of the others."
)
@click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    default=10.0,
    show_default=True,
    help="Seconds for a run.",
)
@click.option(
    "--reference-limit",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds for each exact method that establishes an optimum.",
)
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Runs side by side."
)
@click.option("--backend", type=click.Choice(BACKENDS), default="loky", show_default=True)
@click.option("--scheduler", metavar="ADDRESS", help="Of a running Dask or Ray cluster.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_FOLDER,
    show_default=True,
)
@click.option("--smoke", is_flag=True, help="A bit of everything, in seconds.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar.")
def run(
    patterns: tuple[str, ...],
    *,
    tables: tuple[str, ...],
    methods: str | None,
    budgets: str,
    fronts: str | None,
    seeds: int,
    repeats: int,
    time_limit: float,
    reference_limit: float,
    jobs: int,
    backend: str,
    scheduler: str | None,
    output: Path,
    smoke: bool,
    quiet: bool,
) -> int:
    """Run a sweep; the same command again goes on where the last one ended.

    INSTANCE is a name or a pattern of mpsolve bench list; by default the bundled tables and the
    published ones, where they are present. Every row is on the disk as soon as it is known.
    """
    from mpsolve.bench.sweep import Results, Sweep, run_sweep

    if smoke:
        sweep = Sweep(SMOKE, (50.0,), _installed(None), time_limit=2.0, reference_limit=5.0)
    else:
        sweep = Sweep(
            _instances(patterns, tables),
            parse_levels(budgets),
            _installed(methods),
            tuple(range(seeds)),
            repeats,
            time_limit,
            reference_limit,
            parse_levels(fronts) if fronts else (),
        )
    results = Results(output)
    try:
        with executor(backend, jobs, scheduler) as execute, progress(quiet=quiet) as watch:
            run_sweep(sweep, results, execute, watch)
    except KeyboardInterrupt:
        write_error(f"Interrupted; {len(results.rows.rows())} rows are in {output}.")
        return INTERRUPTED
    write(f"{len(results.rows.rows())} rows are in {results.rows.file}.\n")
    return SOLVED


@bench.command()
@click.argument(
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=DEFAULT_FOLDER,
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write.  [default: FOLDER/report]",
)
def report(folder: Path, *, output: Path | None) -> int:
    """Write a page of tables and plots about the rows in FOLDER."""
    from mpsolve.bench.report import write_report

    page = write_report(folder, output or folder / "report")
    write(f"The report is {page}.\n")
    return SOLVED


@bench.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def list_(*, as_json: bool) -> int:
    """List the instances and the methods, with what is not installed."""
    names = [*instances()]
    if as_json:
        missing = {name: spec.missing for name, spec in CONTENDERS.items()}
        print_json({"instances": names, "methods": missing})
        return SOLVED
    for family, what in FAMILIES.items():
        write(f"{family}: {what}\n")
        for name in names:
            if name.startswith(f"{family}/"):
                write(f"  {name}\n")
    write("methods:\n")
    for name, spec in CONTENDERS.items():
        write(f"  {name:16} {spec.kind}{'; ' + spec.missing if spec.missing else ''}\n")
    return SOLVED


@bench.command()
@click.option("--repeats", type=click.IntRange(1), default=5, show_default=True)
@click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    default=10.0,
    show_default=True,
    help="Seconds for each general solver.",
)
@click.option("--sizes", metavar="SIZE,...", help="Such as 28x9,224x8.  [default: all]")
def kernel(*, repeats: int, time_limit: float, sizes: str | None) -> int:
    """Time the knapsack kernel against a read of the table and the fastest general solver."""
    from mpsolve.bench.kernel import kernel_table

    with progress() as watch:
        table = kernel_table(sizes.split(",") if sizes else None, repeats, time_limit, watch)
    print_report(table, description())
    return SOLVED


def _instances(patterns: tuple[str, ...], tables: tuple[str, ...]) -> tuple[str, ...]:
    named = tuple(f"{TABLE}{path}" for path in tables)
    for name in named:
        instance_named(name).build()  # a table that cannot be read is refused before anything runs
    if patterns:
        return (*matching(patterns), *named)
    if named:
        return named
    present = [p for p in DEFAULT_FAMILIES if any(n.startswith(p[:-1]) for n in instances())]
    return matching(present)


def _installed(methods: str | None) -> tuple[str, ...]:
    """The methods that can be run here; one that was asked for and cannot is an error."""
    if methods is None:
        for spec in CONTENDERS.values():
            if spec.missing:
                write_error(f"left out: {spec.missing}")
        return tuple(name for name, spec in CONTENDERS.items() if not spec.missing)
    specs = [contender_named(name.strip()) for name in methods.split(",")]
    for spec in specs:
        if spec.missing:
            raise InputError(spec.missing)
    return tuple(spec.name for spec in specs)
