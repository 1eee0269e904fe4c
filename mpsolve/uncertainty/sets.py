"""Against what an answer is protected: errors of a cost, and the promise that is kept in spite.

=====================  =====================================================================
`ChanceConstraint`     the budget is kept with a stated probability
`Box`                  the budget is kept whatever the errors within a width of every number
`Budgeted`             the same, if at most so many layers deviate at once
=====================  =====================================================================
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, TypeAlias

from mpsolve.building.deviations import widths
from mpsolve.errors import InputError
from mpsolve.uncertainty.counterpart import Largest, Padded, Protection, Spread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.model.precision import Precision
    from mpsolve.model.problem import Problem
    from mpsolve.typing import FloatArray, Number

Errors = Literal["normal", "correlated", "uncorrelated", "any"]
#: What is assumed of the errors, as a sentence says it.
ASSUMPTIONS: dict[Errors, str] = {
    "normal": "independent normal errors",
    "correlated": "normal errors of any correlation",
    "uncorrelated": "uncorrelated errors of any distribution",
    "any": "errors of any distribution and correlation",
}


@dataclass(frozen=True)
class ChanceConstraint:
    """A budget is kept with at least this probability.

    The numbers of the cost are means, and `Problem.deviations` holds their standard deviations.
    The total cost deviates by the root of the summed variances if the errors are uncorrelated and
    by no more than the sum of the standard deviations in any case. How many of these deviations
    are added to the means is a quantile of the normal distribution, or sqrt(p / (1 - p)) for any
    distribution by Cantelli's inequality (1928; see Calafiore and El Ghaoui, *Journal of
    Optimization Theory and Applications* 130 (2006), theorem 3.1).

    ==============  ==============================  =============================
    errors          standard deviation of the sum   how many of them
    ==============  ==============================  =============================
    normal          root of the summed variances    normal quantile of p
    correlated      sum of standard deviations      normal quantile of p
    uncorrelated    root of the summed variances    sqrt(p / (1 - p))
    any             sum of standard deviations      sqrt(p / (1 - p))
    ==============  ==============================  =============================

    Attributes
    ----------
    cost
        The cost whose budget is kept.
    probability
        At least 0.5 and below 1.
    errors
        What is assumed of the errors: ``"normal"`` (independent), ``"correlated"`` (jointly
        normal), ``"uncorrelated"`` or ``"any"``.
    """

    cost: str
    probability: float
    errors: Errors = "normal"

    def __post_init__(self) -> None:
        if not 0.5 <= self.probability < 1:
            raise InputError(
                f"The probability of keeping {self.cost} must be at least 0.5 and below 1, not "
                f"{self.probability}."
            )
        if self.errors not in ASSUMPTIONS:
            raise InputError(f"errors is one of {', '.join(ASSUMPTIONS)}, not {self.errors!r}.")

    def bind(self, problem: Problem) -> Protection:
        """The protected cost of a problem."""
        limit = _limit(problem, self.cost)
        if self.cost not in problem.deviations:
            raise InputError(
                f"There are no standard deviations of {self.cost}: add a column {self.cost}_std "
                "to the table, or state them with Problem.with_deviations."
            )
        mean, deviation = problem.costs[self.cost], problem.deviations[self.cost]
        if self.errors in ("normal", "correlated"):
            factor = NormalDist().inv_cdf(self.probability)
        else:
            factor = math.sqrt(self.probability / (1 - self.probability))
        if self.errors in ("correlated", "any"):
            return Padded(mean + factor * deviation, limit)
        return Spread(problem, mean, deviation, factor, limit)

    def protected_cost(self, problem: Problem, configuration: Mapping[str, Precision]) -> Number:
        """The cost that a configuration exceeds with at most the remaining probability."""
        return _protected(self, problem, configuration)

    def __str__(self) -> str:
        kept = f"within its budget with a probability of at least {self.probability:.10g}"
        return f"{self.cost} is {kept} under {ASSUMPTIONS[self.errors]}"


@dataclass(frozen=True, eq=False)
class Box:
    """A budget is kept although every number may be off by its width.

    Attributes
    ----------
    cost
        The cost whose budget is kept.
    width
        A number in the unit of the cost, text such as ``"5%"`` of every candidate's own cost, or
        ``(M,)`` numbers.
    """

    cost: str
    width: Number | str | FloatArray

    def bind(self, problem: Problem) -> Protection:
        """The protected cost of a problem."""
        limit = _limit(problem, self.cost)
        return Padded(problem.costs[self.cost] + widths(problem, self.cost, self.width), limit)

    def protected_cost(self, problem: Problem, configuration: Mapping[str, Precision]) -> Number:
        """What a configuration costs in the worst case."""
        return _protected(self, problem, configuration)

    def __str__(self) -> str:
        return f"{self.cost} is within its budget if every layer's is off by {_shown(self.width)}"


@dataclass(frozen=True, eq=False)
class Budgeted:
    """A budget is kept if no more than ``gamma`` layers are off by their widths at once.

    The budgeted uncertainty of Bertsimas and Sim, *Operations Research* 52 (2004); a fraction of
    ``gamma`` lets one more layer deviate by that part of its width.

    Attributes
    ----------
    cost
        The cost whose budget is kept.
    width
        As for `Box`.
    gamma
        How many layers deviate; 0 protects from nothing, and the number of layers as `Box` does.
    """

    cost: str
    width: Number | str | FloatArray
    gamma: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.gamma) and self.gamma >= 0):
            raise InputError(f"gamma counts layers and is at least 0, not {self.gamma}.")

    def bind(self, problem: Problem) -> Protection:
        """The protected cost of a problem."""
        limit = _limit(problem, self.cost)
        width = widths(problem, self.cost, self.width)
        return Largest(problem, problem.costs[self.cost], width, self.gamma, limit)

    def protected_cost(self, problem: Problem, configuration: Mapping[str, Precision]) -> Number:
        """What a configuration costs in the worst case."""
        return _protected(self, problem, configuration)

    def __str__(self) -> str:
        return (
            f"{self.cost} is within its budget if up to {self.gamma:g} layers are off by "
            f"{_shown(self.width)}"
        )


#: Any of them.
Robustness: TypeAlias = ChanceConstraint | Box | Budgeted


def _limit(problem: Problem, cost: str) -> Number:
    if cost not in problem.budgets:
        known = ", ".join(problem.budgets) or "none"
        raise InputError(f"There is no budget on {cost} to protect; the budgets are on: {known}.")
    return problem.budgets[cost]


def _protected(
    robustness: Robustness, problem: Problem, configuration: Mapping[str, Precision]
) -> Number:
    return robustness.bind(problem).cost(problem.flat(problem.choice(configuration)))


def _shown(width: Number | str | FloatArray) -> str:
    return f"{width}" if isinstance(width, str | int | float) else "its width"
