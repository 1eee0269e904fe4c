"""SCIP through PySCIPOpt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.bench.contender import Answer
from mpsolve.bench.general.plain import Plain, refusal
from mpsolve.bench.result import Claim

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem


class Scip:
    """The plain model with SCIP's defaults, whose gap is 0."""

    def unsupported(self, problem: Problem) -> str | None:
        """See `refusal`."""
        return refusal(problem)

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Build, solve and read the status."""
        from pyscipopt import Model, quicksum

        plain = Plain.of(problem)
        model = Model()
        model.hideOutput()
        model.setParam("limits/time", time_limit)
        model.setParam("randomization/randomseedshift", seed)
        x = [model.addVar(vtype="B", obj=loss) for loss in plain.loss.tolist()]
        for group in plain.ranges:
            model.addCons(quicksum(x[j] for j in group) == 1)
        for cost, limit in plain.costs:
            terms = zip(cost.tolist(), x, strict=True)
            model.addCons(quicksum(c * v for c, v in terms) <= limit)
        model.optimize()
        status = model.getStatus()
        if status == "infeasible":
            return Answer(Claim.INFEASIBLE)
        if not model.getNSols():
            return Answer(Claim.NOTHING, note=status)
        claim = Claim.OPTIMAL if status == "optimal" else Claim.FEASIBLE
        values = np.array([model.getVal(v) for v in x])
        return Answer(claim, plain.lift(values), model.getDualbound())
