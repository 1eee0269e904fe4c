"""A small network fitted into a microcontroller by everything that can choose precisions.

    python -m bench.mcu_digits -o FOLDER [--network ds_cnn_small] [--data digits] [--seeds 0 1 2]
        [--rom 0.4] [--ram 0.4] [--episodes 600 300] [--jobs N] [--markdown FILE]

The limits on ROM and RAM lie between the fewest bits (0) and eight bits everywhere (1). HAQ trains
every configuration for an epoch before it is judged, in one search (concurrent) or in two
(independent), as its authors do; a third agent asks the sensitivities that the exact method
minimises. The memory-driven rule knows bytes alone; the greedy heuristic is Free Bits' decrease on
bytes of ROM, after the rule has cut the activations; the exact method minimises a proxy, or
sensitivities of four kinds. What each chooses is fine-tuned by the same recipe. Seconds are CPU
seconds of one thread until the configuration is known, measured sensitivities included. Every step
is kept in the folder, and the same command goes on.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bench.mcu_digits.comparison import Comparison, Line
from bench.mcu_digits.setting import STRATEGIES, Limits
from mpsolve.bench.machine import description
from mpsolve.cli.flow import flow_display
from mpsolve.errors import MpsolveError
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


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(prog="bench.mcu_digits", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--network", default="ds_cnn_small")
    parser.add_argument("--data", default="digits")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rom", type=float, default=0.4)
    parser.add_argument("--ram", type=float, default=0.4)
    parser.add_argument("--episodes", type=int, nargs=2, default=[600, 300])
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--markdown", type=Path)
    asked = parser.parse_args(arguments)
    settings = FlowSettings(
        asked.network,
        asked.data,
        seeds=tuple(asked.seeds),
        searches=(),
        overrides=tuple(asked.overrides),
    )
    own = {"command": "mcu_digits", "rom": asked.rom, "ram": asked.ram, "episodes": asked.episodes}
    folder = open_folder(asked.output, {**settings.to_json(), **own}).path
    jobs = asked.jobs or default_jobs(asked.device)
    with flow_display(silent=False) as display, only_one(folder), Pool(jobs, display) as pool:
        episodes = dict(zip(STRATEGIES, asked.episodes, strict=True))
        comparison = Comparison(settings, folder, pool, episodes)
        limits = Limits.between(comparison.network, asked.rom, asked.ram)
        lines = comparison.run(limits, asked.device)
    rows = [cells(line) for line in lines]
    said = (
        f"{asked.network} on {asked.data}, {limits.rom:,} byte of ROM and {limits.ram:,} byte of "
        f"RAM, seeds {', '.join(map(str, asked.seeds))}, {description()}"
    )
    table = Table(*HEADER, box=None)
    for row in rows:
        table.add_row(*row)
    console = Console(width=160)
    console.print(said)
    console.print(table)
    if asked.markdown:
        rules = ["---", *["---:"] * (len(HEADER) - 1)]
        written = "\n".join(f"| {' | '.join(row)} |" for row in (HEADER, rules, *rows))
        asked.markdown.write_text(f"{said}.\n\n{written}\n", encoding="utf-8")
    return 0


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
    try:
        sys.exit(main())
    except MpsolveError as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        sys.exit("Interrupted; the same command goes on.")
