"""The entrance: choose a method, run it, believe nothing before it is verified."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from mpsolve.errors import (
    Conflict,
    InputError,
    MissingDependencyError,
    NoSolutionError,
    UnsupportedError,
)
from mpsolve.formulations.method import NONE_FOUND, Options, Outcome, method_named
from mpsolve.heuristics.free_bits import FreeBits
from mpsolve.heuristics.greedy_decrease import GreedyDecrease
from mpsolve.heuristics.greedy_increase import GreedyIncrease
from mpsolve.heuristics.method import HEURISTICS, heuristic_named
from mpsolve.model.configuration import Configuration
from mpsolve.model.evaluation import Evaluation, evaluate
from mpsolve.model.solution import Solution, Status
from mpsolve.presolve.conflict import explain, quick_choice, quick_conflict
from mpsolve.presolve.presolved import Presolved
from mpsolve.presolve.quickxplain import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.model.problem import Problem
    from mpsolve.model.solution import Progress
    from mpsolve.typing import IntArray, Number

#: General methods in the order in which ``auto`` asks for them: that of their medians, 45, 64 and
#: 88 ms, in ``python -m bench run 'two-budgets/*' --methods highs,milp,cpsat --budgets 30,50``.
GENERAL = ("highs", "milp", "cpsat")

#: A choice beside what the original numbers say about it.
Judged: TypeAlias = "tuple[Evaluation, IntArray]"


def solve(
    problem: Problem | Presolved,
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
    explain: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> Solution:
    """Find the assignment of least loss that keeps every constraint.

    Parameters
    ----------
    problem
        The problem; see `mpsolve.prepare` for solving it under many budgets.
    method
        ``"auto"``, an exact method (``mckp``, ``lagrangian``, ``milp``, ``highs``, ``cpsat``;
        ``milp:gurobi`` asks PuLP for a certain solver, ``mckp:reference`` for a kernel) or a
        heuristic (``free-bits``, ``greedy-decrease``, ``greedy-increase``, ``homogeneous``).
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
        How many labels the methods mckp and lagrangian may keep in memory.
    explain
        Whether to search for a smallest set of conflicting constraints if none can be kept
        together and the cause does not show without a search.
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
    presolved = Presolved.of(problem)
    problem = presolved.problem
    if method in HEURISTICS:
        if warm_start is not None:
            raise InputError(f"{method} begins from a start; only exact methods take a warm start.")
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
    exact = None if method == "auto" else method_named(method)
    if conflict := quick_conflict(problem, presolved.largest_groups):
        return _answer(problem, method, Status.INFEASIBLE, began, conflict=conflict)
    name, reason = (method, "") if exact else choose_method(presolved)
    exact = exact or method_named(name)
    if refusal := exact.unsupported(presolved):
        raise UnsupportedError(refusal)
    outcome = exact.solve(presolved, options)
    known = _known(presolved, outcome, options)
    if method == "auto" and name not in GENERAL and (doubt := _doubt(outcome, known)):
        # Sums of floats may cancel so far that integers cannot tell them from their limit. The
        # general methods search again without a choice that turns out to exceed it.
        try:
            name, reason = _general_method(doubt.format(name))
        except MissingDependencyError:
            if not any(judged.feasible for judged, _ in known):
                raise
        else:
            outcome = method_named(name).solve(presolved, options)
            known = _known(presolved, outcome, options)
    return _verified(problem, name, reason, options, outcome, known, began, explain)


def choose_method(presolved: Presolved) -> tuple[str, str]:
    """The exact method that ``auto`` takes, and why."""
    refusal = method_named("mckp").unsupported(presolved)
    if refusal is None:
        return "mckp", "auto chose mckp: one budget and independent choice groups"
    from mpsolve.formulations.lagrangian.method import suits  # half of what solve would load

    if suits(presolved):
        return "lagrangian", f"auto chose lagrangian: {_clause(refusal)}"
    return _general_method(refusal)


