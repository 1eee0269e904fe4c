"""Our knapsack search beside every general solver, on the same problems in the same run.

    python -m bench.solvers [--repeats 5] [--time-limit 30] [--tables FOLDER] [--json FILE]
    python -m bench.solvers --two-budgets

Problems: the bundled (modelled) tables and, where the folder of published tables is given or lies
beside the repository, HAWQ-V3's and HAQ's, each at 25, 50 and 75 % of the achievable range.
Repeats are interleaved over the methods; a first call that starts the solvers' processes is not
counted. Times are wall times of `mpsolve.solve`, with the building of the model and the
verification of the answer, and for the general solvers with the way to their process. A method
that reaches the time limit is not asked again; its cell shows the limit with ``>``. With
``--two-budgets`` the general solvers are compared with each other on the bundled tables, under a
budget on latency and one on ROM, which is how ``auto`` came to prefer one of them.
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
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "tables"
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
        Method -> median wall time, of those that finished.
    unfinished
        The methods that reached the time limit.
    wrong
        The methods that called another loss than the least one optimal.
    """

    problem: str
    size: str
    milliseconds: dict[str, float]
    unfinished: tuple[str, ...]
    wrong: tuple[str, ...]

    def ratio(self) -> float:
        """How many times longer than ours the fastest peer takes."""
        return min(t for m, t in self.milliseconds.items() if m != OURS) / self.milliseconds[OURS]


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


def two_budget_problems() -> Iterator[tuple[str, Problem]]:
    """Latency and ROM limited at once, on the bundled tables."""
    for bundled in bundled_tables():
        for loss in ("noise-macs", "noise-params"):
            for latency, rom in (("50%", "50%"), ("30%", "60%")):
                budgets = {"latency": latency, "rom": rom}
                problem = Problem.from_table(load_table(bundled.name), loss, budgets)
                yield f"{bundled.name} (modelled) {loss} {latency} {rom}", problem


def measure(
    name: str, problem: Problem, methods: list[str], repeats: int, time_limit: float
) -> Row:
    """Solve one problem with every method, in turn."""
    seconds: dict[str, list[float]] = {method: [] for method in methods}
    losses: dict[str, float] = {}
    unfinished: set[str] = set()
    for _ in range(repeats):
        for method in methods:
            if method in unfinished:
                continue
            solution = solve(problem, method, time_limit=time_limit)
            if solution.status is not Status.OPTIMAL or solution.loss is None:
                unfinished.add(method)
                continue
            seconds[method].append(solution.seconds)
            losses[method] = solution.loss
    best = min(losses.values())
    return Row(
        name,
        f"{len(problem.layers)} / {len(problem.precisions)}",
        {m: 1e3 * statistics.median(t) for m, t in seconds.items() if m not in unfinished},
        tuple(unfinished),
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


def show(rows: list[Row], methods: list[str], time_limit: float) -> None:
    """Print the medians, and how many times longer than ours the fastest peer takes."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table(title="Median milliseconds to the proven optimum", title_justify="left")
    table.add_column("problem")
    table.add_column("layers / candidates", justify="right")
    for method in methods:
        table.add_column(method, justify="right")
    ours = OURS in methods
    if ours:
        table.add_column("fastest peer / ours", justify="right")
    for row in rows:
        cells = [_cell(row, method, time_limit) for method in methods]
        table.add_row(row.problem, row.size, *cells, *([f"{row.ratio():.0f}x"] if ours else []))
    console.print(table)
    for method in methods:
        times = [row.milliseconds.get(method, 1e3 * time_limit) for row in rows]
        console.print(
            f"{method}: median {statistics.median(times):.2f} ms, at most {max(times):.0f}."
        )
    if ours:
        ratios = [row.ratio() for row in rows]
        console.print(
            f"fastest peer / {OURS}: median {statistics.median(ratios):.0f}x, "
            f"from {min(ratios):.0f}x to {max(ratios):.0f}x over {len(rows)} problems."
        )
    packages = ("numpy", "scipy", "pulp", "highspy", "ortools")
    versions = ", ".join(f"{p} {version(p)}" for p in packages if _has(p))
    console.print(f"Python {platform.python_version()}, {versions}; {platform.machine()}.")


def _cell(row: Row, method: str, time_limit: float) -> str:
    if method in row.unfinished:
        return f"> {1e3 * time_limit:.0f}"
    return f"{row.milliseconds[method]:.2f}{' wrong' * (method in row.wrong)}"


def _has(package: str) -> bool:
    from importlib.util import find_spec

    return find_spec(package) is not None


def main(
    repeats: int, time_limit: float, two_budgets: bool, tables: Path, json_file: Path | None
) -> int:
    """Run the benchmark; exit status 1 if any method answered wrongly."""
    instances = list(two_budget_problems() if two_budgets else problems(tables))
    methods = installed(PEERS if two_budgets else (OURS, *PEERS), instances[0][1])
    if len(methods) < 2:
        raise SystemExit("No general solver is installed: pip install 'mpsolve[solvers]'.")
    rows = [measure(name, problem, methods, repeats, time_limit) for name, problem in instances]
    show(rows, methods, time_limit)
    if json_file:
        json_file.write_text(json.dumps([vars(row) for row in rows], indent=2), encoding="utf-8")
    return int(any(row.wrong for row in rows))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--time-limit", type=float, default=30.0, help="seconds for every solve")
    parser.add_argument("--two-budgets", action="store_true", help="only the general solvers")
    parser.add_argument("--tables", type=Path, default=SHARED, help="folder of published tables")
    parser.add_argument("--json", dest="json_file", type=Path, help="also write the rows here")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(**vars(arguments())))
