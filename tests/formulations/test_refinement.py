"""The loop over scales, with an engine that enumerates rounded losses."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve import Limit, Problem
from mpsolve.formulations.method import Options
from mpsolve.formulations.refinement import (
    SCALES,
    Engine,
    Found,
    Run,
    worth_another,
)
from mpsolve.presolve.presolved import Presolved

if TYPE_CHECKING:
    from mpsolve.typing import IntArray

#: Within 5, losing 0.75 is the best; rounded to integers, the last candidate is, with 0.875.
PROBLEM = Problem.from_arrays([[9.0, 0.75, 0.875]], {"us": [[9, 5, 4]]}, {"us": 5})


@dataclass
class Enumeration(Engine):
    """Losses in units of a unit that is halved as often as it is asked to be."""

    unit: float = 1.0
    finest: float = 0.0
    none: bool = False
    fails: type[BaseException] | None = None
    asked: list[tuple[float, list[int] | None]] = field(default_factory=list)
    name = "enumeration"

    def unsupported(self, presolved: Presolved) -> str | None:
        """It takes everything."""

    def integers(self, presolved: Presolved, run: Run) -> Rounded | None:
        """The first scale."""
        return None if self.none else Rounded(self, presolved.problem, self.unit)


@dataclass
class Rounded:
    """All choices, judged by rounded losses; of equal ones the last is taken."""

    engine: Enumeration
    problem: Problem
    unit: float

    def search(self, start: IntArray | None) -> Found:
        """Look at every choice."""
        self.engine.asked.append((self.unit, None if start is None else start.tolist()))
        if self.engine.fails:
            raise self.engine.fails
        problem, best, least = self.problem, None, math.inf
        for choice in product(*map(range, np.diff(problem.offsets))):
            flat = problem.flat(np.array(choice))
            units = round(float(problem.loss[flat].sum()) / self.unit)
            if problem.costs["us"][flat].sum() <= problem.budgets["us"] and units <= least:
                best, least = np.array(choice), units
        return Found(best, least * self.unit - self.unit / 2, proven=True, error=self.unit / 2)

    def finer(self, choice: IntArray | None) -> Rounded | None:
        """Half the unit."""
        finer = self.unit > self.engine.finest
        return Rounded(self.engine, self.problem, self.unit / 2) if finer else None


def solved(engine: Enumeration, start: IntArray | None = None) -> tuple[list[int] | None, str]:
    """The choice and the notes."""
    outcome = engine.solve(Presolved(PROBLEM), Options(warm_start=start))
    return None if outcome.choice is None else outcome.choice.tolist(), " ".join(outcome.notes)


def test_a_finer_scale_finds_what_a_coarse_one_cannot_tell_apart() -> None:
    """Every search begins with the answer of the one before; the last error is stated."""
    coarse = Enumeration(finest=1.0)
    assert solved(coarse) == ([2], "Losses were resolved to 0.5.")
    fine = Enumeration(finest=2.0**-3)  # in halves both lose 2, in quarters 3 and 4
    assert solved(fine) == ([1], "Losses were resolved to 0.062.")
    assert fine.asked == [(1.0, None), (0.5, [2]), (0.25, [2]), (0.125, [1])]


def test_scales_are_limited() -> None:
    """An engine that always wants a finer one does not get it for ever."""
    greedy = Enumeration()
    assert solved(greedy)[0] == [1]
    assert len(greedy.asked) == SCALES


def test_another_scale_has_to_gain_something() -> None:
    """The error must exceed a part of what is lost, and the finer one an eighth of the error."""
    assert worth_another(1.0, 0.125, 1000.0, 2.0**-10)
    assert not worth_another(1.0, 0.126, 1000.0, 2.0**-10)
    assert not worth_another(1.0, 0.0, 1024.0, 2.0**-10)


@pytest.mark.parametrize("fails", [None, KeyboardInterrupt])
def test_the_warm_start_is_judged_and_survives_an_interruption(
    fails: type[BaseException] | None,
) -> None:
    """One that keeps the budget begins the search and is what is left; any other is dropped."""
    for start, kept in ((np.array([2]), [2]), (np.array([0]), None)):
        engine = Enumeration(finest=1.0, fails=fails)
        outcome = engine.solve(Presolved(PROBLEM), Options(warm_start=start))
        assert engine.asked == [(1.0, kept)]
        if fails:
            assert (outcome.limit, outcome.complete) == (Limit.INTERRUPTED, False)
            assert (outcome.choice is None) == (kept is None)


def test_no_integers_are_no_choice_unless_one_is_known() -> None:
    """Then the claim is not repeated."""
    assert Enumeration(none=True).solve(Presolved(PROBLEM), Options()).complete
    choice, notes = solved(Enumeration(none=True), np.array([1]))
    assert choice == [1]
    assert notes.startswith("enumeration found no assignment although the one returned keeps")