def _general_method(why: str) -> tuple[str, str]:
    """The first general method that is installed."""
    missing = None
    for name in GENERAL:
        try:
            method_named(name)
        except MissingDependencyError as error:
            missing = missing or error
            continue
        return name, f"auto chose {name}: {_clause(why)}"
    raise missing or UnsupportedError(why)


def _known(presolved: Presolved, outcome: Outcome, options: Options) -> list[Judged]:
    """The choice of an outcome and others that are known, on the original numbers.

    Where the outcome says that there is none, that is believed only if none shows by itself.
    """
    problem, found = presolved.problem, outcome.choice
    if found is None and outcome.complete:
        found = quick_choice(problem, presolved.largest_groups)
    choices = (choice for choice in (found, options.warm_start) if choice is not None)
    return [(evaluate(problem, choice), choice) for choice in choices]


def _doubt(outcome: Outcome, known: list[Judged]) -> str:
    """What is wrong with the outcome of a method, or nothing."""
    if outcome.choice is not None:
        return "" if known[0][0].feasible else "the answer of {} exceeds a budget by rounding"
    feasible = any(evaluation.feasible for evaluation, _ in known)
    return "{} lost every assignment by rounding" if outcome.complete and feasible else ""


def _clause(refusal: str) -> str:
    """The part of a refusal that says what is not supported."""
    return refusal.split(";")[0].rstrip(".")


def _verified(
    problem: Problem,
    method: str,
    reason: str,
    options: Options,
    outcome: Outcome,
    known: list[Judged],
    began: float,
    explaining: bool,
) -> Solution:
    """Give an outcome its status, from the original numbers alone."""
    answer: dict[str, Any] = {"reason": reason, "limit": outcome.limit, "notes": outcome.notes}
    kept = [(evaluation, choice) for evaluation, choice in known if evaluation.feasible]
    doubt = _doubt(outcome, known)
    if doubt and outcome.choice is None:
        answer["notes"] = (*outcome.notes, NONE_FOUND.format(method))
    elif doubt:
        broken = f"{method} broke a constraint: {known[0][0].violations[0]}."
        answer["notes"] = (*outcome.notes, broken)
    if kept:
        evaluation, choice = min(kept, key=lambda one: one[0].loss)
        complete = outcome.complete and not doubt
        proven = float(evaluation.loss) if complete else outcome.bound
        bound = None if proven is None else min(proven, float(evaluation.loss))
        status = Status.OPTIMAL if complete else Status.FEASIBLE
        return _answer(problem, method, status, began, choice, evaluation, bound=bound, **answer)
    if outcome.complete and outcome.choice is None:
        conflict = _explained(problem, method, options) if explaining else _unexplained(problem)
        return _answer(problem, method, Status.INFEASIBLE, began, conflict=conflict, **answer)
    return _answer(problem, method, Status.NO_SOLUTION, began, bound=outcome.bound, **answer)


def _explained(problem: Problem, method: str, options: Options) -> Conflict:
    """The conflict of an infeasible problem; without the smallest set if a limit ends the search.

    Variants of the problem are judged by the method that judged the problem.
    """
    limited = replace(options, warm_start=None, gap=0.0, progress=None)

    def least_loss(variant: Problem) -> Number | None:
        outcome = method_named(method).solve(Presolved(variant), limited)
        if outcome.choice is None and not outcome.complete:
            raise NoSolutionError(f"{method} could not judge a variant of the problem.")
        return None if outcome.choice is None else evaluate(variant, outcome.choice).loss

    try:
        return explain(problem, least_loss)
    except NoSolutionError:
        return _unexplained(problem, "; the search for those that conflict was stopped by a limit")


def _unexplained(problem: Problem, why: str = "") -> Conflict:
    names = tuple(map(str, parts_of(problem)))
    return Conflict(f"No assignment keeps all {len(names)} constraints together{why}.", names)


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
    return problem.flat(warm_start) - problem.offsets[:-1]
