"""The lists of lists that peers take, and what none of them can express."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.presolve.choice_groups import choice_groups

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray, NumberArray


def rows(problem: Problem, values: NumberArray) -> list[list[Any]]:
    """One list per group, tied layers merged."""
    groups = choice_groups(problem)
    merged = groups.merged(values).tolist()
    return [merged[a:b] for a, b in pairwise(groups.offsets.tolist())]


def choice(problem: Problem, positions: list[int]) -> IntArray:
    """The choice of the problem for one position per group."""
    return choice_groups(problem).lift(np.array(positions, np.int64))


def refusal(problem: Problem, *, single: bool = False) -> str | None:
    """What the peers leave out, or those for a single budget."""
    if problem.constraints or problem.pairwise:
        return "It takes budgets, no constraints and no pairwise terms."
    if single and len(problem.budgets) != 1:
        return "It takes a single budget."
    if choice_groups(problem).empty_groups:
        return "A layer has no candidate left."
    return None
