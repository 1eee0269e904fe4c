"""How the optimum that everyone is measured by is established: by two exact methods."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mpsolve.bench.isolated import problem_of
from mpsolve.bench.machine import one_thread
from mpsolve.bench.result import Reference
from mpsolve.errors import MpsolveError
from mpsolve.model.solution import Status
from mpsolve.solving.solve import solve

if TYPE_CHECKING:
    from mpsolve.model.solution import Solution

#: In this order, until two have a proof; they share nothing but the evaluation of their answers.
METHODS = ("mckp", "highs", "cpsat", "milp")
#: Beyond this relative difference two losses are two optima.
AGREEMENT = 1e-9


def establish(instance: str, level: float, time_limit: float) -> Reference:
    """Ask exact methods until two have proven an optimum, or that there is none.

    Parameters
    ----------
    instance, level
        The instance and the place of its budgets, see `Row`.
    time_limit
        Wall seconds for each method.
    """
    one_thread()
    problem = problem_of(instance, level)
    proofs: dict[str, Solution] = {}
    notes = []
    for method in METHODS:
        if len(proofs) == 2:
            break
        try:
            solution = solve(problem, method, time_limit=time_limit)
        except MpsolveError as error:
            notes.append(f"{method}: {error}")
            continue
        if solution.status in (Status.OPTIMAL, Status.INFEASIBLE):
            proofs[method] = solution
        else:
            notes.append(f"{method}: no proof within {time_limit:g} s")
    losses = [float(s.loss) for s in proofs.values() if s.loss is not None]
    infeasible = bool(proofs) and not losses
    both = len(losses) in (0, len(proofs))
    difference = _difference(losses) if both else math.inf
    return Reference(
        instance,
        level,
        min(losses, default=None),
        infeasible,
        ", ".join(proofs),
        difference <= AGREEMENT,
        difference,
        "; ".join(notes),
    )


def _difference(losses: list[float]) -> float:
    if len(losses) < 2 or losses[0] == losses[1]:
        return 0.0
    return abs(losses[0] - losses[1]) / max(abs(loss) for loss in losses)
