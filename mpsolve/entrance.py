"""The entrance: choose a method, run it, believe nothing before it is verified."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.configuration import Configuration
from mpsolve.errors import InputError, MissingDependencyError, UnsupportedError
from mpsolve.evaluation import Evaluation, evaluate
from mpsolve.formulations.method import Options, Outcome, method_named
from mpsolve.heuristics.free_bits import FreeBits
from mpsolve.heuristics.greedy_decrease import GreedyDecrease
from mpsolve.heuristics.greedy_increase import GreedyIncrease
from mpsolve.heuristics.method import HEURISTICS, heuristic_named
from mpsolve.infeasible import explain, quick_conflict
from mpsolve.solution import Solution, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.problem import Problem
    from mpsolve.solution import Progress
    from mpsolve.typing import IntArray, Number

#: General methods in the order in which ``auto`` asks for them. With two budgets on the bundled
#: tables HiGHS was fastest on average: medians 29 ms, 43 ms (milp) and 104 ms (cpsat).
GENERAL = ("highs", "milp", "cpsat")


def solve(
    problem: Problem,
    method: str = "auto",
    *,
    warm_start: Configuration | IntArray | None = None,
    start: Configuration | str | None = None,
    strict: bool = False,
    time_limit: float | None = None,
    threads: int = 1,
    seed: int = 0,
    gap: float = 0.0,
    label_limit: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Solution:
    """Find the assignment of least loss that keeps every constraint.

    Parameters
    ----------
    problem
        The problem.
    method
        ``"auto"``, an exact method (``mckp``, ``milp``, ``highs``, ``cpsat``; ``milp:gurobi``
        asks PuLP for a certain solver) or a heuristic (``free-bits``, ``greedy-decrease``,
        ``greedy-increase``, ``homogeneous``).
    warm_start
        A configuration, or a choice, that an exact method begins with.
    start
        The configuration, or the text of a homogeneous one, that a heuristic begins with.
    strict
        Free Bits: only a strictly faster candidate replaces a layer's precision.
    time_limit
        Wall seconds after which the best answer so far is returned with its proven gap.
    threads, seed
        For the methods that use them.
    gap
        Relative gap at which a search may stop; 0 asks for the optimum.
    label_limit
        How many labels the knapsack search may keep in memory.
    progress
        Called from time to time with the state of the search.

    Returns
    -------
    Solution
        Infeasible problems are answered with a `Solution` too; its ``conflict`` says why.

    Raises
    ------
    InputError
        If the method does not exist, or the warm start does not fit the problem.
    UnsupportedError
        If the method cannot express a part of the problem, which the message names.
    MissingDependencyError
        If the method needs a package that is not installed.
    """
    if method in HEURISTICS:
        return _run_heuristic(problem, method, start, strict)
    if start is not None:
        raise InputError(f"{method} takes a warm start; only heuristics begin from a start.")
    options = Options(
        time_limit,
        threads,
        seed,
        gap,
        label_limit,
        _choice_of(problem, warm_start),
        progress,
    )
    began = time.perf_counter()
    if conflict := quick_conflict(problem):
        return _answer(problem, method, Status.INFEASIBLE, began, conflict=conflict)
    name, reason = choose_method(problem) if method == "auto" else (method, "")
    exact = method_named(name)
    if refusal := exact.unsupported(problem):
        raise UnsupportedError(refusal)
    outcome = exact.solve(problem, options)
    return _verified(problem, name, reason, options, outcome, began)


def choose_method(problem: Problem) -> tuple[str, str]:
    """The exact method that ``auto`` takes, and why."""
    refusal = method_named("mckp").unsupported(problem)
    if refusal is None:
        refusal = _too_many_joint_candidates(problem)
    if refusal is None:
        return "mckp", "auto chose mckp: one budget and independent choice groups"
    missing = None
    for name in GENERAL:
        try:
            method_named(name)
        except MissingDependencyError as error:
            missing = missing or error
            continue
        return name, f"auto chose {name}: {refusal.split(';')[0].rstrip('.')}"
    raise missing or UnsupportedError(refusal)


def _too_many_joint_candidates(problem: Problem) -> str | None:
    from mpsolve.groups import choice_groups

    try:
        choice_groups(problem)
    except UnsupportedError as error:
        return str(error)
    return None


def _verified(
    problem: Problem,
    method: str,
    reason: str,
    options: Options,
    outcome: Outcome,
    began: float,
) -> Solution:
    """Give an outcome its status, from the original numbers alone."""
    answer: dict[str, Any] = {
        "reason": reason,
        "limit": outcome.limit,
        "notes": outcome.notes,
    }
    if outcome.choice is None:
        if not outcome.complete:
            return _answer(
                problem, method, Status.NO_SOLUTION, began, bound=outcome.bound, **answer
            )
        conflict = explain(problem, lambda variant: _least_loss(variant, method))
        return _answer(problem, method, Status.INFEASIBLE, began, conflict=conflict, **answer)
    choice, evaluation = outcome.choice, evaluate(problem, outcome.choice)
    if not evaluation.feasible:
        answer["notes"] = (
            *outcome.notes,
            f"{method} broke a constraint: {evaluation.violations[0]}.",
        )
        return _answer(problem, method, Status.NO_SOLUTION, began, bound=outcome.bound, **answer)
    complete = outcome.complete
    if options.warm_start is not None:
        warm = evaluate(problem, options.warm_start)
        if warm.feasible and warm.loss < evaluation.loss:
            # Within the resolution of the method the two are equal; the better one is returned.
            choice, evaluation = options.warm_start, warm
    bound = float(evaluation.loss) if complete else outcome.bound
    if bound is not None:
        bound = min(bound, float(evaluation.loss))
    status = Status.OPTIMAL if complete else Status.FEASIBLE
    return _answer(problem, method, status, began, choice, evaluation, bound=bound, **answer)


def _answer(
    problem: Problem,
    method: str,
    status: Status,
    began: float,
    choice: IntArray | None = None,
    evaluation: Evaluation | None = None,
    **parts: Any,
) -> Solution:
    return Solution(
        status,
        method,
        configuration=None if choice is None else problem.configuration(choice),
        choice=choice,
        loss=evaluation.loss if evaluation else None,
        costs=evaluation.costs if evaluation else {},
        budgets=problem.budgets,
        seconds=time.perf_counter() - began,
        loss_name=problem.loss_name,
        units=problem.units,
        provenance=problem.provenance,
        source=problem.source,
        **parts,
    )


def _run_heuristic(
    problem: Problem, name: str, start: Configuration | str | None, strict: bool
) -> Solution:
    began = time.perf_counter()
    heuristic = heuristic_named(name)
    choice, notes = heuristic.run(problem, start, strict)
    evaluation = evaluate(problem, choice)
    status = Status.FEASIBLE if evaluation.feasible else Status.FAILED
    reason = "" if evaluation.feasible else "; ".join(evaluation.violations)
    return _answer(problem, name, status, began, choice, evaluation, reason=reason, notes=notes)


def free_bits(
    problem: Problem, start: Configuration | str = FreeBits.default_start, *, strict: bool = False
) -> Solution:
    """Raise every layer to its fastest precision that is not lower; see `FreeBits`."""
    return solve(problem, "free-bits", start=start, strict=strict)


def greedy_decrease(
    problem: Problem, start: Configuration | str = GreedyDecrease.default_start
) -> Solution:
    """Lower few layers, and each little, until the latency budget is met; see `GreedyDecrease`."""
    return solve(problem, "greedy-decrease", start=start)


def greedy_increase(
    problem: Problem, start: Configuration | str = GreedyIncrease.default_start
) -> Solution:
    """Raise precisions cheaply within the latency budget; see `GreedyIncrease`."""
    return solve(problem, "greedy-increase", start=start)


def _choice_of(problem: Problem, warm_start: Configuration | IntArray | None) -> IntArray | None:
    if warm_start is None:
        return None
    if isinstance(warm_start, Configuration):
        return problem.choice(warm_start)
    choice = np.asarray(warm_start)
    counts = np.diff(problem.offsets)
    if choice.shape != counts.shape or choice.dtype.kind not in "iu":
        raise InputError(
            f"A warm start needs one candidate index for each of {len(counts)} layers."
        )
    if ((choice < 0) | (choice >= counts)).any():
        layer = problem.layers[int(np.argmax((choice < 0) | (choice >= counts)))]
        raise InputError(f"The warm start names a candidate that layer {layer} does not have.")
    return choice.astype(np.int64)


def _least_loss(problem: Problem, method: str) -> Number | None:
    """The optimal loss of a variant of an infeasible problem, by the method that judged it."""
    if quick_conflict(problem):
        return None
    outcome = method_named(method).solve(problem, Options())
    return None if outcome.choice is None else evaluate(problem, outcome.choice).loss
