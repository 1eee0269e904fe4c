"""The Lagrangian method beside every general solver, on problems with many constraints."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from bench import study
from bench.rich_instances import MORE_BLOCKS, TIGHTNESS, rich_problem
from mpsolve import InputError, MissingDependencyError, Status, solve
from mpsolve.bench.machine import description
from mpsolve.bench.reference import AGREEMENT
from mpsolve.bench.report.page import Table
from mpsolve.cli.output import write_error
from mpsolve.cli.status import SOLVED

if TYPE_CHECKING:
    from mpsolve import Problem

OURS = "lagrangian"
PEERS = ("highs", "milp", "milp:highs", "cpsat")
#: The exit status where a method is wrong.
WRONG = 1


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
            write_error(f"left out: {error}")
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


def table(results: list[Result], methods: list[str]) -> Table:
    """The medians over the seeds, and how ours compare with the fastest peer of each."""
    header = ("nodes", "limits", *methods, "most of ours", "fastest peer / ours", "slower on")
    lines = []
    for nodes, tightness in dict.fromkeys((r.nodes, r.tightness) for r in results):
        rows = [r for r in results if (r.nodes, r.tightness) == (nodes, tightness)]
        ratios = [row.ratio() for row in rows]
        lines.append(
            (
                str(nodes),
                tightness,
                *(_cell(rows, method) for method in methods),
                f"{max(row.milliseconds[OURS] for row in rows):.0f}",
                f"{statistics.median(ratios):.1f}x, from {min(ratios):.1f}x",
                f"{sum(ratio < 1 for ratio in ratios)} of {len(rows)}",
            )
        )
    return Table(header, tuple(lines), ("limits",))


def summary(results: list[Result]) -> str:
    """How many answers were wrong or late, and what the table holds."""
    wrong = sum(len(row.wrong) for row in results)
    unfinished = sum(len(row.unfinished) for row in results)
    return (
        f"{len(results)} problems: {wrong} wrong answers, {unfinished} unfinished; median "
        f"milliseconds to the proven optimum; {description()}."
    )


def _cell(rows: list[Result], method: str) -> str:
    """The median of a method, marked where it did not finish or was wrong."""
    median = statistics.median(row.milliseconds[method] for row in rows)
    late = sum(method in row.unfinished for row in rows)
    wrong = sum(method in row.wrong for row in rows)
    return f"{median:.0f}" + f" ({late} late)" * bool(late) + f" ({wrong} wrong)" * bool(wrong)


@click.command("rich", cls=study.Study)
@study.seeds_option(10)
@click.option(
    "--nodes",
    cls=study.Several,
    type=click.Choice([*map(str, MORE_BLOCKS)]),
    default=tuple(map(str, MORE_BLOCKS)),
    show_default=True,
)
@click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds for every solve.",
)
@study.results_options()
def rich(*, seeds: int, nodes: tuple[str, ...], time_limit: float, wanted: study.Wanted) -> int:
    """Time the Lagrangian method beside every general solver, on problems with many constraints.

    Problems: MobileNetV2 (53 nodes) and the same network with more blocks (224 nodes), with drawn
    losses and latencies, budgets on latency and ROM, a RAM limit at every node and a tie for every
    residual; loose, tight, with tight RAM, and with conversions between neighbours. Every method
    solves the same problem in turn; a call that starts the solvers' processes is not counted, and
    no method sees what was prepared for another. Times are wall times of mpsolve.solve, and for the
    general solvers contain the way to their process. A method that does not finish counts with the
    limit. Exit status 1: some method answered wrongly.
    """
    methods = installed((OURS, *PEERS), rich_problem(0, TIGHTNESS["loose"]))
    if len(methods) < 2:
        raise InputError("No general solver is installed: pip install 'mpsolve[solvers]'.")
    results = [
        measure(int(size), tightness, seed, methods, time_limit)
        for size in nodes
        for tightness in TIGHTNESS
        for seed in range(seeds)
    ]
    data = [asdict(result) for result in results]
    study.Findings.of(data, summary(results), table(results, methods)).deliver(wanted)
    return WRONG if any(result.wrong for result in results) else SOLVED


if __name__ == "__main__":
    study.run(rich)
