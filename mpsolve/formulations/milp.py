"""The integer programme, handed by PuLP to CBC or to any other solver that PuLP finds."""

from __future__ import annotations

import os
import re
import tempfile
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import InputError
from mpsolve.formulations.general import BackEnd, General
from mpsolve.formulations.scaling import float_scale
from mpsolve.formulations.task import Report, float_rows, nearest_choice
from mpsolve.storage.optional import require

if TYPE_CHECKING:
    from mpsolve.formulations.task import Hear, Task
    from mpsolve.typing import FloatArray

#: What PuLP calls CBC: the one that it brings along and the one installed beside it.
CBC = ("PULP_CBC_CMD", "COIN_CMD")
#: Some solvers take a gap of 0 for "not given" and fall back on 1e-4.
SMALLEST_GAP = 1e-12
#: The preprocessing of CBC loses optima, even of models of small integers; with its usual
#: tolerances it takes fractions for integers and loses the node when they turn out not to be.
CBC_CARE = ("preprocess off", "integerT 1e-10", "primalT 1e-9")
CBC_LESS_CARE = CBC_CARE[1:]
#: Narrower tolerances for HiGHS.
HIGHS_CARE = {"mip_feasibility_tolerance": 1e-9, "primal_feasibility_tolerance": 1e-9}
#: How CBC states its bound in its log, with three decimals.
CBC_BOUND = re.compile(r"^Lower bound:\s+(-?[\d.]+(?:e[+-]?\d+)?)\s*$", re.MULTILINE)
CBC_DECIMALS = 0.001


class Milp(General):
    """An integer programme in PuLP.

    Parameters
    ----------
    solver
        Name of the solver as PuLP spells it, in any case and without its ending: ``cbc``,
        ``highs``, ``gurobi``, ``cplex``, ``scip``, ``glpk`` and so on.

    Raises
    ------
    MissingDependencyError
        If PuLP is not installed.
    """

    def __init__(self, solver: str = "cbc") -> None:
        require("pulp", "solvers", "Method milp")
        super().__init__(BackEnd("milp", float_scale, solver.lower()))


def run(task: Task, hear: Hear) -> Report:
    """Serve a task; called in a worker."""
    import pulp

    problem, variables = _problem(task)
    with tempfile.TemporaryDirectory(prefix="mpsolve-") as folder:
        log = os.path.join(folder, "log")
        careful = True
        try:
            problem.solve(_solver(task, folder, log))
        except pulp.PulpSolverError:
            # CBC crashes on some infeasible models unless its preprocessing sees to them, which
            # on the other hand loses optima: an answer that it gives proves nothing.
            careful = False
            problem.solve(_solver(task, folder, log, care=CBC_LESS_CARE))
        stated = _stated_bound(problem, _text(log))
    infeasible = problem.status == pulp.LpStatusInfeasible
    if infeasible or problem.sol_status == pulp.LpSolutionInfeasible:
        return Report(None, proven=True)
    if problem.sol_status not in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible):
        return Report(None, stated)
    values = np.array([variable.varValue or 0.0 for variable in variables])
    choice = nearest_choice(values, task.model.offsets)
    if not careful:
        return Report(
            choice, remark="CBC found its answer only without our care; it is not proven."
        )
    if problem.sol_status == pulp.LpSolutionIntegerFeasible:
        return Report(choice, stated)
    found = np.ldexp(float(task.model.excess(choice)), task.exponent)
    return Report(choice, found * (1 - task.gap) if stated is None else stated, proven=True)


def _problem(task: Task) -> tuple[Any, list[Any]]:
    """The model in the terms of PuLP, and its variables."""
    import pulp

    model = task.model
    problem = pulp.LpProblem("precisions", pulp.LpMinimize)
    # Equal widths keep the variables in order where a solver sorts them by name.
    width = len(str(len(model.losses)))
    variables = [
        pulp.LpVariable(f"x{j:0{width}}", cat=pulp.LpBinary) for j in range(len(model.losses))
    ]
    losses = np.ldexp(model.losses.astype(np.float64), task.exponent)
    problem += _sum(variables, losses)
    for begin, end in zip(model.offsets[:-1], model.offsets[1:], strict=True):
        problem += _sum(variables[begin:end], np.ones(end - begin)) == 1
    coefficients, _, upper = float_rows(model)
    for r, limit in enumerate(upper.tolist()):
        entries = slice(model.indptr[r], model.indptr[r + 1])
        total = _sum([variables[j] for j in model.columns[entries]], coefficients[entries])
        problem += total == limit if model.equal[r] else total <= limit
    if task.start is not None:
        start = np.zeros(len(variables), np.int64)
        start[model.offsets[:-1] + task.start] = 1
        for variable, value in zip(variables, start.tolist(), strict=True):
            variable.setInitialValue(value)
    return problem, variables


def _sum(variables: list[Any], coefficients: FloatArray) -> Any:
    import pulp

    return pulp.LpAffineExpression(list(zip(variables, coefficients.tolist(), strict=True)))


def _solver(task: Task, folder: str, log: str, care: tuple[str, ...] = CBC_CARE) -> Any:
    """The solver with all options that it takes; its files lie in the folder."""
    name, solver = _available(task.variant)
    gap = max(task.gap, SMALLEST_GAP)
    options: dict[str, Any] = {
        "msg": False,
        "timeLimit": task.seconds(),
        "gapRel": gap,
        "gapAbs": 0.0,
        "threads": task.threads,
        "warmStart": task.start is not None,
    }
    if name in CBC:
        seeds = [f"randomC {task.seed}", f"randomS {task.seed}"]
        options |= {"options": [*seeds, *care], "logPath": log}
        if task.threads == 1:
            del options["threads"]  # otherwise CBC takes its parallel code for one thread as well
    known = signature(solver.__init__).parameters
    chosen = {key: value for key, value in options.items() if key in known}
    if name == "HiGHS":
        chosen |= HIGHS_CARE | {"random_seed": task.seed}
    solver = type(solver)(**chosen)
    solver.tmpDir = folder
    return solver


def _available(variant: str) -> tuple[str, Any]:
    """Name and default instance of the first solver of PuLP that goes by a name.

    Raises
    ------
    InputError
        If PuLP does not know it or does not find it.
    """
    import pulp

    found: dict[str, list[str]] = {}
    for name in pulp.listSolvers():
        names = found.setdefault("cbc" if name in CBC else name.lower().partition("_")[0], [])
        if pulp.getSolver(name, msg=False).available():
            names.append(name)
    if names := found.get(variant, []):
        return names[0], pulp.getSolver(names[0], msg=False)
    here = ", ".join(sorted(family for family in found if found[family]))
    known = "finds no solver" if variant in found else "knows no solver"
    raise InputError(f"PuLP {known} {variant!r}; here it finds {here}.")


def _stated_bound(problem: Any, log: str) -> float | None:
    """The bound of a solver that states one, in units of its objective."""
    native: Any = getattr(problem, "solverModel", None)
    if hasattr(native, "getInfo"):  # HiGHS
        return float(native.getInfo().mip_dual_bound)
    if hasattr(native, "ObjBound"):  # Gurobi
        return float(native.ObjBound)
    stated = CBC_BOUND.search(log)
    return float(stated[1]) - CBC_DECIMALS if stated else None


def _text(log: str) -> str:
    """What CBC has written, if it has."""
    if not os.path.exists(log):
        return ""
    with open(log, errors="replace") as lines:
        return lines.read()
