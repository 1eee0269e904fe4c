"""Every method on one problem, measured against the proven optimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError, MissingDependencyError, UnsupportedError
from mpsolve.formulations.method import METHODS
from mpsolve.heuristics.method import HEURISTICS, heuristic_named
from mpsolve.model.solution import Solution, Status, relative_gap
from mpsolve.presolve.presolved import Presolved
from mpsolve.solving.solve import solve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from mpsolve.model.configuration import Configuration
    from mpsolve.model.problem import Problem
    from mpsolve.typing import Number


#: Wall seconds for each exact method unless the caller says otherwise.
TIME_LIMIT = 60.0


@dataclass(frozen=True, eq=False)
class Entry:
    """One method's answer.

    Attributes
    ----------
    method
        The method.
    start
        What a heuristic began with, else empty.
    solution
        Its answer, or None if it could not be run.
    excuse
        Why it could not be run.
    """

    method: str
    start: str
    solution: Solution | None
    excuse: str = ""


@dataclass(frozen=True, eq=False)
class Comparison:
    """The answers of several methods to one problem.

    Attributes
    ----------
    problem
        The problem.
    entries
        One entry per method and start, exact methods first.
    """

    problem: Problem
    entries: tuple[Entry, ...]

    @property
    def optimum(self) -> Number | None:
        """The proven least loss, if an exact method has found it."""
        losses = [
            e.solution.loss
            for e in self.entries
            if e.solution and e.solution.status is Status.OPTIMAL and e.solution.loss is not None
        ]
        return min(losses, default=None)

    def gap(self, entry: Entry) -> float | None:
        """(loss - optimum) / abs(optimum) of an answer that keeps the constraints, else None."""
        solution, optimum = entry.solution, self.optimum
        if solution is None or solution.loss is None or optimum is None:
            return None
        if solution.status is Status.FAILED:
            return None
        excess = solution.loss - optimum
        return excess / abs(optimum) if optimum else relative_gap(solution.loss, optimum)

    def to_json(self) -> dict[str, Any]:
        """Plain data: every answer with its gap to the optimum."""
        return {
            "optimum": self.optimum,
            "loss_name": self.problem.loss_name,
            "provenance": self.problem.provenance.value,
            "source": self.problem.source,
            "budgets": dict(self.problem.budgets),
            "entries": [
                {"method": e.method, "start": e.start, "gap_to_optimum": self.gap(e)}
                | ({"not_run": e.excuse} if e.solution is None else e.solution.to_json())
                | {"method": e.method}
                for e in self.entries
            ],
        }

    def table(self) -> Table:
        """The comparison as a `rich.table.Table`, one row per entry."""
        from mpsolve.report.tables import comparison_table

        return comparison_table(self)


def compare(
    problem: Problem,
    methods: Sequence[str] | None = None,
    *,
    starts: Sequence[Configuration | str] = (),
    start_names: Sequence[str] = (),
    warm_start: Configuration | None = None,
    time_limit: float | None = TIME_LIMIT,
    threads: int = 1,
) -> Comparison:
    """Run several methods on one problem.

    Parameters
    ----------
    problem
        The problem.
    methods
        Exact methods and heuristics; all by default. One that cannot express the problem or is
        not installed gets an entry that says so.
    starts
        Every heuristic is run from each of them; by default from its own.
    start_names
        Names of the starts, for the entries.
    warm_start
        A configuration that the exact methods begin with.
    time_limit
        Wall seconds for each exact method, since one may take hours where another takes
        milliseconds; None for no limit.
    threads
        For the methods that use them.
    """
    presolved = Presolved(problem)
    names = list(methods) if methods is not None else [*METHODS, *HEURISTICS]
    entries = []
    for name in names:
        if name not in HEURISTICS:
            entries.append(
                _entry(
                    presolved,
                    name,
                    "",
                    warm_start=warm_start,
                    time_limit=time_limit,
                    threads=threads,
                )
            )
            continue
        default = heuristic_named(name).default_start
        chosen = list(starts) if starts and default else [default or None]
        for k, start in enumerate(chosen):
            shown = start_names[k] if k < len(start_names) and default else start
            text = shown if isinstance(shown, str) else "given" if shown else ""
            entries.append(_entry(presolved, name, text, start=start))
    return Comparison(problem, tuple(entries))


def _entry(problem: Presolved, method: str, start_name: str, **options: Any) -> Entry:
    try:
        return Entry(method, start_name, solve(problem, method, **options))
    except (UnsupportedError, MissingDependencyError) as error:
        return Entry(method, start_name, None, str(error))
    except InputError as error:
        if method not in HEURISTICS:
            raise
        return Entry(method, start_name, None, str(error))
