"""The knapsack kernel beside a read of its table and the fastest general solver.

Synthetic instances (`generators`, seed 1); medians over five budgets and the repeats, in
milliseconds, in one process and on one thread.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.table import Table

import mpsolve
from mpsolve.bench.contender import CONTENDERS, Kind
from mpsolve.bench.instances import instance_named
from mpsolve.bench.levels import at_level
from mpsolve.bench.machine import one_thread
from mpsolve.bench.trial import Trial, run_trial
from mpsolve.errors import InputError
from mpsolve.formulations.mckp.kernels import default_kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mpsolve.bench.sweep import Watch

LEVELS = (10.0, 30.0, 50.0, 70.0, 90.0)
#: Size -> instance.
SIZES = {
    "28x9": "cnn/28x9-seed1",
    "53x9": "cnn/53x9-seed1",
    "54x9": "cnn/54x9-seed1",
    "224x8": "llm/224x8-seed1",
    "560x16": "llm/560x16-seed1",
    "46080x6": "moe/46080x6-seed1",
}
#: Layers up to which whole fronts are computed.
FRONT_LAYERS = 224
#: How often each front is computed.
FRONTS = 3
#: The guaranteed ratio of the approximate front.
EPSILON = 1e-3


@dataclass(frozen=True)
class Line:
    """Milliseconds of one size; None for what is not there or was not finished in time.

    Attributes
    ----------
    size
        Layers x candidates.
    read
        Adding up losses and costs, which reads the table once.
    assign
        `mpsolve.assign` from arrays to the proven optimum, by the kernel that is used here.
    further
        The same for a further budget, after `mpsolve.prepare`.
    front, approximate_front
        The exact front, and one within `EPSILON`, by `mpsolve.pareto_front`.
    general, solver
        The fastest general solver that is right about every budget, and its name.
    """

    size: str
    read: float
    assign: float
    further: float
    front: float | None
    approximate_front: float | None
    general: float | None
    solver: str


def measure(size: str, repeats: int, time_limit: float) -> Line:
    """Take all times of one size."""
    spec = instance_named(SIZES[size])
    problem = spec.build()
    shape = len(problem.layers), -1
    loss, cost = problem.loss.reshape(shape), problem.costs["latency"].reshape(shape)
    limits = [at_level(problem, spec.limited, level).budgets["latency"] for level in LEVELS]
    assign = milliseconds([partial(mpsolve.assign, loss, cost, limit) for limit in limits], repeats)
    again = mpsolve.prepare(loss, cost).assign
    further = milliseconds([partial(again, limit) for limit in limits], repeats)
    general, solver = fastest_general(SIZES[size], time_limit)
    small = len(problem.layers) <= FRONT_LAYERS
    approximate = partial(mpsolve.pareto_front, problem, epsilon=EPSILON)
    return Line(
        size,
        milliseconds([lambda: loss.sum() + cost.sum()], repeats * len(LEVELS)),
        assign,
        further,
        milliseconds([partial(mpsolve.pareto_front, problem)], FRONTS) if small else None,
        milliseconds([approximate], FRONTS) if small else None,
        general,
        solver,
    )


def milliseconds(calls: Sequence[Callable[[], Any]], repeats: int) -> float:
    """Median wall time over all calls and repeats, after one call that is not counted."""
    calls[0]()
    times = []
    for _ in range(repeats):
        for call in calls:
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times)


def fastest_general(instance: str, time_limit: float) -> tuple[float | None, str]:
    """The general solver with the least median; one that misses a budget's proof is left out."""
    medians = {}
    for name, spec in CONTENDERS.items():
        if spec.kind not in (Kind.GENERAL, Kind.RAW) or spec.missing:
            continue
        seconds = []
        for level in LEVELS:
            with_proof = run_trial(Trial(instance, level, "mckp", 0, 0, time_limit, None, False))
            optimum = with_proof.loss
            row = run_trial(Trial(instance, level, name, 0, 0, time_limit, optimum, False))
            if not row.solved or row.seconds is None:
                break
            seconds.append(row.seconds)
        else:
            medians[name] = 1e3 * statistics.median(seconds)
    best = min(medians, key=medians.__getitem__, default=None)
    return (None, "") if best is None else (medians[best], best)


def kernel_table(sizes: list[str] | None, repeats: int, time_limit: float, watch: Watch) -> Table:
    """Measure, one line per size.

    Parameters
    ----------
    sizes
        Of `SIZES`; all by default.
    repeats
        Of every call.
    time_limit
        Wall seconds for each general solver.
    watch
        Told about every size that is done.

    Raises
    ------
    InputError
        If a size is unknown.
    """
    one_thread()
    chosen = sizes or list(SIZES)
    for size in chosen:
        if size not in SIZES:
            raise InputError(f"There is no size {size!r}; there are {', '.join(SIZES)}.")
    table = Table(title="Medians in milliseconds, synthetic instances", title_justify="left")
    names = [
        "layers x candidates",
        "read",
        f"assign, {default_kernel().name}",
        "further budget",
        "exact front",
        f"front within {EPSILON:.1%}",
        f"fastest general solver in {time_limit:g} s",
        "assign / read",
        "general / assign",
    ]
    for name in names:
        table.add_column(name, justify="right")
    for done, size in enumerate(chosen, 1):
        line = measure(size, repeats, time_limit)
        watch(size, done, len(chosen))
        numbers = (
            line.read,
            line.assign,
            line.further,
            line.front,
            line.approximate_front,
        )
        cells = ("-" if value is None else f"{value:.3g}" for value in numbers)
        general = "none" if line.general is None else f"{line.general:.3g} ({line.solver})"
        table.add_row(size, *cells, general, *ratios(line))
    return table


def ratios(line: Line) -> tuple[str, str]:
    """How many reads of the table our kernel takes, and how many of ours the general solver."""
    general = "-" if line.general is None else f"{line.general / line.assign:,.0f}x"
    return f"{line.assign / line.read:,.0f}x", general
