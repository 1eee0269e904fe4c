"""One run of one method, and what is known about the optimum, as rows of typed columns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: A loss this much above the optimum, relative to it, is another answer. General solvers stop at
#: tolerances near 1e-6 and 1e-7; what is within them is not held against anyone.
WRONG = 1e-6

#: A run that took this part of its limit has not ended by itself.
OVER = 0.98


class Claim(StrEnum):
    """What a method says about its own answer."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    NOTHING = "nothing"
    UNSUPPORTED = "unsupported"
    ERROR = "error"
    OVERTIME = "overtime"


class Verdict(StrEnum):
    """What an evaluation on the original numbers says about the answer."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    BROKEN = "breaks a constraint"
    INFEASIBLE = "infeasible"
    NO_ANSWER = "no answer"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known about one instance at one budget.

    Attributes
    ----------
    instance, level
        The instance, and the place of the budgets in their range in per cent.
    optimum
        The least loss, if some exact method has proven it.
    infeasible
        Whether it is proven that no assignment keeps the budgets.
    proven_by
        The exact methods that have proven it, separated by commas: two where possible.
    agreed
        Whether they say the same; also with a single one.
    difference
        The relative difference of their losses.
    note
        What kept other methods from a proof.
    """

    instance: str
    level: float
    optimum: float | None
    infeasible: bool
    proven_by: str
    agreed: bool
    difference: float
    note: str = ""

    @property
    def key(self) -> tuple[str, float]:
        """What tells it apart from other references."""
        return self.instance, self.level


@dataclass(frozen=True, slots=True)
class Row:
    """One run.

    Attributes
    ----------
    instance, family, provenance
        The instance, its family and where its numbers come from.
    layers, candidates
        The size: layers, and candidates of all layers together.
    level, limits
        The place of the budgets in their range in per cent, and the budgets.
    method, kind
        The method and what it is.
    seed, repeat
        The seed of its random numbers, and which of the repeats this is.
    time_limit
        Wall seconds that it was given.
    front
        Whether only fast methods were run here, to draw their fronts.
    claim, verdict
        What it says about its answer, and what the evaluation says: `Claim` and `Verdict`.
    wrong
        Whether it calls optimal what is not, or breaks a budget, or infeasible what is not.
    loss, bound, optimum
        The loss of its answer, the bound it proves, the reference's least loss.
    gap
        (loss - optimum) / abs(optimum) of an answer that keeps every constraint.
    excess
        By which part of it the answer exceeds its budget, 0 if it keeps it; the worst budget.
    seconds
        Wall time of the run.
    warmup_seconds
        Wall time of the run before it on a small problem, with all imports.
    note
        Why it was not run, or what it said.
    versions, machine, started
        Of the packages it used; what it ran on; when it began.
    """

    instance: str
    family: str
    provenance: str
    layers: int
    candidates: int
    level: float
    limits: str
    method: str
    kind: str
    seed: int
    repeat: int
    time_limit: float
    front: bool
    claim: str
    verdict: str
    wrong: bool
    loss: float | None
    bound: float | None
    optimum: float | None
    gap: float | None
    excess: float | None
    seconds: float | None
    warmup_seconds: float | None
    note: str
    versions: str
    machine: str
    started: str

    @property
    def key(self) -> tuple[str, float, str, int, int]:
        """What tells it apart from other rows of a sweep."""
        return self.instance, self.level, self.method, self.seed, self.repeat

    @property
    def solved(self) -> bool:
        """Whether it is a right answer that the method itself calls optimal."""
        right = self.verdict in (Verdict.OPTIMAL, Verdict.INFEASIBLE)
        return right and self.claim in (Claim.OPTIMAL, Claim.INFEASIBLE)
