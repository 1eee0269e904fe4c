"""What a given configuration costs, and whether anything is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mpsolve.model.evaluation import Evaluation, evaluate
from mpsolve.model.solution import Solution, Status, relative_gap
from mpsolve.solving.solve import solve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.model.precision import Precision
    from mpsolve.model.problem import Problem


@dataclass(frozen=True, eq=False)
class Verification:
    """A configuration, judged.

    Attributes
    ----------
    problem
        The problem.
    evaluation
        Loss, costs and violated constraints of the configuration.
    best
        The answer of an exact method to the same problem.
    """

    problem: Problem
    evaluation: Evaluation
    best: Solution

    @property
    def optimal(self) -> bool | None:
        """Whether the configuration is proven optimal; None if the proof was not finished."""
        if not self.evaluation.feasible:
            return False
        if self.best.bound is not None and self.evaluation.loss <= self.best.bound:
            return True
        if self.best.loss is not None and self.best.loss < self.evaluation.loss:
            return False
        return True if self.best.status is Status.OPTIMAL else None

    @property
    def gap(self) -> float | None:
        """(loss - proven bound) / abs(loss) of a configuration that keeps the constraints."""
        if not self.evaluation.feasible or self.best.bound is None:
            return None
        return relative_gap(self.evaluation.loss, self.best.bound)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "loss": self.evaluation.loss,
            "loss_name": self.problem.loss_name,
            "costs": dict(self.evaluation.costs),
            "budgets": dict(self.problem.budgets),
            "violations": list(self.evaluation.violations),
            "feasible": self.evaluation.feasible,
            "optimal": self.optimal,
            "gap": self.gap,
            "best": self.best.to_json(),
            "provenance": self.problem.provenance.value,
            "source": self.problem.source,
        }


def verify(
    problem: Problem,
    configuration: Mapping[str, Precision],
    *,
    method: str = "auto",
    time_limit: float | None = None,
) -> Verification:
    """Evaluate a configuration on the original numbers and compare it with the optimum.

    Parameters
    ----------
    problem
        The problem.
    configuration
        The precision of every layer.
    method
        The exact method to compare with.
    time_limit
        Wall seconds for that method.
    """
    choice = problem.choice(configuration)
    evaluation = evaluate(problem, choice)
    start = choice if evaluation.feasible else None
    best = solve(problem, method, warm_start=start, time_limit=time_limit)
    return Verification(problem, evaluation, best)
