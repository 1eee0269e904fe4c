"""A network on this CPU: measured layers, proven configurations, measured networks."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench import study
from bench.cpu_table import report
from bench.cpu_table.plot import plot
from bench.cpu_table.result import run
from mpsolve.bench.progress import progress
from mpsolve.cli.status import SOLVED
from mpsolve.profiles.targets.measured.cpu import CpuTarget


@click.command("cpu_table", cls=study.Study)
@click.option(
    "--network", default="mobilenet_v2", show_default=True, help="A name, or a file of layers."
)
@click.option(
    "--budgets",
    cls=study.Several,
    type=float,
    default=(0.9, 0.75, 0.6, 0.5),
    show_default=True,
    help="Parts of the latency that is predicted for float32.",
)
@click.option("--mixes", type=int, default=3, show_default=True, help="Random configurations.")
@click.option("--threads", type=int, default=1, show_default=True)
@click.option("--weights-mib", type=float, default=32.0, show_default=True)
@click.option("--passes", type=int, default=5, show_default=True)
@click.option("--rounds", type=int, default=8, show_default=True)
@click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep samples, and go on with them after an interruption.",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@study.results_options(plot=True)
def cpu_table(
    *,
    network: str,
    budgets: tuple[float, ...],
    mixes: int,
    threads: int,
    weights_mib: float,
    passes: int,
    rounds: int,
    store: Path | None,
    quiet: bool,
    wanted: study.Wanted,
) -> int:
    """Measure a network's layers on this CPU, solve it, and measure the answers.

    Layer types and conversions are measured through ONNX Runtime, the network is solved at several
    budgets relative to float32, and the answers are built and run as whole networks.
    """
    target = CpuTarget(threads, weights_mib, passes, rounds)
    silent = quiet or wanted.as_json or not sys.stderr.isatty()
    with progress(quiet=silent) as watch:
        result = run(network, budgets, target, mixes, store, watch)
    command = study.command_line()
    study.Findings(
        result.to_json(),
        [
            study.for_people(report.table(result), result.network),
            *report.sentences(result),
            f"{result.record}. {report.load(result)}",
        ],
        lambda _, picture: report.page(result, command, picture),
        lambda path: plot(result, path),
    ).deliver(wanted)
    return SOLVED


if __name__ == "__main__":
    study.run(cpu_table)
