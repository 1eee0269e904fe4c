"""NVIDIA ModelOpt: the integer programme behind ``auto_quantize``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.bench.contender import Answer
from mpsolve.bench.peers.rows import choice, refusal, rows
from mpsolve.bench.result import Claim

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem

_CLAIMS = {"Optimal": Claim.OPTIMAL, "Infeasible": Claim.INFEASIBLE}


class ModelOpt:
    """``modelopt.torch.opt.searcher.LPS`` of nvidia-modelopt (0.47.0); it has no time limit."""

    def unsupported(self, problem: Problem) -> str | None:
        """Any number of budgets."""
        return refusal(problem)

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Call it and believe its status."""
        from modelopt.torch.opt.searcher import LPS

        costs = {name: rows(problem, problem.costs[name]) for name in problem.budgets}
        losses = rows(problem, problem.loss)
        positions, status = LPS("precisions", dict(problem.budgets), costs, losses)()
        claim = _CLAIMS.get(status, Claim.NOTHING)
        if claim is Claim.INFEASIBLE:
            return Answer(claim)
        return Answer(claim, choice(problem, positions), note=status)
