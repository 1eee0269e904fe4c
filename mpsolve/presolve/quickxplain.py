"""Parts of a problem: all its constraints as one list, and smallest sets of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mpsolve.model.constraints import LinearConstraint, Restriction, Tie

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.model.problem import Problem
    from mpsolve.typing import Number


@dataclass(frozen=True)
class BudgetPart:
    """A budget as a constraint beside the others."""

    cost: str
    limit: Number

    def __str__(self) -> str:
        return f"budget {self.cost} <= {shown_number(self.limit)}"


#: Anything that an assignment must respect.
Part = BudgetPart | LinearConstraint | Tie | Restriction
_T = TypeVar("_T")


def minimal(parts: list[_T], conflicting: Callable[[list[_T]], bool]) -> list[_T]:
    """Some of the constraints that conflict, and without any one of them no longer do.

    QuickXplain (Junker, AAAI 2004, Algorithm 1). Of several answers it prefers the one with
    earlier constraints.

    Parameters
    ----------
    parts
        Constraints that conflict.
    conflicting
        Whether some of the constraints conflict; none of them may do so already.
    """

    def needed(kept: list[_T], grown: bool, doubtful: list[_T]) -> list[_T]:
        if grown and conflicting(kept):
            return []
        if len(doubtful) == 1:
            return doubtful
        first, second = doubtful[: len(doubtful) // 2], doubtful[len(doubtful) // 2 :]
        of_second = needed(kept + first, True, second)
        of_first = needed(kept + of_second, bool(of_second), first)
        return of_first + of_second

    return needed([], True, parts) if parts else []


def parts_of(problem: Problem) -> list[Part]:
    """Every constraint of a problem; those that are the easiest to give up come first."""
    budgets = [BudgetPart(cost, limit) for cost, limit in problem.budgets.items()]
    return [*budgets, *problem.constraints, *problem.ties, *problem.restrictions]


def only(problem: Problem, parts: list[Part]) -> Problem:
    """The problem with these constraints alone."""
    return problem.replace(
        budgets={part.cost: part.limit for part in parts if isinstance(part, BudgetPart)},
        constraints=[part for part in parts if isinstance(part, LinearConstraint)],
        ties=[part for part in parts if isinstance(part, Tie)],
        restrictions=[part for part in parts if isinstance(part, Restriction)],
    )


def section_of(problem: Problem, layers: tuple[str, ...], parts: list[Part]) -> Problem:
    """The problem on some of its layers, with these constraints alone and no pairwise terms."""
    spans = [range(*problem.offsets[i : i + 2]) for i in map(problem.index_of, layers)]
    rows = [j for span in spans for j in span]
    section = problem.replace(
        layers=layers,
        offsets=np.cumsum([0, *map(len, spans)]),
        precisions=[problem.precisions[j] for j in rows],
        loss=problem.loss[rows],
        costs={name: cost[rows] for name, cost in problem.costs.items()},
        budgets={},
        constraints=(),
        ties=(),
        restrictions=(),
        deviations={},
        pairwise=(),
    )
    return only(section, parts)


def shown_number(value: Number, digits: int = 6) -> str:
    """An integer in full, or a float with so many digits, or all before the point."""
    if isinstance(value, int):
        return f"{value:,}"
    text = f"{value:,.{digits}g}"
    return f"{value:,.0f}" if "e+" in text and abs(value) < 1e15 else text
