"""One run: ask the contender's process, judge the answer on the original numbers, fill a row."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from mpsolve.bench.contender import contender_named
from mpsolve.bench.instances import instance_named
from mpsolve.bench.isolated import Ready, Request, Timed, problem_of
from mpsolve.bench.judgement import judge
from mpsolve.bench.machine import description, one_thread
from mpsolve.bench.result import Claim, Row
from mpsolve.errors import MpsolveError
from mpsolve.formulations.process import run_in_worker

#: Seconds that a process may take to import everything and to solve a small problem.
GET_READY = 300.0


@dataclass(frozen=True)
class Trial:
    """A row that is wanted: its key, its time limit, and what its answer is judged by.

    Attributes
    ----------
    instance, level, method, seed, repeat, time_limit, front
        See `Row`.
    optimum, infeasible
        See `Reference`.
    """

    instance: str
    level: float
    method: str
    seed: int
    repeat: int
    time_limit: float
    optimum: float | None
    infeasible: bool
    front: bool = False

    @property
    def key(self) -> tuple[str, float, str, int, int]:
        """The key of its row."""
        return self.instance, self.level, self.method, self.seed, self.repeat


def run_trial(trial: Trial) -> Row:
    """Run and judge; whatever the contender does, there is a row."""
    one_thread()
    problem = problem_of(trial.instance, trial.level)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    ready, timed, note = None, None, ""
    claim = Claim.ERROR
    try:
        ready = _ask(trial, timed=False)
        if ready is None:
            note = f"It was not ready within {GET_READY:g} s."
        elif ready.refusal:
            claim, note = Claim.UNSUPPORTED, ready.refusal
        else:
            timed = _ask(trial, timed=True)
            claim = timed.answer.claim if timed else Claim.OVERTIME
            note = timed.answer.note if timed else "It was ended from outside."
    except MpsolveError as error:
        note = str(error)
    choice = timed.answer.choice if timed else None
    bound = timed.answer.bound if timed else None
    judged = judge(problem, claim, choice, trial.optimum, trial.infeasible)
    spec, source = instance_named(trial.instance), contender_named(trial.method)
    return Row(
        instance=trial.instance,
        family=spec.family,
        provenance=spec.provenance or problem.provenance.value,
        layers=len(problem.layers),
        candidates=len(problem.precisions),
        level=trial.level,
        limits=", ".join(f"{name} <= {limit:.10g}" for name, limit in problem.budgets.items()),
        method=trial.method,
        kind=source.kind.value,
        seed=trial.seed,
        repeat=trial.repeat,
        time_limit=trial.time_limit,
        front=trial.front,
        claim=claim.value,
        verdict=judged.verdict.value,
        wrong=judged.wrong,
        loss=judged.loss,
        bound=None if bound is None else float(bound),
        optimum=trial.optimum,
        gap=judged.gap,
        excess=judged.excess,
        seconds=timed.seconds if timed else None,
        warmup_seconds=ready.warmup_seconds if ready else None,
        note=note,
        versions=ready.versions if ready else source.versions(),
        machine=description(),
        started=started,
    )


def _ask(trial: Trial, *, timed: bool) -> Any:
    """`Ready` or `Timed`, or None if the process was ended from outside."""
    deadline = time.monotonic() + (trial.time_limit if timed else GET_READY)
    request = Request(
        trial.instance, trial.level, trial.method, trial.seed, trial.time_limit, deadline, timed
    )
    home = f"mpsolve.bench.isolated#{contender_named(trial.method).home}"
    return cast("Ready | Timed | None", run_in_worker(home, cast("Any", request), _deaf))


def _deaf(*_: object) -> None:
    """Contenders say nothing before they are done."""
