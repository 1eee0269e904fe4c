"""CBC through PuLP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.bench.contender import Answer
from mpsolve.bench.general.plain import Plain, refusal
from mpsolve.bench.result import Claim

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem


class Cbc:
    """The model of PuLP's tutorials; its status is read as they read it, from `LpStatus`."""

    def unsupported(self, problem: Problem) -> str | None:
        """See `refusal`."""
        return refusal(problem)

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Build, solve and read the status."""
        import pulp

        plain = Plain.of(problem)
        model = pulp.LpProblem("precisions", pulp.LpMinimize)
        x = [pulp.LpVariable(f"x{j}", cat="Binary") for j in range(len(plain.loss))]
        model += pulp.lpDot(plain.loss.tolist(), x)
        for group in plain.ranges:
            model += pulp.lpSum(x[j] for j in group) == 1
        for cost, limit in plain.costs:
            model += pulp.lpDot(cost.tolist(), x) <= limit
        model.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=time_limit))
        status = pulp.LpStatus[model.status]
        if status == "Infeasible":
            return Answer(Claim.INFEASIBLE)
        if status != "Optimal":
            return Answer(Claim.NOTHING, note=status)
        values = np.array([v.varValue or 0.0 for v in x])
        return Answer(Claim.OPTIMAL, plain.lift(values), float(pulp.value(model.objective)))
