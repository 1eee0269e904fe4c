"""The constraint programme, solved by CP-SAT of OR-Tools on integers of our own scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.formulations.general import BackEnd, General
from mpsolve.formulations.scaling import integer_scale
from mpsolve.formulations.task import Report
from mpsolve.storage.optional import require

if TYPE_CHECKING:
    from mpsolve.formulations.binary_model import BinaryModel
    from mpsolve.formulations.task import Hear, Task
    from mpsolve.typing import IntArray


class CpSat(General):
    """CP-SAT: integers only, hence no tolerances; streams what it finds.

    Raises
    ------
    MissingDependencyError
        If OR-Tools is not installed.
    """

    def __init__(self) -> None:
        require("ortools", "solvers", "Method cpsat")
        super().__init__(BackEnd("cpsat", integer_scale))


def run(task: Task, hear: Hear) -> Report:
    """Serve a task; called in a worker."""
    from ortools.sat.python import cp_model

    model, variables = _model(task)

    class Stream(cp_model.CpSolverSolutionCallback):
        """Passes every solution on."""

        def on_solution_callback(self) -> None:
            """Called by the solver."""
            values = np.array([self.boolean_value(x) for x in variables])
            hear(_choice(values, task.model), self.best_objective_bound)

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = task.threads
    solver.parameters.random_seed = task.seed
    solver.parameters.relative_gap_limit = task.gap
    solver.parameters.absolute_gap_limit = 0.0
    # CP-SAT 9.15 otherwise loses optima of rows whose coefficients add up to more than 2^31.
    solver.parameters.presolve_inclusion_work_limit = 0
    if (seconds := task.seconds()) is not None:
        solver.parameters.max_time_in_seconds = seconds
    solver.best_bound_callback = lambda bound: hear(None, bound)
    status = solver.solve(model, Stream())
    if status == cp_model.INFEASIBLE:
        return Report(None, proven=True)
    if status == cp_model.MODEL_INVALID:
        return Report(None, remark=f"CP-SAT refused the model: {model.validate()}")
    if status == cp_model.UNKNOWN:
        return Report(None, solver.best_objective_bound)
    values = np.array([solver.boolean_value(x) for x in variables])
    return Report(
        _choice(values, task.model), solver.best_objective_bound, status == cp_model.OPTIMAL
    )


def _model(task: Task) -> tuple[Any, list[Any]]:
    """The model in the terms of CP-SAT, and its variables."""
    from ortools.sat.python import cp_model

    source = task.model
    model = cp_model.CpModel()
    variables = [model.new_bool_var("") for _ in range(len(source.losses))]
    for begin, end in zip(source.offsets[:-1], source.offsets[1:], strict=True):
        model.add_exactly_one(variables[begin:end])
    for r, (upper, equal) in enumerate(zip(source.upper.tolist(), source.equal, strict=True)):
        entries = slice(source.indptr[r], source.indptr[r + 1])
        columns = [variables[j] for j in source.columns[entries]]
        total = cp_model.LinearExpr.weighted_sum(columns, source.coefficients[entries].tolist())
        model.add(total == upper if equal else total <= upper)
    losses = _rounded(source.losses, -task.exponent)
    model.minimize(cp_model.LinearExpr.weighted_sum(variables, losses.tolist()))
    if task.start is not None:
        hint = np.zeros(len(variables), np.int64)
        hint[source.offsets[:-1] + task.start] = 1
        for variable, value in zip(variables, hint.tolist(), strict=True):
            model.add_hint(variable, value)
    return model, variables


def _rounded(losses: IntArray, shift: int) -> IntArray:
    """Losses divided by ``2^shift``, to nearest."""
    return (losses + (1 << shift >> 1)) >> shift


def _choice(taken: Any, model: BinaryModel) -> IntArray:
    return np.flatnonzero(taken) - model.offsets[:-1]
