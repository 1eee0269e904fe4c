"""HiGHS through SciPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.bench.contender import Answer
from mpsolve.bench.general.plain import Plain, refusal
from mpsolve.bench.result import Claim

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem

#: What `scipy.optimize.milp` says: 0 optimal, 1 a limit, 2 infeasible.
_STATUS = {0: Claim.OPTIMAL, 1: Claim.FEASIBLE, 2: Claim.INFEASIBLE}


class Highs:
    """`scipy.optimize.milp` with a relative gap of 0 instead of its 1e-4."""

    def unsupported(self, problem: Problem) -> str | None:
        """See `refusal`."""
        return refusal(problem)

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Build, solve and read the status."""
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array

        plain = Plain.of(problem)
        count, offsets = len(plain.loss), plain.groups.offsets
        one: Any = csr_array(
            (np.ones(count), np.arange(count), offsets), shape=(len(offsets) - 1, count)
        )
        constraints = [LinearConstraint(one, 1, 1)] + [
            LinearConstraint(cost[None].astype(np.float64), -np.inf, float(limit))
            for cost, limit in plain.costs
        ]
        result = milp(
            plain.loss.astype(np.float64),
            integrality=np.ones(count, np.int64),
            bounds=Bounds(0, 1),
            constraints=constraints,
            options={"time_limit": time_limit, "mip_rel_gap": 0.0},
        )
        claim = _STATUS.get(result.status, Claim.NOTHING)
        if result.x is None:
            known = claim is Claim.INFEASIBLE
            return Answer(claim if known else Claim.NOTHING, note=str(result.message))
        return Answer(claim, plain.lift(result.x), result.mip_dual_bound)
