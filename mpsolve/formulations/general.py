"""What the general methods share: model, scale, a back end in its own process, verification.

A back end is asked, never trusted. Each of its answers is evaluated on the original numbers; one
that breaks a constraint by less than the tolerance of the back end is excluded and the model is
solved again. When the scale turns out to be coarse beside the answer, candidates whose loss alone
exceeds that of the answer are dropped, and what is left is solved again on a finer scale.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mpsolve.errors import MissingDependencyError
from mpsolve.formulations.binary_model import binary_model, linked
from mpsolve.formulations.method import NONE_FOUND, Outcome
from mpsolve.formulations.process import run_in_worker
from mpsolve.formulations.scaling import sketch
from mpsolve.formulations.task import Report, Task
from mpsolve.model.evaluation import evaluate
from mpsolve.model.solution import Limit, Progress
from mpsolve.presolve.fixing import competitive, pairwise_excess

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.formulations.binary_model import BinaryModel
    from mpsolve.formulations.method import Options
    from mpsolve.formulations.scaling import Scale
    from mpsolve.formulations.task import Hear
    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray, Number

#: How often an answer that breaks a constraint is excluded before giving up.
EXCLUSIONS = 30
#: How many scales are tried.
SCALES = 3
#: An error of the scale beyond this part of the answer is worth another solve ...
COARSE = 2.0**-32
#: ... if the finer scale has at most this part of the error.
FINER = 2.0**-3
#: An optimum more than 2^TOO_LARGE times the expected size needs another scale as well.
TOO_LARGE = 8
#: Rounding of a bound to a double.
ROUNDING = 2.0**-52
#: A remark is due when the integers may misjudge the loss by more than this part of it.
RESOLUTION = 1e-9


@dataclass(frozen=True)
class BackEnd:
    """What the shared search has to know about a back end.

    Attributes
    ----------
    family
        Module of `mpsolve.formulations` whose function ``run`` serves tasks in a worker.
    scale
        The scale that suits it, from a model and the likely excess of the optimum.
    variant
        Passed on with every task.
    run
        Has a task solved by the worker of a family; tests replace it.
    """

    family: str
    scale: Callable[[BinaryModel, float], Scale]
    variant: str = ""
    run: Callable[[str, Task, Hear], Report | None] = run_in_worker


def require(package: str, purpose: str) -> None:
    """Refuse to go on without an optional package.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    if find_spec(package) is None:
        raise MissingDependencyError(package, "solvers", purpose)


def solve_general(problem: Problem, options: Options, back_end: BackEnd) -> Outcome:
    """Search for the optimum with a back end.

    Parameters
    ----------
    problem, options
        As in `ExactMethod.solve`.
    back_end
        The back end.

    Raises
    ------
    MpsolveError
        If the back end failed.
    """
    search = _Search(problem, options, back_end)
    try:
        return search.run()
    except KeyboardInterrupt:
        return search.outcome(Limit.INTERRUPTED)


