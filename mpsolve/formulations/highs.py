"""The integer programme, solved by the HiGHS that SciPy brings along."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.formulations.binary_model import Row, with_rows
from mpsolve.formulations.general import BackEnd, General
from mpsolve.formulations.scaling import float_scale
from mpsolve.formulations.task import Report, float_rows, nearest_choice
from mpsolve.storage.optional import require

if TYPE_CHECKING:
    from mpsolve.formulations.binary_model import BinaryModel
    from mpsolve.formulations.method import Options, Outcome
    from mpsolve.formulations.task import Hear, Task
    from mpsolve.presolve.presolved import Presolved
    from mpsolve.typing import IntArray

#: The cutoff lies this part of a known loss above it, so as not to cut it off.
CUTOFF_SLACK = 2.0**-16
#: What the status of `scipy.optimize.milp` means.
OPTIMAL, STOPPED, INFEASIBLE = 0, 1, 2
IGNORED = "HiGHS takes neither threads nor a seed through SciPy; method milp:highs gives it both."


class Highs(General):
    """HiGHS through SciPy: one thread, no seed, and no start but a cutoff.

    Raises
    ------
    MissingDependencyError
        If SciPy is not installed.
    """

    def __init__(self) -> None:
        require("scipy", "solvers", "Method highs")
        super().__init__(BackEnd("highs", float_scale))

    def solve(self, presolved: Presolved, options: Options) -> Outcome:
        """Search for the optimum, and say which options have no effect."""
        outcome = super().solve(presolved, options)
        if options.threads == 1 and options.seed == 0:
            return outcome
        return replace(outcome, notes=(*outcome.notes, IGNORED))


def run(task: Task, hear: Hear) -> Report:
    """Serve a task; called in a worker."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    model = task.model if task.start is None else _below(task.model, task.start)
    variables, groups = len(model.losses), len(model.offsets) - 1
    coefficients, lower, upper = float_rows(model)
    one_each = csr_array(
        (np.ones(variables), np.arange(variables), model.offsets), (groups, variables), np.float64
    )
    rows = csr_array(
        (coefficients, model.columns, model.indptr), (len(upper), variables), np.float64
    )
    seconds = task.seconds()
    result = milp(
        np.ldexp(model.losses.astype(np.float64), task.exponent),
        integrality=np.ones(variables, np.int64),
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(one_each, 1, 1), LinearConstraint(rows, lower, upper)],
        options={
            "mip_rel_gap": task.gap,
            "time_limit": float("inf") if seconds is None else seconds,
        },
    )
    if result.status not in (OPTIMAL, STOPPED, INFEASIBLE):
        return Report(None, remark=f"HiGHS stopped: {result.message}")
    choice = None if result.x is None else nearest_choice(result.x, model.offsets)
    return Report(choice, result.mip_dual_bound, result.status != STOPPED)


def _below(model: BinaryModel, start: IntArray) -> BinaryModel:
    """The model with a cutoff: no choice may lose more than a known one."""
    known = model.excess(start)
    return with_rows(model, [Row.at_most(model.losses, known + int(known * CUTOFF_SLACK) + 1)])
