"""What happens in the process of a contender: make ready, then run and take the time.

Every general solver and every peer has a process of its own: some of them cannot share one, some
have no time limit and must be ended from outside.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from mpsolve.bench.contender import contender_named
from mpsolve.bench.generators import cnn
from mpsolve.bench.instances import instance_named
from mpsolve.bench.levels import at_level

if TYPE_CHECKING:
    from mpsolve.bench.contender import Answer, Contender
    from mpsolve.formulations.task import Hear
    from mpsolve.model.problem import Problem

#: Layers of the problem on which every method is run once before anything is timed.
SMALL = 4


@dataclass(frozen=True)
class Request:
    """A run that is wanted; every part can be sent to another machine.

    Attributes
    ----------
    instance, level, method, seed, time_limit
        See `Row`.
    deadline
        The `time.monotonic` value at which the process is ended from outside.
    timed
        Whether to run, or only to make ready.
    """

    instance: str
    level: float
    method: str
    seed: int
    time_limit: float
    deadline: float
    timed: bool


@dataclass(frozen=True)
class Ready:
    """The process has imported everything and solved a small problem with the method.

    Attributes
    ----------
    refusal
        What the method cannot express, or empty.
    warmup_seconds
        What the small problem took, with all imports.
    versions
        Of what the method runs on.
    """

    refusal: str
    warmup_seconds: float
    versions: str


@dataclass(frozen=True)
class Timed:
    """An answer and the wall seconds that it took."""

    answer: Answer
    seconds: float


def run(request: Request, hear: Hear) -> Ready | Timed:
    """Serve a request; called in a worker."""
    contender, warmup_seconds = _warm(request.method)
    # A copy: nothing that an earlier run has worked out about the problem may help.
    problem = replace(problem_of(request.instance, request.level))
    if not request.timed:
        refusal = contender.unsupported(problem) or ""
        return Ready(refusal, warmup_seconds, contender_named(request.method).versions())
    began = time.perf_counter()
    answer = contender.run(problem, request.seed, request.time_limit)
    return Timed(answer, time.perf_counter() - began)


@lru_cache(maxsize=4)
def problem_of(instance: str, level: float) -> Problem:
    """An instance of the register with its budgets."""
    spec = instance_named(instance)
    return at_level(_without_budgets(instance), spec.limited, level)


@lru_cache(maxsize=4)
def _without_budgets(instance: str) -> Problem:
    return instance_named(instance).build()


@cache
def _warm(method: str) -> tuple[Contender, float]:
    """The contender, having solved a small problem, and how long that took."""
    began = time.perf_counter()
    spec = contender_named(method)
    contender = spec.load()
    small = at_level(cnn(SMALL, seed=0), ("latency",), 50)
    if contender.unsupported(small) is None:
        contender.run(small, 0, 1.0 if spec.random else 10.0)  # of which they use up a share
    return contender, time.perf_counter() - began
