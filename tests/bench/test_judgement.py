"""Claims are judged on the original numbers."""

from __future__ import annotations

import numpy as np
import pytest

from mpsolve import Problem
from mpsolve.bench.judgement import judge, relative
from mpsolve.bench.result import Claim, Verdict

#: Losses 0, 4 and 5 at costs 9, 6 and 5; the budget leaves the last two, the optimum is 4.
PROBLEM = Problem.from_arrays([[0, 4, 5]], {"cost": [[9, 6, 5]]}, {"cost": 6})


@pytest.mark.parametrize(
    ("claim", "position", "verdict", "wrong", "gap", "excess"),
    [
        (Claim.OPTIMAL, 1, Verdict.OPTIMAL, False, 0.0, 0.0),
        (Claim.OPTIMAL, 2, Verdict.FEASIBLE, True, 0.25, 0.0),
        (Claim.FEASIBLE, 2, Verdict.FEASIBLE, False, 0.25, 0.0),
        (Claim.FEASIBLE, 0, Verdict.BROKEN, True, None, 0.5),
        (Claim.NOTHING, 0, Verdict.BROKEN, False, None, 0.5),
        (Claim.INFEASIBLE, None, Verdict.NO_ANSWER, True, None, None),
        (Claim.NOTHING, None, Verdict.NO_ANSWER, False, None, None),
        (Claim.OVERTIME, None, Verdict.NO_ANSWER, False, None, None),
        (Claim.UNSUPPORTED, None, Verdict.NOT_RUN, False, None, None),
    ],
)
def test_a_claim_is_believed_only_if_the_numbers_agree(
    claim: Claim,
    position: int | None,
    verdict: Verdict,
    wrong: bool,
    gap: float | None,
    excess: float | None,
) -> None:
    """What is called optimal must be, what is called a solution must keep the budget."""
    choice = None if position is None else np.array([position])
    judged = judge(PROBLEM, claim, choice, 4.0, False)
    assert (judged.verdict, judged.wrong) == (verdict, wrong)
    assert (judged.gap, judged.excess) == (gap, excess)


def test_a_right_claim_that_nothing_exists_is_an_answer() -> None:
    """And without a reference nothing can be disproved."""
    impossible = PROBLEM.replace(budgets={"cost": 1})
    assert judge(impossible, Claim.INFEASIBLE, None, None, True).verdict is Verdict.INFEASIBLE
    unknown = judge(PROBLEM, Claim.OPTIMAL, np.array([2]), None, False)
    assert (unknown.verdict, unknown.wrong, unknown.gap) == (Verdict.FEASIBLE, False, None)


def test_a_part_of_nothing_is_nothing_or_infinite() -> None:
    """An optimum of 0 has no relative gap but 0 and infinity."""
    assert relative(1.0, -4.0) == 0.25
    assert relative(0.0, 0.0) == 0.0
    assert relative(1.0, 0.0) == float("inf")
