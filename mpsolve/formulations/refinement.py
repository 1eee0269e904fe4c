"""The one way of every exact method: integers, an engine, and finer integers where it takes them.

Numbers become integers on some scale, the engine searches those, and its answer is lifted to the
layers. Where the scale is coarse beside the answer, the candidates that cannot compete with it are
left out, which allows a finer scale, and the search runs again.

An engine is one file with a subclass of `Engine`, and one entry in `method.METHODS`. Of a problem
it makes `Integers`, that is the problem on one scale::

    class Mine(Engine):
        def unsupported(self, presolved):       # one sentence, or None
        def integers(self, presolved, run):     # None where a group has no candidate left
            return Scaled(run, presolved.own.once("mine", partial(model_of, presolved.problem)))

    class Scaled:                               # `binary_model` gives models for most engines
        def search(self, start):                # within run.deadline, told by run.report
            return Found(choice, bound, proven=True, error=self.model.resolution)
        def finer(self, choice):                # None where `worth_another` is false
            usable = contenders(self.run.problem, choice)

Bounds must hold on the original numbers. `Run.take` judges choices that turn up on the way, and
`mpsolve.solve` the one that is returned.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mpsolve.formulations.method import NONE_FOUND, Outcome
from mpsolve.model.evaluation import evaluate, loss_of
from mpsolve.model.solution import Limit, Progress

if TYPE_CHECKING:
    from mpsolve.formulations.method import Options
    from mpsolve.model.problem import Problem
    from mpsolve.presolve.presolved import Presolved
    from mpsolve.typing import IntArray, Number

#: How many scales are tried.
SCALES = 8
#: A finer scale is worth another search if it has at most this part of the error ...
FINER = 2.0**-3
#: ... and the error exceeds this part of what is lost: of what the contenders lose for the
#: knapsack, of the loss for the label setting, and of the excess for back ends with tolerances.
FINE_KNAPSACK, FINE_LABELS, FINE_BACK_END = 2.0**-45, 2.0**-40, 2.0**-32
#: A remark is due when the integers may misjudge the loss by more than this part of it.
RESOLUTION = 1e-9


class Found(NamedTuple):
    """What the search on one scale found, in original numbers.

    Attributes
    ----------
    choice
        ``(N,)`` int64 of the layers, or None.
    bound
        Proven lower bound on the loss; -inf without one.
    limit
        What stopped the search before the proof, if anything.
    proven
        Whether nothing is better on this scale or, without a choice, nothing exists.
    error
        How far the loss of a choice in integers may lie from the original one; 0 when exact.
    resolved
        Whether there is nothing to gain from a finer scale.
    notes
        Remarks for the user, if this search is the last one.
    """

    choice: IntArray | None
    bound: float = -math.inf
    limit: Limit | None = None
    proven: bool = False
    error: float = 0.0
    resolved: bool = False
    notes: tuple[str, ...] = ()


#: Where no choice exists.
NOTHING = Found(None, proven=True, resolved=True)


class Integers(Protocol):
    """A problem on one scale, with an engine that searches it."""

    def search(self, start: IntArray | None) -> Found:
        """Search for the optimum, beginning with a choice if there is one."""

    def finer(self, choice: IntArray | None) -> Integers | None:
        """What is left beside an answer, on a finer scale; None where that gains nothing."""


def refined(integers: Integers, start: IntArray | None) -> Found:
    """Search on a scale and on finer ones as long as that gains something."""
    found, scales = integers.search(start), 1
    while not found.resolved and scales < SCALES:
        finer = integers.finer(found.choice)
        if finer is None:
            break
        integers, start = finer, start if found.choice is None else found.choice
        found, scales = integers.search(start), scales + 1
    return found


def worth_another(error: float, least: float, lost: float, fine: float) -> bool:
    """Whether an error is coarse beside what is lost, and the error ``least`` much smaller."""
    return error > fine * lost and least <= FINER * error


class Run:
    """One solve: its clock, the best choice so far on the original numbers, and what to say.

    Attributes
    ----------
    problem, options
        What is solved, and how.
    deadline
        The `time.monotonic` value at which to stop.
    best, loss
        The best choice known that keeps every constraint, or None, and its loss, or inf.
    bound
        The best lower bound on the loss so far.
    notes
        Remarks for the user.
    """

    def __init__(self, problem: Problem, options: Options) -> None:
        self.problem, self.options = problem, options
        self.deadline = options.deadline()
        self._began = time.monotonic()
        self.best: IntArray | None = None
        self.loss: Number = math.inf
        self.bound = -math.inf
        self.notes: list[str] = []
        if options.warm_start is not None:
            self.take(options.warm_start)

    @property
    def least_bound(self) -> float:
        """The best lower bound, which the rounding of the best loss must not surpass."""
        return min(self.bound, float(self.loss))

    def take(self, choice: IntArray) -> bool:
        """Keep a choice if it is the best; say whether it keeps the constraints."""
        judged = evaluate(self.problem, choice)
        if judged.feasible and (self.best is None or judged.loss < self.loss):
            self.best, self.loss = choice, judged.loss
        return judged.feasible

    def report(self, incumbent: float | None, bound: float | None) -> None:
        """Tell the user the state of the search."""
        if self.options.progress:
            seconds = time.monotonic() - self._began
            self.options.progress(Progress(seconds, incumbent, bound))

    def outcome(self, found: Found, name: str) -> Outcome:
        """What a method called so says in the end."""
        if found.choice is None and found.proven:
            if self.best is None:
                return Outcome(None, complete=True)
            found = Found(self.best, self.least_bound, notes=(NONE_FOUND.format(name),))
        choice = self.best if found.choice is None else found.choice
        coarse: tuple[str, ...] = ()
        if choice is not None and found.error:
            lost = abs(loss_of(self.problem, choice))
            if found.error > RESOLUTION * lost:
                coarse = (f"Losses were resolved to {found.error:.2g}.",)
        return Outcome(
            choice,
            found.bound if math.isfinite(found.bound) else None,
            complete=found.proven,
            limit=found.limit,
            notes=(*self.notes, *coarse, *found.notes),
        )


class Engine(ABC):
    """An exact method in integers."""

    name: str

    @abstractmethod
    def unsupported(self, presolved: Presolved) -> str | None:
        """One sentence that names the part of the problem it cannot express, or None."""

    @abstractmethod
    def integers(self, presolved: Presolved, run: Run) -> Integers | None:
        """The problem on its first scale, or None where no choice exists."""

    def solve(self, presolved: Presolved, options: Options) -> Outcome:
        """Search for the optimum, on finer scales where the answer asks for them."""
        run = Run(presolved.problem, options)
        try:
            integers = self.integers(presolved, run)
            found = NOTHING if integers is None else refined(integers, run.best)
        except KeyboardInterrupt:
            found = Found(run.best, run.least_bound, Limit.INTERRUPTED)
        return run.outcome(found, self.name)
