"""HAQ's setting for microcontrollers: seven networks in 2 MB of ROM and 512 kB of RAM.

    python -m bench.haq_mcu [--limits authors decimal binary] [--rom BYTES --ram BYTES]
                            [--check highs] [--json] [--markdown FILE] [--plot FILE]

Every network of Table 2 of the paper is solved to proven optimality for two proxies of the
accuracy, beside the memory-driven rule and the paper's compression factors. The paper does not say
what it means by 2 MB and 512 kB: the first limits named are shown in full, others beside them.
"""

from __future__ import annotations

import argparse
import json
import sys
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from bench.haq_mcu import report
from bench.haq_mcu.plot import plot
from bench.haq_mcu.result import run
from bench.haq_mcu.setting import CASES, LIMITS, LOSSES, Limits
from mpsolve.bench.machine import description
from mpsolve.errors import MpsolveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.haq_mcu.result import Result

WIDTH = 180


def main(options: argparse.Namespace, command: str) -> int:
    """Solve, print and write; exit status 3 if a network has no assignment."""
    limits = [LIMITS[name] for name in options.limits]
    if options.rom or options.ram:
        usual = limits[0]
        limits = [Limits(options.rom or usual.rom, options.ram or usual.ram)]
    by_limits = [
        [run(case, loss, one, options.check) for case in CASES for loss in LOSSES] for one in limits
    ]
    first, others = by_limits[0], [result for results in by_limits[1:] for result in results]
    if options.plot:
        plot(first, options.plot)
    if options.markdown:
        picture = relpath(options.plot, options.markdown.parent) if options.plot else ""
        page = report.page(first, others, command, description(), picture)
        options.markdown.write_text(page, encoding="utf-8")
    if options.json:
        print(json.dumps([result.to_json() for result in (*first, *others)], indent=2))
    else:
        show(first, others)
    return 3 if any(result.optimum is None for result in first) else 0


def show(first: Sequence[Result], others: Sequence[Result]) -> None:
    """Print the tables."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    limits = first[0].limits
    title = f"{limits.rom:,} bytes of ROM, {limits.ram:,} bytes of RAM ({limits.origin})"
    console.print(report.rich_table(report.HEADERS, map(report.row, first), title))
    for note in report.NOTES:
        console.print(note)
    console.print(f"8 bits everywhere: {report.eight_bits(first)}.")
    for remark in report.remarks((*first, *others)):
        console.print(remark)
    if others:
        rows = report.other_rows(others, first)
        console.print(report.rich_table(report.OTHER_HEADERS, rows, "Other limits"))
    console.print(description())


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.haq_mcu", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--limits", nargs="+", choices=LIMITS, default=[*LIMITS])
    parser.add_argument("--rom", type=int, metavar="BYTES", help="instead of --limits")
    parser.add_argument("--ram", type=int, metavar="BYTES", help="instead of --limits")
    parser.add_argument("--check", default="", metavar="METHOD", help="a second exact method")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write a page")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="also draw the results")
    return parser.parse_args(words)


if __name__ == "__main__":
    try:
        sys.exit(main(arguments(), " ".join(["python -m bench.haq_mcu", *sys.argv[1:]])))
    except MpsolveError as error:
        sys.exit(f"Error: {error}")
