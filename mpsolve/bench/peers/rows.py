"""The lists of lists that peers take, and what none of them can express."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray, NumberArray


def rows(problem: Problem, values: NumberArray) -> list[list[Any]]:
    """One list per group, tied layers merged."""
    merged, offsets = problem.groups.merged(values).tolist(), problem.groups.offsets.tolist()
    return [merged[a:b] for a, b in pairwise(offsets)]


def choice(problem: Problem, positions: list[int]) -> IntArray:
    """The choice of the problem for one position per group."""
    return problem.groups.lift(np.array(positions, np.int64))


def refusal(problem: Problem, *, single: bool = False) -> str | None:
    """What the peers leave out, or those for a single budget."""
    if problem.constraints or problem.pairwise:
        return "It takes budgets, no constraints and no pairwise terms."
    if single and len(problem.budgets) != 1:
        return "It takes a single budget."
    if problem.groups.empty_groups:
        return "A layer has no candidate left."
    return None
