"""The Lagrangian method beside every general solver, on problems with many constraints.

    python -m bench.rich [--seeds 10] [--nodes 53 224] [--time-limit 30] [--json FILE]

Problems: MobileNetV2 (53 nodes) and the same network with more blocks (224 nodes), with drawn
losses and latencies, budgets on latency and ROM, a RAM limit at every node and a tie for every
residual; loose, tight, with tight RAM, and with conversions between neighbours (see
`bench.rich_instances`). Every method solves
the same problem in turn; a call that starts the solvers' processes is not counted, and no method
sees what was prepared for another. Times are wall times of `mpsolve.solve`, and for the general
solvers contain the way to their process. A method that does not finish counts with the limit.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bench.rich_instances import TIGHTNESS, rich_problem
from mpsolve import MissingDependencyError, Status, solve
from mpsolve.bench.reference import AGREEMENT

if TYPE_CHECKING:
    from mpsolve import Problem

OURS = "lagrangian"
PEERS = ("highs", "milp", "milp:highs", "cpsat")
#: Nodes -> blocks beside those of MobileNetV2.
MORE_BLOCKS = {53: 0, 224: 57}


@dataclass(frozen=True)
class Result:
    """Every method on one problem.

    Attributes
    ----------
    nodes, tightness, seed
        The problem.
    milliseconds
        Method -> wall time.
    unfinished
        The methods that did not prove an optimum within the limit.
    wrong
        The methods that called another loss than the least one optimal.
    """

    nodes: int
    tightness: str
    seed: int
    milliseconds: dict[str, float]
    unfinished: tuple[str, ...]
    wrong: tuple[str, ...]

    def ratio(self) -> float:
        """How many times longer than ours the fastest peer takes."""
        peers = [t for method, t in self.milliseconds.items() if method != OURS]
        return min(peers) / self.milliseconds[OURS]


def installed(methods: tuple[str, ...], problem: Problem) -> list[str]:
    """The methods that can be run here, started once."""
    usable = []
    for method in methods:
        try:
            solve(problem, method)
        except MissingDependencyError as error:
            print(f"left out: {error}", file=sys.stderr)
        else:
            usable.append(method)
    return usable


def measure(nodes: int, tightness: str, seed: int, methods: list[str], time_limit: float) -> Result:
    """Solve one problem with every method."""
    problem = rich_problem(seed, TIGHTNESS[tightness], more_blocks=MORE_BLOCKS[nodes])
    milliseconds: dict[str, float] = {}
    losses: dict[str, float] = {}
    for method in methods:
        fresh: Problem = problem.replace()
        solution = solve(fresh, method, time_limit=time_limit)
        milliseconds[method] = 1e3 * solution.seconds
        if solution.status is Status.OPTIMAL and solution.loss is not None:
            losses[method] = solution.loss
    best = min(losses.values(), default=0.0)
    return Result(
        nodes,
        tightness,
        seed,
        milliseconds,
        tuple(m for m in methods if m not in losses),
        tuple(m for m, loss in losses.items() if loss - best > AGREEMENT * abs(best)),
    )


def show(results: list[Result], methods: list[str]) -> None:
    """Print the medians over the seeds, and how ours compare with the fastest peer of each."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    table = Table(title="Median milliseconds to the proven optimum", title_justify="left")
    for header in ("nodes", "limits", *methods, "most of ours", "fastest peer / ours", "slower on"):
        table.add_column(header, justify="left" if header == "limits" else "right")
    for nodes, tightness in dict.fromkeys((r.nodes, r.tightness) for r in results):
        rows = [r for r in results if (r.nodes, r.tightness) == (nodes, tightness)]
        ratios = [row.ratio() for row in rows]
        table.add_row(
            str(nodes),
            tightness,
            *(_cell(rows, method) for method in methods),
            f"{max(row.milliseconds[OURS] for row in rows):.0f}",
            f"{statistics.median(ratios):.1f}x, from {min(ratios):.1f}x",
            f"{sum(ratio < 1 for ratio in ratios)} of {len(rows)}",
        )
    console.print(table)
    wrong = sum(len(row.wrong) for row in results)
    unfinished = sum(len(row.unfinished) for row in results)
    console.print(
        f"{len(results)} problems: {wrong} wrong answers, {unfinished} unfinished; "
        f"Python {platform.python_version()}, {platform.machine()}."
    )


def _cell(rows: list[Result], method: str) -> str:
    """The median of a method, marked where it did not finish or was wrong."""
    median = statistics.median(row.milliseconds[method] for row in rows)
    late = sum(method in row.unfinished for row in rows)
    wrong = sum(method in row.wrong for row in rows)
    return f"{median:.0f}" + f" ({late} late)" * bool(late) + f" ({wrong} wrong)" * bool(wrong)


def main(seeds: int, nodes: list[int], time_limit: float, json_file: Path | None) -> int:
    """Run the benchmark; exit status 1 if any method answered wrongly."""
    methods = installed((OURS, *PEERS), rich_problem(0, TIGHTNESS["loose"]))
    if len(methods) < 2:
        raise SystemExit("No general solver is installed: pip install 'mpsolve[solvers]'.")
    results = [
        measure(size, tightness, seed, methods, time_limit)
        for size in nodes
        for tightness in TIGHTNESS
        for seed in range(seeds)
    ]
    show(results, methods)
    if json_file:
        json_file.write_text(json.dumps([vars(r) for r in results], indent=2), encoding="utf-8")
    return int(any(result.wrong for result in results))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--nodes", type=int, nargs="+", choices=MORE_BLOCKS, default=[*MORE_BLOCKS])
    parser.add_argument("--time-limit", type=float, default=30.0, help="seconds for every solve")
    parser.add_argument("--json", dest="json_file", type=Path, help="also write the results here")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(**vars(arguments())))
