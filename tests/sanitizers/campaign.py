"""Random work for an extension module that was built with sanitizers; see ``run.sh``.

What a sanitizer finds ends the process. Answers are checked as well: a wrong one ends it too.
"""

from __future__ import annotations

import math
import sys
import time
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.enumeration import brute_force
from bench.random_problems import random_problem
from mpsolve import solve
from mpsolve.formulations.mckp.front import FrontOptions
from mpsolve.formulations.mckp.kernels import kernel_named
from mpsolve.formulations.mckp.search import SearchOptions

if TYPE_CHECKING:
    from mpsolve.formulations.mckp.kernels import Kernel

NAME = "mpsolve.formulations.native._native"


def load(folder: str) -> None:
    """Put the module that lies below a folder in the place of the installed one."""
    (path,) = Path(folder).rglob("_native*.so")
    spec = spec_from_file_location(NAME, path, loader=ExtensionFileLoader(NAME, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[NAME] = module


def knapsack(rng: np.random.Generator, kernel: Kernel) -> None:
    """Ragged groups, ties, numbers up to 2^45 and limits of every kind: searches and fronts."""
    counts = rng.integers(1, 10, rng.integers(1, 60))
    offsets = np.concatenate(([0], np.cumsum(counts)))
    largest = int(rng.choice([5, 100, 10**6, 2**45]))
    weights = rng.integers(-3, largest, offsets[-1])
    losses = (largest - weights) if rng.random() < 0.5 else rng.integers(-3, largest, offsets[-1])
    prepared = kernel.prepare(weights, losses, offsets)
    low, high = (int(f.reduceat(weights, offsets[:-1]).sum()) for f in (np.minimum, np.maximum))
    for share in rng.random(3):
        capacity = low + int((high - low) * share)
        start = rng.integers(0, counts) if rng.random() < 0.5 else None
        limit = int(rng.choice([50, 5_000, 100_000]))
        options = SearchOptions(start, math.inf, limit, float(rng.choice([0.0, 0.01])))
        found = prepared.search(capacity, options)
        assert found.choice is not None
        flat = offsets[:-1] + found.choice
        assert weights[flat].sum() <= capacity
        assert losses[flat].sum() == found.loss >= found.bound
        prepared.spread(int(found.loss))
    epsilon, most = float(rng.choice([0.0, 0.001, 0.1])), int(rng.choice([60, 50_000]))
    points = prepared.front(FrontOptions(epsilon=epsilon, label_limit=most))
    assert (np.diff(points.weights) > 0).all()
    assert (np.diff(points.losses) < 0).all()


def numbers(rng: np.random.Generator, kernel: Kernel) -> None:
    """Floats from 1e-300 to 1e300, and integers, scaled."""
    counts = rng.integers(1, 9, rng.integers(1, 30))
    offsets = np.concatenate(([0], np.cumsum(counts)))
    values = rng.normal(size=offsets[-1]) * 10.0 ** rng.integers(-300, 300)
    if rng.random() < 0.3:
        values = rng.integers(-50, 50, offsets[-1]) * int(rng.choice([1, 6, 2**30]))
    kernel.fixed_point(values, offsets, 60, False)
    kernel.fixed_point(values, offsets, 62, True)


def labels(rng: np.random.Generator) -> None:
    """Two or three budgets, ties and pairs of layers, against enumeration."""
    problem = random_problem(
        rng,
        max_layers=6,
        budgets=int(rng.integers(2, 4)),
        relations=("b_in",),
        constraints=True,
        pairwise=rng.random() < 0.5,
    )
    assert brute_force(problem).agrees(solve(problem, "lagrangian").loss)


def main(folder: str, instances: str) -> None:
    """Run so many instances of each kind."""
    load(folder)
    kernel, rng, began = kernel_named("compiled"), np.random.default_rng(0), time.perf_counter()
    for _ in range(int(instances)):
        knapsack(rng, kernel)
        numbers(rng, kernel)
        labels(rng)
    seconds = time.perf_counter() - began
    print(f"{int(instances):,} instances of each kind in {seconds:.0f} s: nothing found.")


if __name__ == "__main__":
    main(*sys.argv[1:])
