"""The knapsack method: one budget, independent choice groups, our own exact search."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import UnsupportedError
from mpsolve.formulations.mckp.kernels import default_kernel, kernel_named
from mpsolve.formulations.mckp.knapsack import Knapsack
from mpsolve.formulations.refinement import Engine
from mpsolve.presolve.choice_groups import choice_groups
from mpsolve.presolve.redundancy import binding_constraints, binding_pairwise

if TYPE_CHECKING:
    from mpsolve.formulations.mckp.knapsack import Scaled
    from mpsolve.formulations.refinement import Run
    from mpsolve.model.problem import Problem
    from mpsolve.presolve.choice_groups import ChoiceGroups
    from mpsolve.presolve.presolved import Presolved
    from mpsolve.typing import BoolArray, Number


class Mckp(Engine):
    """Multiple-choice knapsack: reduction, relaxation and core dynamic programme.

    Parameters
    ----------
    kernel
        ``"compiled"`` or ``"reference"``, whose answers are equally good; by default the compiled
        one where it was built.
    """

    name = "mckp"

    def __init__(self, kernel: str = "") -> None:
        self._kernel = kernel_named(kernel) if kernel else default_kernel()

    def unsupported(self, presolved: Presolved) -> str | None:
        """Name what does not fit into one knapsack."""
        problem = presolved.problem
        if constraints := binding_constraints(problem):
            return f"mckp cannot keep {constraints[0]}; use method cpsat or milp."
        if len(budgets := presolved.binding_budgets) > 1:
            names = " and ".join(budgets)
            return f"mckp keeps one budget, and {names} can all bind; use method cpsat or milp."
        if terms := binding_pairwise(problem):
            return f"mckp cannot add up {terms[0]}; use method lagrangian, highs or cpsat."
        try:
            presolved.groups  # of which tied layers may have too many joint candidates
        except UnsupportedError as error:
            return str(error)
        return None

    def integers(self, presolved: Presolved, run: Run) -> Scaled:
        """The knapsack with tied layers merged."""
        knapsack, limit = self._knapsack(presolved)
        options = run.options
        report = run.report if options.progress else None
        return knapsack.within(
            limit,
            deadline=run.deadline,
            label_limit=options.label_limit,
            gap=options.gap,
            report=report,
        )

    def _knapsack(self, presolved: Presolved) -> tuple[Knapsack, Number]:
        """The knapsack of the one budget that binds, and its limit.

        Without a binding budget, nothing costs anything.
        """
        problem, names = presolved.problem, presolved.binding_budgets
        name = names[0] if names else None

        def built() -> Knapsack:
            cost = np.zeros(len(problem.loss), np.int64) if name is None else problem.costs[name]
            group = None if _plain(problem) else partial(_groups, problem, presolved.groups)
            return Knapsack(problem.loss, cost, problem.offsets, group, self._kernel)

        knapsack = presolved.lasting.once(("mckp", self._kernel.name, name), built)
        return knapsack, 0 if name is None else problem.budgets[name]


def _plain(problem: Problem) -> bool:
    """Whether every layer with all its candidates is a group."""
    return not problem.ties and bool(problem.allowed.all())


def _groups(problem: Problem, whole: ChoiceGroups, usable: BoolArray | None) -> ChoiceGroups:
    if usable is None or (usable | ~problem.allowed).all():
        return whole
    return choice_groups(problem, usable=usable & problem.allowed)
