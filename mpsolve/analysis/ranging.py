"""What an answer means for its budgets: what more would be worth, and how far it stays optimal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.analysis.shadow_prices import multipliers
from mpsolve.errors import InputError, UnsupportedError
from mpsolve.model.evaluation import FLOAT_SLACK, total
from mpsolve.model.solution import Limit, Solution, Status
from mpsolve.presolve.presolved import Presolved
from mpsolve.presolve.redundancy import refuse_pairwise
from mpsolve.solving.session import Repetition, Stopped
from mpsolve.solving.solve import solve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from mpsolve.model.configuration import Configuration
    from mpsolve.model.precision import Precision
    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray, Number, NumberArray

#: Floats closer than this part of their distance to the least sum are not told apart.
RESOLUTION = 2.0**-30


@dataclass(frozen=True, eq=False)
class Neighbour:
    """The optimum at another limit of one budget.

    Attributes
    ----------
    limit
        The limit on the budget; those on the others are unchanged.
    loss, costs
        Its total loss and its total costs.
    configuration
        The precision of every layer.
    changes
        (layer, precision before, precision then) of the layers that differ from the answer.
    """

    limit: Number
    loss: Number
    costs: Mapping[str, Number]
    configuration: Configuration
    changes: tuple[tuple[str, Precision, Precision], ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "limit": self.limit,
            "loss": self.loss,
            "costs": dict(self.costs),
            "configuration": self.configuration.to_json(),
            "changes": {layer: [str(old), str(new)] for layer, old, new in self.changes},
        }


@dataclass(frozen=True, eq=False)
class BudgetSensitivity:
    """What one budget means for an optimal answer, the limits on all others being as they are.

    Attributes
    ----------
    cost
        The cost that is limited.
    limit
        Its limit.
    multiplier
        Loss per unit of the cost that a larger limit saves in the linear relaxation: the slope
        of the lower bound, that is of the convex envelope of the front, not of the front itself,
        which is a staircase. None if tied layers have too many joint candidates to price.
    lower, upper
        The answer is optimal for every limit of at least ``lower``, its own cost, and below
        ``upper``, the least cost at which less loss is possible; infinite if no limit allows it.
    larger
        The optimum at ``upper``, or None if no limit allows less loss.
    smaller
        The optimum just below ``lower``, or None if no assignment costs less.
    complete
        False if a limit ended a search: then the answer is optimal below ``upper``, and perhaps
        beyond it, and an absent neighbour may exist.
    """

    cost: str
    limit: Number
    multiplier: float | None
    lower: Number
    upper: Number
    larger: Neighbour | None = None
    smaller: Neighbour | None = None
    complete: bool = True

    def to_json(self) -> dict[str, Any]:
        """Plain data; an infinite ``upper`` is null."""
        return {
            "limit": self.limit,
            "multiplier": self.multiplier,
            "lower": self.lower,
            "upper": self.upper if math.isfinite(self.upper) else None,
            "larger": self.larger and self.larger.to_json(),
            "smaller": self.smaller and self.smaller.to_json(),
            "complete": self.complete,
        }


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What the budgets mean for an optimal answer.

    Attributes
    ----------
    problem
        The problem.
    solution
        Its optimal answer.
    budgets
        One entry per budget, in the order of the problem.
    limit
        What stopped the analysis before it was complete, or None.
    """

    problem: Problem
    solution: Solution
    budgets: tuple[BudgetSensitivity, ...]
    limit: Limit | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "loss": self.solution.loss,
            "loss_name": self.problem.loss_name,
            "units": dict(self.problem.units),
            "budgets": {budget.cost: budget.to_json() for budget in self.budgets},
            "limit": self.limit.value if self.limit else None,
            "provenance": self.problem.provenance.value,
            "source": self.problem.source,
        }

    def table(self) -> Table:
        """The analysis as a `rich.table.Table`, one row per budget."""
        from mpsolve.report.tables import sensitivity_table

        return sensitivity_table(self)


