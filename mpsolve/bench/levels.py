"""Budgets as places in the achievable range, the same for every instance."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.model.evaluation import total
from mpsolve.presolve.choice_groups import choice_groups

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.typing import Number


def at_level(problem: Problem, limited: tuple[str, ...], level: float) -> Problem:
    """The problem with a budget on each of the limited costs.

    Parameters
    ----------
    problem
        A problem without budgets.
    limited
        Names of costs.
    level
        Per cent: at 0 the budget is the least achievable sum, at 100 it is what the choice of
        least loss costs, so that it no longer binds.

    Examples
    --------
    >>> from mpsolve import Problem
    >>> problem = Problem.from_arrays([[0, 9], [0, 1]], {"cost": [[7, 3], [5, 1]]})
    >>> dict(at_level(problem, ("cost",), 50).budgets)
    {'cost': 8}
    """
    if not 0 <= level <= 100:
        raise InputError(f"A budget lies between 0 and 100 % of its range, not at {level:g} %.")
    return problem.replace(budgets={name: _limit(problem, name, level) for name in limited})


def _limit(problem: Problem, name: str, level: float) -> Number:
    cost, groups = problem.costs[name], choice_groups(problem)
    least = Fraction(total(cost[problem.flat(groups.cheapest(cost))]))
    most = Fraction(total(cost[problem.flat(groups.cheapest(problem.loss))]))
    limit = least + Fraction(level) / 100 * (most - least)
    return limit.numerator // limit.denominator if cost.dtype.kind == "i" else float(limit)


def parse_levels(text: str) -> tuple[float, ...]:
    """Levels as people write them: ``10,50,90``, or ``2:98:4`` from, to and step.

    Raises
    ------
    InputError
        If the text is neither.

    Examples
    --------
    >>> parse_levels("10,50"), parse_levels("0:100:25")
    ((10.0, 50.0), (0.0, 25.0, 50.0, 75.0, 100.0))
    """
    try:
        if ":" in text:
            first, last, step = (float(part) for part in text.split(":"))
            count = int((last - first) / step + 1e-9) + 1
            levels = tuple(first + step * k for k in range(count))
        else:
            levels = tuple(float(part.strip().removesuffix("%")) for part in text.split(","))
    except (ValueError, ZeroDivisionError):
        levels = ()
    if not levels or not all(0 <= level <= 100 for level in levels):
        raise InputError(
            f"{text!r} names no budgets: write per cents of the achievable range such as 10,50,90, "
            "or from:to:step such as 2:98:4."
        )
    return tuple(dict.fromkeys(levels))