class _Search:
    """The state of one solve: the best verified choice and the best bound so far."""

    def __init__(self, problem: Problem, options: Options, back_end: BackEnd) -> None:
        self.problem = problem
        self.options = options
        self.back_end = back_end
        self.best: IntArray | None = None
        self.loss: Number = math.inf
        self.bound = -math.inf
        self.notes: list[str] = []
        self._began = time.monotonic()
        self._deadline = options.deadline()

    def run(self) -> Outcome:
        """Solve, and solve again as long as a finer scale is worth it."""
        if self.options.warm_start is not None:
            self._consider(self.options.warm_start)
        model = binary_model(self.problem)
        if model is None:
            return self._none_exists()
        quick = sketch(model)
        self._consider(model.lift(quick.choice))
        self._raise_bound(model, quick.bound)
        model = self._narrowed(model)
        scale = self.back_end.scale(model, self._excess(model) or quick.excess)
        scales_left = SCALES
        while True:
            report, model = self._ask(model, scale)
            if report is None or not report.proven:
                return self._stopped(report)
            if report.choice is None:
                # Where the sketch was far too low, losses are enormous, and CBC sees no way.
                largest = self.back_end.scale(model, 0.0)
                if self.best is None and largest.exponent < scale.exponent:
                    scale = largest
                    continue
                return self._none_exists()
            narrower = self._narrowed(model)
            finer = self.back_end.scale(narrower, self._excess(narrower))
            scales_left -= 1
            if not scales_left or not self._worth_another(model, scale, narrower, finer):
                return self._ended(model, scale, report)
            model, scale = narrower, finer

    def outcome(self, limit: Limit | None, *, complete: bool = False) -> Outcome:
        """What is known now."""
        bound = min(self.bound, float(self.loss))
        known = bound if math.isfinite(bound) else None
        return Outcome(self.best, known, complete, limit, tuple(self.notes))

    def _ask(self, model: BinaryModel, scale: Scale) -> tuple[Report | None, BinaryModel]:
        """Solve a model, without the choices that turn out to break a constraint."""
        for _ in range(EXCLUSIONS):
            task = self._task(model, scale)
            hear = partial(self._hear, model, scale)
            report = self.back_end.run(self.back_end.family, task, hear)
            if report is None:
                return None, model
            if report.remark:
                self.notes.append(report.remark)
            self._raise_bound(model, _in_units(report.bound, scale))
            if report.choice is None or self._consider(model.lift(report.choice)):
                return report, model
            if not report.proven:
                return report, model
            model = model.excluding(model.completed(report.choice))
        remark = (
            f"{EXCLUSIONS} answers of {self.back_end.family} in a row broke a constraint by less "
            "than its tolerance."
        )
        self.notes.append(remark)
        return Report(None, remark=remark), model

    def _task(self, model: BinaryModel, scale: Scale) -> Task:
        return Task(
            linked(model),
            scale.exponent,
            start=None if self.best is None else model.lower(self.best),
            deadline=self._deadline,
            # The back end sees the excess alone, a part of the loss unless the base is negative.
            gap=self.options.gap if model.base >= 0 else 0.0,
            threads=self.options.threads,
            seed=self.options.seed,
            variant=self.back_end.variant,
        )

    def _hear(
        self, model: BinaryModel, scale: Scale, choice: IntArray | None, bound: float | None
    ) -> None:
        """Take up what a running back end has found, and report it."""
        if choice is not None:
            self._consider(model.lift(choice))
        self._raise_bound(model, _in_units(bound, scale))
        if self.options.progress:
            incumbent = None if self.best is None else float(self.loss)
            known = self.bound if math.isfinite(self.bound) else None
            seconds = time.monotonic() - self._began
            self.options.progress(Progress(seconds, incumbent, known))

    def _consider(self, choice: IntArray) -> bool:
        """Keep a choice if it is the best; say whether it keeps the constraints."""
        verified = evaluate(self.problem, choice)
        if verified.feasible and (self.best is None or verified.loss < self.loss):
            self.best, self.loss = choice, verified.loss
        return verified.feasible

    def _raise_bound(self, model: BinaryModel, excess: float) -> None:
        if math.isfinite(excess):
            self.bound = max(self.bound, model.original(excess) - model.resolution)

    def _excess(self, model: BinaryModel) -> int:
        """What the best choice loses beyond the base of a model, in units; 0 without one."""
        lowered = None if self.best is None else model.lower(self.best)
        return 0 if lowered is None else model.excess(lowered)

    def _narrowed(self, model: BinaryModel) -> BinaryModel:
        """A new model of the candidates that can compete with the best choice."""
        if self.best is None:
            return model
        together = pairwise_excess(self.problem, self.best)
        usable = competitive(self.problem.loss, self.problem.offsets, self.best, together)
        return model if usable.all() else binary_model(self.problem, usable) or model

    def _worth_another(
        self, model: BinaryModel, scale: Scale, narrower: BinaryModel, finer: Scale
    ) -> bool:
        error, least = _error(model, scale), _error(narrower, finer)
        answer = math.ldexp(self._excess(model), -model.exponent)
        too_large = finer.exponent - scale.exponent < -TOO_LARGE
        return too_large or (error > COARSE * answer and least <= FINER * error)

    def _stopped(self, report: Report | None) -> Outcome:
        if report and report.remark:
            return self.outcome(None)
        if self.options.time_limit is not None:
            return self.outcome(Limit.TIME)
        self.notes.append(f"{self.back_end.family} gave up without a reason.")
        return self.outcome(None)

    def _none_exists(self) -> Outcome:
        if self.best is None:
            return Outcome(None, complete=True)
        self.notes.append(NONE_FOUND.format(self.back_end.family))
        return self.outcome(None)

    def _ended(self, model: BinaryModel, scale: Scale, report: Report) -> Outcome:
        """The outcome of a search that the back end calls complete."""
        excess = self._excess(model)
        unproven = excess - _in_units(report.bound, scale)
        error = _error(model, scale)
        exact = unproven <= 0 and model.resolution == 0
        if not exact and error > RESOLUTION * abs(self.loss):
            self.notes.append(f"Losses were resolved to {error:.2g}.")
        # What is less than a rounding of the loss itself is no doubt about it.
        if unproven <= 2 * (scale.error + ROUNDING * excess) or self.bound >= self.loss:
            return self.outcome(None, complete=True)
        if self.options.gap > 0:
            return self.outcome(Limit.GAP)
        self.notes.append(f"The bound of {self.back_end.family} does not prove its answer optimal.")
        return self.outcome(None)


def _in_units(bound: float | None, scale: Scale) -> float:
    """A back end's bound in units of the model, rounded up since all losses are integers."""
    if bound is None or not math.isfinite(bound):
        return -math.inf
    units = math.ldexp(bound, -scale.exponent)
    return math.ceil(units - scale.error - ROUNDING * abs(units))


def _error(model: BinaryModel, scale: Scale) -> float:
    """What model and back end together cannot tell apart, in units of the original loss."""
    return math.ldexp(scale.error, -model.exponent) + model.resolution
