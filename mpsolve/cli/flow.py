"""``mpsolve flow``: from a network to a figure of accuracy against latency."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from mpsolve.cli.completions import complete_files
from mpsolve.cli.options import output_options, rules_options
from mpsolve.cli.output import print_json, print_report, write_error
from mpsolve.cli.profiling import graph_rules
from mpsolve.cli.status import INTERRUPTED, SOLVED
from mpsolve.cli.strengths import StrengthCommand, numbers, strength_option
from mpsolve.cli.training import device_option, folder_option, require_torch
from mpsolve.errors import InputError
from mpsolve.training.flow.settings import BUDGETS, SEARCHES, FlowSettings
from mpsolve.training.sensitivity.names import DEFAULT, NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.progress import Progress

    from mpsolve.training.flow.outcome import FlowResult
    from mpsolve.training.flow.summary import Section


@click.command(
    cls=StrengthCommand,
    epilog="""\b
Examples:
  mpsolve flow --network ds_cnn --data digits --target pulp8-xpulpnnv1-model -o out
  mpsolve flow --network ds_cnn --data digits --target pulp8-xpulpv2-model \\
      --target pulp8-xpulpnnv1-model --target pulp8-xpulpnnv2-model --seeds 0,1,2 -o out
  mpsolve flow --network mobilenet_v2:weights.pt --data imagefolder:/data/ILSVRC2012 \\
      --target pulp8-xpulpnnv1-model --searches bayesian-bits-locked -o out
  mpsolve flow --network net.py:make --data digits --target pulp8-xpulpnnv1-model \\
      --recipe tqt=mine.toml --set bayesian_bits:epochs=10 -o out
