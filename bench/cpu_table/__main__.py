"""A network on this CPU: measured layers, proven configurations, measured networks.

    python -m bench.cpu_table [--network NAME] [--budgets 0.9 0.75 0.6 0.5] [--threads N]
                              [--weights-mib N] [--passes N] [--rounds N] [--store FILE]
                              [--json] [--markdown FILE] [--plot FILE]

Layer types and conversions are measured through ONNX Runtime, the network is solved at several
budgets relative to float32, and the answers are built and run as whole networks. With --store, an
interrupted run goes on where it ended.
"""

from __future__ import annotations

import argparse
import json
import sys
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from bench.cpu_table import report
from bench.cpu_table.plot import plot
from bench.cpu_table.result import run
from mpsolve.errors import MpsolveError
from mpsolve.profiles.targets.measured.cpu import CpuTarget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.cpu_table.result import Result

WIDTH = 180


def main(options: argparse.Namespace, command: str) -> int:
    """Measure, solve, print and write."""
    target = CpuTarget(options.threads, options.weights_mib, options.passes, options.rounds)
    silent = options.quiet or options.json or not sys.stderr.isatty()
    tell = None if silent else _progress
    result = run(options.network, options.budgets, target, options.mixes, options.store, tell)
    if options.plot:
        plot(result, options.plot)
    if options.markdown:
        picture = relpath(options.plot, options.markdown.parent) if options.plot else ""
        options.markdown.write_text(report.page(result, command, picture), encoding="utf-8")
    if options.json:
        print(json.dumps(result.to_json(), indent=2))
    else:
        show(result)
    return 0


def show(result: Result) -> None:
    """Print the table and what it says."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    rows = report.table_rows(result)
    console.print(report.rich_table(report.HEADERS, rows, result.network))
    for text in (*report.NOTES, report.ratios(result), report.kept(result), report.slower(result)):
        if text:
            console.print(text)
    console.print(f"{result.record}. {report.load(result)}")


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.cpu_table", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--network", default="mobilenet_v2", help="a name, or a file of layers")
    parser.add_argument("--budgets", nargs="*", type=float, default=[0.9, 0.75, 0.6, 0.5])
    parser.add_argument("--mixes", type=int, default=3, help="random configurations")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--weights-mib", type=float, default=32.0)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--store", type=Path, metavar="FILE", help="keep samples, and go on")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write a page")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="also draw the results")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
    return parser.parse_args(words)


def _progress(what: str, done: int, total: int) -> None:
    end = "\n" if done == total else ""
    print(f"\r{what:<40} {done}/{total}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(arguments(), " ".join(["python -m bench.cpu_table", *sys.argv[1:]])))
    except MpsolveError as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