def sensitivity(
    problem: Problem,
    solution: Solution | None = None,
    *,
    method: str = "auto",
    time_limit: float | None = None,
    threads: int = 1,
    seed: int = 0,
) -> Sensitivity:
    """Say what each budget is worth, and for which limits the answer stays optimal.

    The ends of a range come from exact solves: the upper one minimises the cost subject to less
    loss than the answer has. Integers are told apart exactly; sums of floats that differ by less
    than 2^-30 of how far the answer lies above the least sum count as equal.

    Parameters
    ----------
    problem
        The problem.
    solution
        Its optimal answer; by default the problem is solved first.
    method
        The exact method to solve the variants by; ``auto`` where it cannot express one.
    time_limit
        Wall seconds for the analysis, or None.
    threads, seed
        As for `mpsolve.solve`.

    Raises
    ------
    InputError
        If the answer is not proven optimal.
    UnsupportedError
        If the problem has pairwise terms.

    Examples
    --------
    >>> from mpsolve import Problem
    >>> problem = Problem.from_arrays([[0, 3, 5], [0, 1]], {"us": [[9, 4, 1], [7, 2]]}, {"us": 8})
    >>> budget = sensitivity(problem).budgets[0]
    >>> budget.lower, budget.upper, budget.larger.loss, round(budget.multiplier, 3)
    (6, 11, 1, 0.6)
    """
    refuse_pairwise(problem, "The sensitivity")
    repetition, presolved = Repetition(method, time_limit, threads, seed), Presolved(problem)
    if solution is None:
        solution = solve(presolved, method, time_limit=time_limit, threads=threads, seed=seed)
    if solution.status is not Status.OPTIMAL or solution.choice is None:
        raise InputError(
            f"The sensitivity is that of a proven optimum, and this answer is {solution.status}."
        )
    study = _Study(presolved, solution.choice, repetition)
    return Sensitivity(problem, solution, tuple(study.budgets()), study.limit)


class _Study:
    """The analysis of one answer; after a limit it says what is known without solving."""

    def __init__(self, presolved: Presolved, choice: IntArray, repetition: Repetition) -> None:
        self.presolved, self.problem, self.choice = presolved, presolved.problem, choice
        self.repetition = repetition
        self.stopped = False
        self.limit: Limit | None = None

    def budgets(self) -> list[BudgetSensitivity]:
        try:
            prices: Mapping[str, float] = multipliers(self.problem, self.choice)
        except UnsupportedError:
            prices = {}
        return [self._budget(name, prices.get(name)) for name in self.problem.budgets]

    def _budget(self, name: str, multiplier: float | None) -> BudgetSensitivity:
        limit = self.problem.budgets[name]
        cost = total(self.problem.costs[name][self.problem.flat(self.choice)])
        upper, larger, smaller = limit, None, None
        try:
            if not self.stopped:
                upper, larger = self._larger(name)
                smaller = self._at(name, self._below(self.problem.costs[name]))
        except (Stopped, KeyboardInterrupt) as stop:
            self.stopped = True
            self.limit = stop.limit if isinstance(stop, Stopped) else Limit.INTERRUPTED
        lower = min(cost, limit)  # a float sum may exceed the limit by its rounding
        return BudgetSensitivity(
            name, limit, multiplier, lower, upper, larger, smaller, not self.stopped
        )

    def _larger(self, name: str) -> tuple[Number, Neighbour | None]:
        """The least cost at which less loss is possible, and the optimum there."""
        problem = self.problem
        others = {cost: limit for cost, limit in problem.budgets.items() if cost != name}
        bounded = next(key for key in ("loss", "loss'") if key not in others)
        swapped = problem.replace(
            loss=problem.costs[name],
            costs={**{cost: problem.costs[cost] for cost in others}, bounded: problem.loss},
            budgets={**others, bounded: self._below(problem.loss)},
            deviations={},
        )
        cheapest = self.repetition.optimum(swapped)
        if cheapest.loss is None:
            return math.inf, None
        return cheapest.loss, self._at(name, cheapest.loss, cheapest.choice)

    def _at(self, name: str, limit: Number, start: IntArray | None = None) -> Neighbour | None:
        """The optimum at another limit."""
        variant = self.presolved.under({**self.problem.budgets, name: limit})
        best = self.repetition.optimum(variant, start)
        if best.configuration is None or best.loss is None:
            return None
        old = self.problem.configuration(self.choice)
        changes = tuple(
            (layer, old[layer], new)
            for layer, new in best.configuration.items()
            if new != old[layer]
        )
        return Neighbour(limit, best.loss, best.costs, best.configuration, changes)

    def _below(self, values: NumberArray) -> Number:
        """The largest limit that the sum of the answer's values breaks for sure."""
        offsets = self.problem.offsets
        chosen = values[self.problem.flat(self.choice)]
        whole = total(chosen)
        if isinstance(whole, int):
            return whole - 1
        above_least = math.fsum(chosen - np.minimum.reduceat(values, offsets[:-1]))
        rounding = 2 * (len(chosen) + 8) * FLOAT_SLACK * math.fsum(np.abs(chosen))
        return min(whole - RESOLUTION * above_least - rounding, math.nextafter(whole, -math.inf))
