"""A small network fitted into a microcontroller by everything that can choose precisions."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench import study
from bench.mcu_digits.comparison import Comparison, Line
from bench.mcu_digits.setting import STRATEGIES, Limits
from mpsolve.bench.machine import description
from mpsolve.bench.report.page import Table
from mpsolve.cli.flow import flow_display
from mpsolve.cli.status import SOLVED
from mpsolve.training.flow.flow import default_jobs, only_one
from mpsolve.training.flow.pool import Pool
from mpsolve.training.flow.settings import FlowSettings
from mpsolve.training.folder import open_folder

if TYPE_CHECKING:
    from mpsolve.training.flow.fronts import Spread

HEADER = (
    "way",
    "test accuracy",
    "validation",
    "CPU seconds",
    "ROM [byte]",
    "RAM [byte]",
    "sensitivity vs optimum",
)


@click.command("mcu_digits", cls=study.Study)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where every step is kept; the same command goes on.",
)
@click.option("--network", default="ds_cnn_small", show_default=True)
@click.option("--data", default="digits", show_default=True)
@study.seeds_option(3)
@click.option("--rom", type=float, default=0.4, show_default=True)
@click.option("--ram", type=float, default=0.4, show_default=True)
@click.option("--episodes", type=int, nargs=2, default=(600, 300), show_default=True)
@click.option("--set", "overrides", multiple=True, metavar="RECIPE:KEY=VALUE")
@study.jobs_option
@click.option("--device", default="auto", show_default=True)
@study.markdown_option
def mcu_digits(
    *,
    output: Path,
    network: str,
    data: str,
    seeds: int,
    rom: float,
    ram: float,
    episodes: tuple[int, int],
    overrides: tuple[str, ...],
    jobs: int | None,
    device: str,
    markdown: Path | None,
) -> int:
    """Fit a small network into a microcontroller by everything that can choose precisions.

    The limits on ROM and RAM lie between the fewest bits (0) and eight bits everywhere (1). HAQ
    trains every configuration for an epoch before it is judged, in one search (concurrent) or in
    two (independent), as its authors do; a third agent asks the sensitivities that the exact method
    minimises. The memory-driven rule knows bytes alone; the greedy heuristic is Free Bits' decrease
    on bytes of ROM, after the rule has cut the activations; the exact method minimises a proxy, or
    sensitivities of four kinds. What each chooses is fine-tuned by the same recipe. Seconds are CPU
    seconds of one thread until the configuration is known, measured sensitivities included.
    """
    settings = FlowSettings(
        network, data, seeds=tuple(range(seeds)), searches=(), overrides=overrides
    )
    own = {"command": "mcu_digits", "rom": rom, "ram": ram, "episodes": [*episodes]}
    folder = open_folder(output, {**settings.to_json(), **own}).path
    with (
        flow_display(silent=False) as display,
        only_one(folder),
        Pool(jobs or default_jobs(device), display) as pool,
    ):
        by_strategy = dict(zip(STRATEGIES, episodes, strict=True))
        comparison = Comparison(settings, folder, pool, by_strategy)
        limits = Limits.between(comparison.network, rom, ram)
        lines = comparison.run(limits, device)
    said = (
        f"{network} on {data}, {limits.rom:,} byte of ROM and {limits.ram:,} byte of RAM, "
        f"seeds {', '.join(map(str, settings.seeds))}, {description()}."
    )
    table = Table(HEADER, tuple(map(cells, lines)))
    plain = [asdict(line) for line in lines]
    study.Findings.of(plain, said, table).deliver(study.Wanted(markdown=markdown))
    return SOLVED


def cells(line: Line) -> tuple[str, ...]:
    """What is said of a way."""
    return (
        line.way,
        _with(line.accuracy, 100, "%", 1),
        _with(line.validation_accuracy, 100, "%", 1),
        _with(line.seconds, 1, "", 2 if line.seconds.mean < 10 else 0),
        f"{line.rom.mean:,.0f}",
        f"{line.ram.mean:,.0f}",
        _with(line.loss, 1, "x", 2),
    )


def _with(spread: Spread, factor: float, unit: str, digits: int) -> str:
    text = f"{factor * spread.mean:,.{digits}f}{unit}"
    if spread.deviation is None:
        return text
    return f"{text} \u00b1 {factor * spread.deviation:,.{digits}f}"


if __name__ == "__main__":
    study.run(mcu_digits)
