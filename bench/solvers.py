"""Our knapsack search beside every general solver, on the same problems in the same run.

    python -m bench.solvers [--repeats 9] [--tables FOLDER] [--json FILE]

Problems: the bundled (modelled) tables and, where the folder of published tables is given or lies
beside the repository, HAWQ-V3's and HAQ's, each at 25, 50 and 75 % of the achievable range. Repeats are interleaved over the methods; a first call that starts the solvers'
processes is not counted. Times are wall times of `mpsolve.solve`, with the building of the model
and the verification of the answer, and for the general solvers with the way to their process.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from mpsolve import MissingDependencyError, Problem, Status, bundled_tables, load_table, solve

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS = "mckp"
PEERS = ("highs", "milp", "milp:highs", "cpsat")
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "tables"
#: Budgets inside the achievable range.
LIMITS = ("25%", "50%", "75%")
#: A difference of loss beyond this part of it would be a wrong answer.
AGREEMENT = 1e-9


@dataclass(frozen=True)
class Row:
    """The medians of one problem.

    Attributes
    ----------
    problem
        Its name.
    size
        Layers and candidates.
    milliseconds
        Method -> median wall time.
    wrong
        The methods whose answer was not the optimum.
    """

    problem: str
    size: str
    milliseconds: dict[str, float]
    wrong: tuple[str, ...]


def problems(tables: Path) -> Iterator[tuple[str, Problem]]:
    """Name and problem of every instance."""
    for bundled in bundled_tables():
        table = load_table(bundled.name)
        for limit in LIMITS:
            problem = Problem.from_table(table, budgets={"latency": limit})
            yield f"{bundled.name} (modelled) latency {limit}", problem
    if not tables.is_dir():
        return
    for model in ("resnet18", "resnet50"):
        table = load_table(str(tables / f"hawq_{model}.csv"))
        for cost in ("weight_bits_total", "bops", "latency"):
            for limit in LIMITS:
                yield (
                    f"HAWQ-V3 {model} {cost} {limit}",
                    Problem.from_table(table, "sensitivity", {cost: limit}),
                )
    haq = load_table(str(tables / "haq_mobilenetv2_cloud_b16.csv"))
    for limit in LIMITS:
        problem = Problem.from_table(haq, budgets={"latency": limit})
        yield f"HAQ MobileNetV2 latency {limit}", problem


def measure(name: str, problem: Problem, methods: list[str], repeats: int) -> Row:
    """Solve one problem with every method, in turn."""
    seconds: dict[str, list[float]] = {method: [] for method in methods}
    losses: dict[str, float] = {}
    for _ in range(repeats):
        for method in methods:
            solution = solve(problem, method)
            if solution.status is not Status.OPTIMAL or solution.loss is None:
                raise SystemExit(f"{name}: {method} did not finish: {solution!r}")
            seconds[method].append(solution.seconds)
            losses[method] = solution.loss
    best = min(losses.values())
    return Row(
        name,
        f"{len(problem.layers)} / {len(problem.precisions)}",
        {method: 1e3 * statistics.median(times) for method, times in seconds.items()},
        tuple(m for m, loss in losses.items() if loss - best > AGREEMENT * abs(best)),
    )


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


def show(rows: list[Row], methods: list[str]) -> None:
    """Print the medians, and how many times longer than ours the fastest peer takes."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table(title="Median milliseconds to the proven optimum", title_justify="left")
    table.add_column("problem")
    table.add_column("layers / candidates", justify="right")
    for method in methods:
        table.add_column(method, justify="right")
    table.add_column("fastest peer / ours", justify="right")
    for row in rows:
        cells = [f"{row.milliseconds[m]:.2f}{' wrong' * (m in row.wrong)}" for m in methods]
        table.add_row(row.problem, row.size, *cells, f"{_ratio(row, methods):.0f}x")
    console.print(table)
    ratios = [_ratio(row, methods) for row in rows]
    console.print(
        f"fastest peer / {OURS}: median {statistics.median(ratios):.0f}x, "
        f"from {min(ratios):.0f}x to {max(ratios):.0f}x over {len(rows)} problems; "
        f"{OURS} alone: median {statistics.median(r.milliseconds[OURS] for r in rows):.2f} ms."
    )
    packages = ("numpy", "scipy", "pulp", "highspy", "ortools")
    versions = ", ".join(f"{p} {version(p)}" for p in packages if _has(p))
    console.print(f"Python {platform.python_version()}, {versions}; {platform.machine()}.")


def _ratio(row: Row, methods: list[str]) -> float:
    return min(row.milliseconds[m] for m in methods if m != OURS) / row.milliseconds[OURS]


def _has(package: str) -> bool:
    from importlib.util import find_spec

    return find_spec(package) is not None


def main(repeats: int, tables: Path, json_file: Path | None) -> int:
    """Run the benchmark; exit status 1 if any method answered wrongly."""
    instances = list(problems(tables))
    methods = installed((OURS, *PEERS), instances[0][1])
    if len(methods) < 2:
        raise SystemExit("No general solver is installed: pip install 'mpsolve[solvers]'.")
    rows = [measure(name, problem, methods, repeats) for name, problem in instances]
    show(rows, methods)
    if json_file:
        json_file.write_text(json.dumps([vars(row) for row in rows], indent=2), encoding="utf-8")
    return int(any(row.wrong for row in rows))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--tables", type=Path, default=SHARED, help="folder of published tables")
    parser.add_argument("--json", dest="json_file", type=Path, help="also write the rows here")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(**vars(arguments())))
