"""What an answer is worth: evaluated on the original numbers, whatever is claimed about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.bench.result import WRONG, Claim, Verdict
from mpsolve.model.evaluation import Evaluation, evaluate

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray


@dataclass(frozen=True)
class Judgement:
    """The judged parts of a `Row`."""

    verdict: Verdict
    wrong: bool
    loss: float | None = None
    gap: float | None = None
    excess: float | None = None


def judge(
    problem: Problem,
    claim: Claim,
    choice: IntArray | None,
    optimum: float | None,
    infeasible: bool,
) -> Judgement:
    """Judge an answer.

    Parameters
    ----------
    problem
        The problem that was posed.
    claim, choice
        What the method says.
    optimum, infeasible
        What is proven about the problem, see `Reference`.
    """
    if claim is Claim.UNSUPPORTED:
        return Judgement(Verdict.NOT_RUN, False)
    if choice is None:
        if claim is Claim.INFEASIBLE and infeasible:
            return Judgement(Verdict.INFEASIBLE, False)
        return Judgement(Verdict.NO_ANSWER, claim is Claim.INFEASIBLE and optimum is not None)
    evaluation = evaluate(problem, choice)
    loss, stands_by_it = float(evaluation.loss), claim in (Claim.OPTIMAL, Claim.FEASIBLE)
    if not evaluation.feasible:
        excess = _excess(problem, evaluation)
        return Judgement(Verdict.BROKEN, stands_by_it, loss, excess=excess)
    gap = None if optimum is None else relative(loss - optimum, optimum)
    best = gap is not None and gap <= WRONG
    wrong = claim is Claim.OPTIMAL and gap is not None and not best
    return Judgement(Verdict.OPTIMAL if best else Verdict.FEASIBLE, wrong, loss, gap, 0.0)


def relative(difference: float, value: float) -> float:
    """The difference as a part of a value; of 0, whether there is any."""
    if value:
        return difference / abs(value)
    return 0.0 if difference <= 0 else float("inf")


def _excess(problem: Problem, evaluation: Evaluation) -> float:
    """By which part of it the worst budget is exceeded; 0 if another constraint is broken."""
    parts = (
        relative(float(evaluation.costs[name]) - limit, float(limit))
        for name, limit in problem.budgets.items()
    )
    return max(0.0, *parts)
