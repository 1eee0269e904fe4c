"""Methods against complete enumeration, and so against each other, on many random problems."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import click
import numpy as np

from bench import enumeration, study
from bench.random_problems import random_problem
from mpsolve import solve
from mpsolve.cli.status import SOLVED

RELATIONS = ("precision", "b_in", "b_wt")
#: Methods that resolve losses to rounding.
EXACT = ("mckp", "lagrangian")
#: Both kernels of the knapsack method.
KERNELS = "mckp:compiled,mckp:reference"
#: What the general methods cannot tell apart, relative to the loss.
RESOLUTION = 1e-10


def agree(truth: enumeration.Truth, loss: float | None, resolution: float) -> bool:
    """Whether an optimum is the true one, up to a part of what is summed."""
    if truth.agrees(loss) or truth.least is None or loss is None:
        return truth.agrees(loss)
    summed = max(abs(truth.least), truth.tolerance * 2.0**50)
    return abs(loss - truth.least) <= resolution * summed


def _exact(method: str) -> bool:
    return method.partition(":")[0] in EXACT


def compare(
    instances: int, seed: int, method: str, max_layers: int, budgets: int, pairwise: bool = False
) -> int:
    """Run the comparison, print every difference, and return how many there are."""
    rng = np.random.default_rng(seed)
    seen: Counter[str] = Counter()
    began = time.perf_counter()
    for k in range(instances):
        problem = random_problem(
            rng,
            max_layers=max_layers,
            budgets=budgets,
            relations=RELATIONS if k % 2 else (),
            restrictions=k % 3 == 0,
            constraints=budgets > 1 and k % 4 == 0,
            pairwise=pairwise and k % 5 != 0,
        )
        truth = enumeration.brute_force(problem)
        solutions = {name: solve(problem, name) for name in method.split(",")}
        seen["with ties"] += bool(problem.ties)
        seen["with pairwise terms"] += bool(problem.pairwise)
        seen["infeasible"] += truth.least is None
        seen["float costs"] += any(c.dtype.kind == "f" for c in problem.costs.values())
        for name, solution in solutions.items():
            if not agree(truth, solution.loss, 0.0 if _exact(name) else RESOLUTION):
                seen["different"] += 1
                print(f"instance {k}: enumeration {truth.least}, {name} {solution!r}")
    seconds = time.perf_counter() - began
    parts = ", ".join(f"{count:,} {what}" for what, count in seen.items() if what != "different")
    print(f"{instances:,} instances ({parts}) in {seconds:.0f} s: {seen['different']} differences.")
    return seen["different"]


@click.command("brute_force", cls=study.Study)
@click.option("--instances", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--method", default=KERNELS, show_default=True, help="Several are separated by commas."
)
@click.option("--max-layers", type=click.IntRange(1), default=12, show_default=True)
@click.option("--budgets", type=click.IntRange(0), default=1, show_default=True)
@click.option("--pairwise", is_flag=True, help="Add terms for pairs of layers.")
def brute_force(**asked: Any) -> int:
    """Compare methods with complete enumeration, and so with each other, on random problems.

    By default both kernels of mckp are compared. Losses that are floats are resolved to rounding
    by mckp and lagrangian, and to about 1e-10 of their sum by the general methods. Exit status 1:
    there is a difference.
    """
    return 1 if compare(**asked) else SOLVED


if __name__ == "__main__":
    study.run(brute_force)
