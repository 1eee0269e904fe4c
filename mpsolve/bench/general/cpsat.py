"""OR-Tools CP-SAT."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.bench.contender import Answer
from mpsolve.bench.general.plain import Plain, refusal
from mpsolve.bench.result import Claim

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.typing import NumberArray

#: CP-SAT takes integers: floats are multiplied so that the largest becomes this.
LARGEST = 1e6


class CpSat:
    """One worker, exactly-one constraints; of scaled floats, costs go up and budgets down."""

    def unsupported(self, problem: Problem) -> str | None:
        """See `refusal`."""
        return refusal(problem)

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Build, solve and read the status."""
        from ortools.sat.python import cp_model

        plain = Plain.of(problem)
        model = cp_model.CpModel()
        x = [model.new_bool_var("") for _ in range(len(plain.loss))]
        for group in plain.ranges:
            model.add_exactly_one(x[j] for j in group)
        for cost, limit in plain.costs:
            scale = _scale(cost)
            whole = np.ceil(cost * scale).astype(np.int64)
            model.add(cp_model.LinearExpr.weighted_sum(x, whole) <= math.floor(limit * scale))
        scale = _scale(plain.loss)
        losses = np.rint(plain.loss * scale).astype(np.int64)
        model.minimize(cp_model.LinearExpr.weighted_sum(x, losses))
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = time_limit
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = seed
        status = solver.solve(model)
        if status == cp_model.INFEASIBLE:
            return Answer(Claim.INFEASIBLE)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return Answer(Claim.NOTHING, note=solver.status_name(status))
        claim = Claim.OPTIMAL if status == cp_model.OPTIMAL else Claim.FEASIBLE
        values = np.array([solver.value(v) for v in x], np.float64)
        return Answer(claim, plain.lift(values), solver.best_objective_bound / scale)


def _scale(values: NumberArray) -> float:
    """What floats are multiplied by; integers stay as they are."""
    return 1 if values.dtype.kind == "i" else LARGEST / float(np.abs(values).max() or 1.0)
