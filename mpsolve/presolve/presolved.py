"""A problem together with what has been worked out about it, each thing once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from mpsolve.errors import UnsupportedError
from mpsolve.presolve.choice_groups import choice_groups
from mpsolve.presolve.redundancy import binding_budgets
from mpsolve.storage.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.model.problem import Problem
    from mpsolve.presolve.choice_groups import ChoiceGroups
    from mpsolve.typing import Number


@dataclass(frozen=True, eq=False)
class Presolved:
    """A problem and what methods prepare for it; threads may share it.

    Attributes
    ----------
    problem
        The problem.
    lasting
        What holds for the problem under any budgets.
    own
        What holds under these budgets.
    """

    problem: Problem
    lasting: Shelf = field(default_factory=Shelf)
    own: Shelf = field(default_factory=Shelf)

    @classmethod
    def of(cls, problem: Problem | Presolved) -> Presolved:
        """A problem of which nothing is known yet; one that is presolved stays as it is."""
        return problem if isinstance(problem, Presolved) else cls(problem)

    def under(self, budgets: Mapping[str, Number]) -> Presolved:
        """The problem with other budgets and all that does not depend on them."""
        return Presolved(self.problem.replace(budgets=budgets), self.lasting)

    @property
    def groups(self) -> ChoiceGroups:
        """The layers as independent groups: tied ones merged, restrictions applied.

        Raises
        ------
        UnsupportedError
            If a group would get too many joint candidates; see `choice_groups`.
        """
        return self.lasting.once("groups", partial(choice_groups, self.problem))

    @property
    def largest_groups(self) -> ChoiceGroups:
        """As `groups`; where one would get too many joint candidates, with fewer ties merged."""
        return self.lasting.once("largest groups", self._largest_groups)

    def _largest_groups(self) -> ChoiceGroups:
        try:
            return self.groups
        except UnsupportedError:
            return choice_groups(self.problem, merge="whole")

    @property
    def binding_budgets(self) -> list[str]:
        """The budgets that can bind at all; see `mpsolve.presolve.redundancy`."""
        return self.own.once("binding budgets", partial(binding_budgets, self.problem))