""",
)
@click.option(
    "--network",
    metavar="MODEL",
    required=True,
    shell_complete=complete_files,
    help="A model as mpsolve train takes it; with weights after a colon, it is not trained.",
)
@click.option("--data", metavar="DATA", required=True, help="As in mpsolve train.")
@click.option(
    "--target",
    "targets",
    metavar="TARGET",
    multiple=True,
    required=True,
    help="What the latencies are of, see mpsolve targets; repeat for several.",
)
@click.option(
    "--seeds",
    metavar="SEED[,SEED]...",
    default="0",
    show_default=True,
    help="Repeat everything with each of these.",
)
@click.option(
    "--searches",
    metavar="SEARCH[,SEARCH]...",
    default=",".join(SEARCHES),
    show_default=True,
    help="Which differentiable searches there are; none for none.",
)
@strength_option
@click.option(
    "--budgets",
    metavar="LATENCY[,LATENCY]...",
    default=",".join(BUDGETS),
    show_default=True,
    help="Latency targets, as mpsolve solve --budget latency=... takes them.",
)
@click.option(
    "--metric",
    "metrics",
    type=click.Choice(NAMES),
    multiple=True,
    default=(DEFAULT,),
    show_default=True,
    help="Sensitivities that the exact method minimises; repeat for several.",
)
@click.option(
    "--examples",
    type=click.IntRange(min=1),
    default=FlowSettings.examples,
    show_default=True,
    help="How many training examples they are measured on.",
)
@click.option(
    "--images",
    type=click.IntRange(min=1),
    default=FlowSettings.images,
    show_default=True,
    help="How many test images the integer networks are checked on, at most.",
)
@click.option(
    "--all-starts",
    is_flag=True,
    help="Let the greedy heuristics begin from every configuration, not from the nearest.",
)
@click.option(
    "--recipe",
    "recipes",
    metavar="ALGORITHM=NAME|FILE",
    multiple=True,
    help="How to train; ALGORITHM is full_precision, bayesian_bits, edmips or tqt.",
)
@click.option(
    "--set",
    "overrides",
    metavar="ALGORITHM:SETTING=VALUE",
    multiple=True,
    help="Change a setting of a recipe, such as tqt:epochs=3; repeat for others.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Pieces of work at once, each on one thread.  [default: one per processor, or one where "
    "a GPU computes]",
)
@device_option
@folder_option
@rules_options
@output_options
def flow(
    *,
    network: str,
    data: str,
    targets: tuple[str, ...],
    seeds: str,
    searches: str,
    strengths: tuple[str, ...],
    budgets: str,
    metrics: tuple[str, ...],
    examples: int,
    images: int,
    all_starts: bool,
    recipes: tuple[str, ...],
    overrides: tuple[str, ...],
    jobs: int | None,
    device: str,
    output: str,
    adder_bits: str,
    input_bits: str,
    as_json: bool,
    quiet: bool,
) -> int:
    """Train, search, solve, fine-tune and deploy a network, and compare all methods.

    The network is trained in full precision, searched with every strength, profiled on the target,
    and its sensitivities are measured. Free Bits and both greedy heuristics begin with what the
    searches found and with homogeneous precisions; the exact optimum of every latency target begins
    with the best of theirs. All configurations are fine-tuned, turned into integer networks and
    checked.

    The folder gets report.md with its figures, results.csv with one row per configuration, and the
    runs of training. Every step that is complete is kept: after Ctrl-C, or worse, the same command
    goes on and ends as if it had not been stopped.
    """
    require_torch()
    from mpsolve.training.flow.flow import run_flow
    from mpsolve.training.flow.report import write_report
    from mpsolve.training.flow.summary import integer_sentences, solver_sentences, summary

    settings = FlowSettings(
        network=network,
        data=data,
        targets=targets,
        seeds=_parsed("--seeds", seeds, int),
        searches=() if searches == "none" else _parsed("--searches", searches, str),
        strengths=numbers(strengths),
        budgets=_parsed("--budgets", budgets, str),
        metrics=metrics,
        examples=examples,
        images=images,
        starts="all" if all_starts else "nearest",
        recipes=recipes,
        overrides=overrides,
        rules=graph_rules(adder_bits, input_bits),
    )
    try:
        with flow_display(silent=quiet or as_json) as display:
            result = run_flow(settings, output, jobs=jobs, device=device, display=display)
    except KeyboardInterrupt:
        write_error(f"Interrupted; the same command goes on from {output}.")
        return INTERRUPTED
    report = write_report(result)
    if as_json:
        print_json(_plain(result, report))
    elif not quiet:
        parts: list[Any] = []
        for section in summary(result):
            remarks = Text(" ".join(section.remarks))
            parts += [Text(section.title), Text(), _rich(section), Text(), remarks, Text()]
        parts += map(Text, [*integer_sentences(result), *solver_sentences(result)])
        print_report(*parts, Text(), Text(f"{report} has the figures."))
    return SOLVED


def _parsed(option: str, text: str, kind: Callable[[str], Any]) -> tuple[Any, ...]:
    try:
        values = tuple(kind(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        values = ()
    if not values or any(kind is not str and value < 0 for value in values):
        raise InputError(f"{option} {text}: write numbers from 0 on, with commas between them.")
    return values


def _plain(result: FlowResult, report: Path) -> dict[str, Any]:
    return {
        "folder": str(result.folder),
        "report": str(report),
        "full_precision": {str(seed): dict(own) for seed, own in result.floats.items()},
        "rows": [row.to_json() for row in result.rows],
        "notes": list(result.notes),
    }


def _rich(section: Section) -> Table:
    table = Table(box=None, pad_edge=False, header_style="")
    for i, heading in enumerate(section.header):
        table.add_column(heading, justify="right" if i else "left")
    for row in section.rows:
        table.add_row(*row)
    return table


class FlowDisplay:
    """The present phase as a bar, and a line for every piece of work that runs."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bar = progress.add_task("", total=None)
        self._lines: dict[str, Any] = {}

    def phase(self, name: str, done: int, total: int) -> None:
        """So many of so many tasks are complete."""
        said = f"{name}, {done} of {total}"
        self._progress.update(self._bar, description=said, completed=done, total=total)

    def tell(self, task: str, part: float | None) -> None:
        """What part of a task is done; None when it ends."""
        if part is None:
            if task in self._lines:
                self._progress.remove_task(self._lines.pop(task))
            return
        if task not in self._lines:
            self._lines[task] = self._progress.add_task(f"  {task}", total=1.0)
        self._progress.update(self._lines[task], completed=part)


@contextmanager
def flow_display(*, silent: bool) -> Iterator[FlowDisplay | None]:
    """A display on standard error, if that is a terminal."""
    if silent or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield FlowDisplay(progress)
