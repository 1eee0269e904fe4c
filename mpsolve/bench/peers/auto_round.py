"""Intel AutoRound: the dynamic programme behind its ``AutoScheme``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.bench.contender import Answer
from mpsolve.bench.peers.rows import choice, refusal, rows
from mpsolve.bench.result import Claim

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem


class AutoRound:
    """``choose_bits_per_layer_with_path`` of auto-round (0.16.1), without its beam.

    It keeps every non-dominated partial sum, so that it is exact; it says nothing about that, and
    has no time limit.
    """

    def unsupported(self, problem: Problem) -> str | None:
        """A single budget."""
        return refusal(problem, single=True)

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Call it."""
        from auto_round.auto_scheme.delta_loss import choose_bits_per_layer_with_path

        ((name, limit),) = problem.budgets.items()
        pairs = zip(rows(problem, problem.costs[name]), rows(problem, problem.loss), strict=True)
        layers = {
            g: [(k, cost, loss, [g]) for k, (cost, loss) in enumerate(zip(*pair, strict=True))]
            for g, pair in enumerate(pairs)
        }
        _, path = choose_bits_per_layer_with_path(layers, limit)
        if path is None:
            return Answer(Claim.INFEASIBLE)
        taken = {names[0]: position for names, position in path}
        return Answer(Claim.FEASIBLE, choice(problem, [taken[g] for g in layers]))
