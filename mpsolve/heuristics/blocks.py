"""What the heuristics work on: layers, or tied layers as one, with latencies and precisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.building.homogeneous import homogeneous_choice
from mpsolve.errors import InputError
from mpsolve.model.configuration import Configuration
from mpsolve.model.evaluation import total
from mpsolve.presolve.choice_groups import choice_groups

if TYPE_CHECKING:
    from mpsolve.model.precision import Precision
    from mpsolve.model.problem import Problem
    from mpsolve.presolve.choice_groups import ChoiceGroups
    from mpsolve.typing import IntArray, Number, NumberArray


@dataclass(frozen=True, eq=False)
class Blocks:
    """Blocks of layers that move as one, each with the candidates that it may take.

    A state is a list with one candidate per block; candidates are numbered over all blocks.

    Attributes
    ----------
    problem
        The problem.
    groups
        Its layers, tied ones merged, without forbidden candidates.
    cost
        Name of the cost that the heuristic watches, the latency.
    latency
        ``(J,)`` latency of each candidate.
    precisions
        Per candidate, the precision of every layer of its block.
    """

    problem: Problem
    groups: ChoiceGroups
    cost: str
    latency: NumberArray
    precisions: tuple[tuple[Precision, ...], ...]

    @classmethod
    def of(cls, problem: Problem) -> Blocks:
        """The blocks of a problem."""
        groups = choice_groups(problem)
        if groups.empty_groups:
            layers = ", ".join(problem.layers[i] for i in groups.empty_groups[0])
            raise InputError(f"No candidate is left for {layers}.")
        cost = _watched_cost(problem)
        joint = range(len(groups.part_offsets) - 1)
        precisions = tuple(groups.precisions(problem, j) for j in joint)
        return cls(problem, groups, cost, groups.merged(problem.costs[cost]), precisions)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a heuristic that looks at the latencies of layers alone does not see."""
        if not self.problem.pairwise_on(self.cost):
            return ()
        return (
            f"The search ignores what pairs of layers add to {self.cost}; its answer is "
            "evaluated with it.",
        )

    @property
    def target(self) -> Number:
        """The budget on the watched cost."""
        if self.cost not in self.problem.budgets:
            raise InputError(
                f"The greedy heuristics need a target: give a budget on {self.cost}, "
                f"such as {self.cost}=0.7x."
            )
        return self.problem.budgets[self.cost]

    def candidates(self, block: int) -> range:
        """The candidates of a block."""
        return range(int(self.groups.offsets[block]), int(self.groups.offsets[block + 1]))

    def start(self, start: Configuration | Precision | str) -> tuple[list[int], tuple[str, ...]]:
        """The state that a configuration, or the text of a homogeneous one, stands for."""
        if isinstance(start, Configuration):
            choice = self.problem.choice(start)
            notes: tuple[str, ...] = ()
        else:
            choice, notes = homogeneous_choice(self.problem, start, self.groups)
        lowered = self.groups.lower(choice)
        if lowered is None:
            raise InputError(
                "The start breaks a tie or a restriction of the problem; "
                "heuristics need a start that keeps them."
            )
        return (self.groups.offsets[:-1] + lowered).tolist(), notes

    def choice(self, state: list[int]) -> IntArray:
        """The choice of the problem that a state stands for."""
        return self.groups.lift(np.array(state) - self.groups.offsets[:-1])

    def total(self, state: list[int]) -> Number:
        """The summed latency of a state."""
        return total(self.latency[state])

    def is_higher_or_equal(self, candidate: int, other: int) -> bool:
        """Whether no layer of the block has a lower precision."""
        pairs = zip(self.precisions[candidate], self.precisions[other], strict=True)
        return all(p.is_higher_or_equal(q) for p, q in pairs)

    def is_higher(self, candidate: int, other: int) -> bool:
        """Whether no layer of the block has a lower precision and one has a higher."""
        pairs = zip(self.precisions[candidate], self.precisions[other], strict=True)
        return self.is_higher_or_equal(candidate, other) and any(p.is_higher(q) for p, q in pairs)

    def fastest(self, candidates: list[int]) -> int:
        """The candidate of least latency; among equals the one of most bits (assumption 2)."""
        return min(candidates, key=lambda j: (self.latency[j], -self._bits(j)))

    def _bits(self, candidate: int) -> float:
        return sum(p.bits for p in self.precisions[candidate])


def _watched_cost(problem: Problem) -> str:
    if "latency" in problem.costs:
        return "latency"
    if len(problem.budgets) == 1:
        return next(iter(problem.budgets))
    raise InputError("The heuristics watch the latency, and the problem has no such cost.")
