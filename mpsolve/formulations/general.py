"""What the general methods share: model, scale, a back end in its own process, verification.

A back end is asked, never trusted. Each of its answers is evaluated on the original numbers; one
that breaks a constraint by less than the tolerance of the back end is excluded and the model is
solved again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.formulations.binary_model import binary_model, linked
from mpsolve.formulations.process import run_in_worker
from mpsolve.formulations.refinement import FINE_BACK_END, Engine, Found, worth_another
from mpsolve.formulations.scaling import sketch
from mpsolve.formulations.task import Report, Task
from mpsolve.model.solution import Limit
from mpsolve.presolve.fixing import contenders

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.formulations.binary_model import BinaryModel
    from mpsolve.formulations.refinement import Run
    from mpsolve.formulations.scaling import Scale
    from mpsolve.formulations.task import Hear
    from mpsolve.presolve.presolved import Presolved
    from mpsolve.typing import IntArray

#: How often an answer that breaks a constraint is excluded before giving up.
EXCLUSIONS = 30
#: An optimum more than 2^TOO_LARGE times the expected size needs another scale as well.
TOO_LARGE = 8
#: Rounding of a bound to a double.
ROUNDING = 2.0**-52


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


class General(Engine):
    """A method that has a back end solve the model.

    Parameters
    ----------
    back_end
        The back end.
    """

    def __init__(self, back_end: BackEnd) -> None:
        self.name, self._back_end = back_end.family, back_end

    def unsupported(self, presolved: Presolved) -> str | None:
        """Everything that a problem can hold is supported."""

    def integers(self, presolved: Presolved, run: Run) -> _Scaled | None:
        """The model, on the scale of what a quick answer, or the warm start, loses."""
        model = binary_model(presolved.problem)
        if model is None:
            return None
        quick = sketch(model)
        run.take(model.lift(quick.choice))
        _raise_bound(run, model, quick.bound)
        model = _narrowed(run, model)
        scale = self._back_end.scale(model, _excess(run, model) or quick.excess)
        return _Scaled(self._back_end, run, model, scale)


class _Scaled:
    """A model, without the choices that turned out to break a constraint, on a scale."""

    def __init__(self, back_end: BackEnd, run: Run, model: BinaryModel, scale: Scale) -> None:
        self._back_end, self._run, self._model, self._scale = back_end, run, model, scale

    def search(self, start: IntArray | None) -> Found:
        """Solve; what is found is taken by the run, which also has the start."""
        report = self._ask()
        if report is None or not report.proven:
            return self._stopped(report)
        return Found(None, proven=True) if report.choice is None else self._ended(report)

    def finer(self, choice: IntArray | None) -> _Scaled | None:
        """The candidates that can compete with an answer, on the scale that suits it."""
        run, back_end = self._run, self._back_end
        if choice is None:
            # Where the sketch was far too low, losses are enormous, and CBC sees no way.
            largest = back_end.scale(self._model, 0.0)
            enormous = run.best is None and largest.exponent < self._scale.exponent
            return _Scaled(back_end, run, self._model, largest) if enormous else None
        model = _narrowed(run, self._model)
        scale = back_end.scale(model, _excess(run, model))
        error, least = _error(self._model, self._scale), _error(model, scale)
        lost = math.ldexp(_excess(run, self._model), -self._model.exponent)
        too_large = scale.exponent - self._scale.exponent < -TOO_LARGE
        if too_large or worth_another(error, least, lost, FINE_BACK_END):
            return _Scaled(back_end, run, model, scale)
        return None

    def _ask(self) -> Report | None:
        """Solve the model, without the choices that turn out to break a constraint."""
        run, family = self._run, self._back_end.family
        for _ in range(EXCLUSIONS):
            model = self._model
            report = self._back_end.run(family, self._task(), self._hear)
            if report is None:
                return None
            if report.remark:
                run.notes.append(report.remark)
            _raise_bound(run, model, _in_units(report.bound, self._scale))
            if report.choice is None or run.take(model.lift(report.choice)) or not report.proven:
                return report
            self._model = model.excluding(model.completed(report.choice))
        remark = (
            f"{EXCLUSIONS} answers of {family} in a row broke a constraint by less than its "
            "tolerance."
        )
        run.notes.append(remark)
        return Report(None, remark=remark)

    def _task(self) -> Task:
        model, run, options = self._model, self._run, self._run.options
        return Task(
            linked(model),
            self._scale.exponent,
            start=None if run.best is None else model.lower(run.best),
            deadline=run.deadline,
            # The back end sees the excess alone, a part of the loss unless the base is negative.
            gap=options.gap if model.base >= 0 else 0.0,
            threads=options.threads,
            seed=options.seed,
            variant=self._back_end.variant,
        )

    def _hear(self, choice: IntArray | None, bound: float | None) -> None:
        """Take up what a running back end has found, and report it."""
        run = self._run
        if choice is not None:
            run.take(self._model.lift(choice))
        _raise_bound(run, self._model, _in_units(bound, self._scale))
        run.report(
            None if run.best is None else float(run.loss),
            run.bound if math.isfinite(run.bound) else None,
        )

    def _stopped(self, report: Report | None) -> Found:
        run, limit = self._run, None
        if report is None or not report.remark:
            if run.options.time_limit is not None:
                limit = Limit.TIME
            else:
                run.notes.append(f"{self._back_end.family} gave up without a reason.")
        return Found(run.best, run.least_bound, limit, resolved=True)

    def _ended(self, report: Report) -> Found:
        """What a search that the back end calls complete has proven."""
        run, model, scale = self._run, self._model, self._scale
        excess = _excess(run, model)
        unproven = excess - _in_units(report.bound, scale)
        exact = unproven <= 0 and model.resolution == 0
        error = 0.0 if exact else _error(model, scale)
        # What is less than a rounding of the loss itself is no doubt about it.
        within = unproven <= 2 * (scale.error + ROUNDING * excess)
        proven = within or run.bound >= run.loss
        limit = Limit.GAP if not proven and run.options.gap > 0 else None
        doubt = f"The bound of {self._back_end.family} does not prove its answer optimal."
        notes = () if proven or limit else (doubt,)
        return Found(run.best, run.least_bound, limit, proven, error, notes=notes)


def _raise_bound(run: Run, model: BinaryModel, excess: float) -> None:
    if math.isfinite(excess):
        run.bound = max(run.bound, model.original(excess) - model.resolution)


def _excess(run: Run, model: BinaryModel) -> int:
    """What the best choice loses beyond the base of a model, in units; 0 without one."""
    lowered = None if run.best is None else model.lower(run.best)
    return 0 if lowered is None else model.excess(lowered)


def _narrowed(run: Run, model: BinaryModel) -> BinaryModel:
    """A new model of the candidates that can compete with the best choice."""
    usable = None if run.best is None else contenders(run.problem, run.best)
    return model if usable is None else binary_model(run.problem, usable) or model


def _in_units(bound: float | None, scale: Scale) -> float:
    """A back end's bound in units of the model, rounded up since all losses are integers."""
    if bound is None or not math.isfinite(bound):
        return -math.inf
    units = math.ldexp(bound, -scale.exponent)
    return math.ceil(units - scale.error - ROUNDING * abs(units))


def _error(model: BinaryModel, scale: Scale) -> float:
    """What model and back end together cannot tell apart, in units of the original loss."""
    return math.ldexp(scale.error, -model.exponent) + model.resolution
