"""The answer: what was found, what is proven about it, and what stopped the search."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mpsolve.model.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from mpsolve.errors import Conflict
    from mpsolve.model.configuration import Configuration
    from mpsolve.typing import IntArray, Number


class Status(StrEnum):
    """What is known about the answer."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    NO_SOLUTION = "no solution found"
    FAILED = "failed"

    @property
    def meaning(self) -> str:
        """One sentence for people."""
        return _MEANINGS[self]


_MEANINGS = {
    Status.OPTIMAL: "No assignment that keeps the constraints has less loss.",
    Status.FEASIBLE: "Every constraint is kept; a better assignment may exist.",
    Status.INFEASIBLE: "No assignment keeps the constraints.",
    Status.NO_SOLUTION: "The search was stopped before it found an assignment.",
    Status.FAILED: "The method ended with an assignment that breaks a constraint.",
}


class Limit(StrEnum):
    """What stopped a search before its proof was complete."""

    TIME = "time limit"
    LABELS = "label limit"
    GAP = "gap reached"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Progress:
    """A state of a running search; ``incumbent`` and ``bound`` are None as long as unknown."""

    seconds: float
    incumbent: float | None
    bound: float | None


@dataclass(frozen=True, eq=False)
class Solution:
    """The answer of a method, evaluated again on the original numbers.

    Attributes
    ----------
    status
        What is known about the answer.
    method
        The method that gave it.
    configuration
        The precision of every layer; None where there is no assignment.
    choice
        ``(N,)`` int64, the same as positions among each layer's candidates; or None.
    loss
        Its total loss, or None.
    costs
        Its total costs.
    budgets
        The limits on the costs.
    bound
        A proven lower bound on the loss of every assignment that keeps the constraints, or None.
        It equals the loss of an optimal answer; losses that are floats are compared to about
        1e-10 of their sum by the general methods, and a coarser resolution is noted.
    limit
        What stopped the search before its proof was complete, or None.
    conflict
        Why no assignment exists, or None.
    reason
        Why this method was chosen, and what else there is to say about how it ended.
    seconds
        Wall time of the method, with the building of its model.
    loss_name
        What the loss is.
    units
        Cost name -> unit, where it is known.
    provenance
        Where the latencies come from.
    source
        The table that the problem was read from.
    notes
        Further remarks, such as substituted precisions.
    """

    status: Status
    method: str
    configuration: Configuration | None = None
    choice: IntArray | None = None
    loss: Number | None = None
    costs: Mapping[str, Number] = field(default_factory=dict)
    budgets: Mapping[str, Number] = field(default_factory=dict)
    bound: float | None = None
    limit: Limit | None = None
    conflict: Conflict | None = None
    reason: str = ""
    seconds: float = 0.0
    loss_name: str = "loss"
    units: Mapping[str, str] = field(default_factory=dict)
    provenance: Provenance = Provenance.UNSTATED
    source: str = "arrays"
    notes: tuple[str, ...] = ()

    @property
    def gap(self) -> float | None:
        """(loss - bound) / abs(loss): 0 when proven optimal, None while either is unknown."""
        if self.loss is None or self.bound is None:
            return None
        return relative_gap(self.loss, self.bound)

    def to_json(self) -> dict[str, Any]:
        """Plain data with every field that a program may want."""
        return {
            "status": self.status.value,
            "method": self.method,
            "loss": self.loss,
            "loss_name": self.loss_name,
            "bound": self.bound if self.bound is None or math.isfinite(self.bound) else None,
            "gap": self.gap if self.gap is None or math.isfinite(self.gap) else None,
            "limit": self.limit.value if self.limit else None,
            "costs": dict(self.costs),
            "budgets": dict(self.budgets),
            "units": dict(self.units),
            "configuration": self.configuration.to_json() if self.configuration else None,
            "infeasible": self.conflict.message if self.conflict else None,
            "seconds": self.seconds,
            "provenance": self.provenance.value,
            "source": self.source,
            "reason": self.reason,
            "notes": list(self.notes),
        }

    def table(self) -> Table:
        """The answer as a `rich.table.Table`, one row per layer."""
        from mpsolve.report.tables import solution_table

        return solution_table(self)

    def __repr__(self) -> str:
        if self.conflict:
            return f"<Solution {self.status} ({self.method}): {self.conflict.message}>"
        parts = [f"{self.status} ({self.method})"]
        if self.limit:
            parts.append(str(self.limit))
        if self.loss is not None:
            parts.append(f"{self.loss_name} {self.loss:.10g}")
        if self.gap:
            parts.append(f"gap {self.gap:.2%}")
        for name, cost in self.costs.items():
            limit = f" of {self.budgets[name]:,}" if name in self.budgets else ""
            parts.append(f"{name} {cost:,}{limit}")
        return f"<Solution {', '.join(parts)}>"


def relative_gap(value: float, bound: float) -> float:
    """(value - bound) / abs(value), and 0 when the bound has met the value."""
    if value <= bound:
        return 0.0
    return (value - bound) / abs(value) if value else math.inf
