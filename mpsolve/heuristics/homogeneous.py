"""The simplest baseline: the same precision in every layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.heuristics.blocks import Blocks
from mpsolve.model.evaluation import evaluate

if TYPE_CHECKING:
    from mpsolve.model.configuration import Configuration
    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray


class Homogeneous:
    """The homogeneous configuration of least loss that keeps every constraint.

    A layer that lacks the precision takes the nearest higher one. When no homogeneous
    configuration keeps the constraints, the one of least latency is returned, and the answer says
    so. From a start, it is the start itself.
    """

    default_start = ""

    def run(
        self, problem: Problem, start: Configuration | str | None, strict: bool = False
    ) -> tuple[IntArray, tuple[str, ...]]:
        """Return the choice and what is to be said about it."""
        blocks = Blocks.of(problem)
        if start:
            state, notes = blocks.start(start)
            return blocks.choice(state), notes
        answers = []
        for precision in sorted(set(problem.precisions)):
            try:
                state, notes = blocks.start(precision)
            except InputError:  # above what some layer has
                continue
            evaluation = evaluate(problem, blocks.choice(state))
            rank = (
                (0, evaluation.loss) if evaluation.feasible else (1, evaluation.costs[blocks.cost])
            )
            answers.append((rank, precision, state, notes))
        if not answers:
            raise InputError("No precision, or a higher one, is offered by every layer.")
        _, precision, state, notes = min(answers, key=lambda answer: answer[0])
        return blocks.choice(state), (f"Homogeneous {precision}.", *notes)
