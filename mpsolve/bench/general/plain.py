"""The plain model: natural numbers, one binary variable per candidate."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.formulations.task import nearest_choice
from mpsolve.presolve.choice_groups import choice_groups

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.presolve.choice_groups import ChoiceGroups
    from mpsolve.typing import FloatArray, IntArray, Number, NumberArray


@dataclass(frozen=True, eq=False)
class Plain:
    """Losses, costs and budgets as they are; tied layers are one group.

    Attributes
    ----------
    loss
        ``(J,)`` of the candidates of all groups.
    costs
        Per budget, its ``(J,)`` costs and its limit.
    groups
        Where the candidates of each group begin and end, and what they stand for.
    """

    loss: NumberArray
    costs: tuple[tuple[NumberArray, Number], ...]
    groups: ChoiceGroups

    @classmethod
    def of(cls, problem: Problem) -> Plain:
        """The plain model of a problem."""
        groups = choice_groups(problem)
        costs = tuple(
            (groups.merged(problem.costs[name]), limit) for name, limit in problem.budgets.items()
        )
        return cls(groups.merged(problem.loss), costs, groups)

    @property
    def ranges(self) -> list[range]:
        """The variables of each group."""
        offsets = self.groups.offsets.tolist()
        return [range(a, b) for a, b in pairwise(offsets)]

    def lift(self, values: FloatArray) -> IntArray:
        """The choice of the problem for ``(J,)`` values of the variables."""
        return self.groups.lift(nearest_choice(np.asarray(values), self.groups.offsets))


def refusal(problem: Problem) -> str | None:
    """What the plain models leave out."""
    if problem.constraints or problem.pairwise:
        return "The plain models have budgets and ties, no constraints and no pairwise terms."
    if choice_groups(problem).empty_groups:
        return "A layer has no candidate left."
    return None
