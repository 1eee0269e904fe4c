"""The configurations that a flow compares: Free Bits, section 4.1, and exact optima beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.model.configuration import Configuration
from mpsolve.model.evaluation import evaluate
from mpsolve.model.solution import Status
from mpsolve.solving.solve import free_bits, greedy_decrease, greedy_increase, solve
from mpsolve.storage.digest import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mpsolve.model.problem import Problem
    from mpsolve.model.solution import Solution

HOMOGENEOUS = "homogeneous"
#: Precisions of the homogeneous configurations that are compared.
BASELINES = ("8b/8b", "4b/4b", "2b/2b")
AS_FOUND, FREE_BITS, INCREASE, DECREASE, EXACT = (
    "as found",
    "free-bits",
    "greedy-increase",
    "greedy-decrease",
    "exact",
)


@dataclass(frozen=True)
class Start:
    """A configuration that knows nothing of latencies.

    Attributes
    ----------
    kind
        ``homogeneous``, or the search that found it.
    name
        Which one of this kind: a precision, or a strength.
    configuration
        The precision of every layer.
    """

    kind: str
    name: str
    configuration: Configuration

    def __str__(self) -> str:
        return self.name if self.kind == HOMOGENEOUS else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Point:
    """A configuration that one method returned.

    Attributes
    ----------
    target
        Whose latencies were looked at.
    method
        ``as found``, ``free-bits``, ``greedy-increase``, ``greedy-decrease`` or ``exact``.
    kind, source
        What it began with: the kind of a `Start` and its text; of exact optima both are the
        sensitivities that were minimised.
    budget
        The latency that it was to keep, as it was written; empty without any.
    latency
        Of all layers, in the unit of the target.
    configuration
        The precision of every layer.
    losses
        Metric -> the summed sensitivities.
    warm_start
        Of exact optima, those of the best configuration of all other methods that keeps the
        budget, with which the search for the optimum began.
    """

    target: str
    method: str
    kind: str
    source: str
    budget: str
    latency: float
    configuration: Configuration
    losses: Mapping[str, float] = field(default_factory=dict)
    warm_start: float | None = None

    @property
    def id(self) -> str:
        """A short name of the configuration."""
        return identity(self.configuration)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**vars(self), "configuration": self.configuration.to_json()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Point:
        """What `to_json` returned."""
        configuration = Configuration.from_json(plain["configuration"])
        return cls(**{**plain, "configuration": configuration})


def identity(configuration: Configuration) -> str:
    """A short name that equal configurations share."""
    return digest(json.dumps(configuration.to_json()))[:8]


class Finder:
    """Finds the points of one target.

    Parameters
    ----------
    problem
        The layers with their latencies on the target.
    target
        Its name.
    losses
        Metric -> the same problem with these sensitivities as losses.
    notes
        Takes up a sentence for everything that is left out.
    """

    def __init__(
        self, problem: Problem, target: str, losses: Mapping[str, Problem], notes: list[str]
    ) -> None:
        self.problem, self.target, self.losses, self.notes = problem, target, losses, notes

    def baselines(self) -> Iterator[Start]:
        """The homogeneous configurations; a layer without the precision takes the next higher."""
        for precision in BASELINES:
            try:
                found = solve(self.problem, HOMOGENEOUS, start=precision).configuration
            except InputError as error:
                self.notes.append(f"{self.target}: {error}")
                continue
            assert found is not None
            yield Start(HOMOGENEOUS, precision, found)

    def begin(self, starts: Iterable[Start]) -> list[tuple[Start, Point, Point]]:
        """Every start as it was found, and after Free Bits."""
        found = []
        for start in starts:
            try:
                choice = self.problem.choice(start.configuration)
                better = free_bits(self.problem, start.configuration)
            except InputError as error:  # the target lacks a precision
                self.notes.append(f"{self.target}: {start}: {error}")
                continue
            own = float(evaluate(self.problem, choice).costs["latency"])
            as_found = Point(
                self.target,
                AS_FOUND,
                start.kind,
                str(start),
                "",
                own,
                start.configuration,
                self._summed(start.configuration),
            )
            point = self._point(better, FREE_BITS, start.kind, str(start), "")
            found.append((start, as_found, point))
        return found

    def greedy(
        self, begun: Sequence[tuple[Start, Point, Point]], budget: str, *, nearest: bool
    ) -> Iterator[Point]:
        """Both greedy searches from the configurations of Free Bits, each in its direction.

        With ``nearest``, of every kind the slowest start that keeps the budget goes up, and the
        fastest one that exceeds it goes down; otherwise all do.
        """
        problem = self.problem.with_budgets({"latency": budget})
        target = float(problem.budgets["latency"])
        for kind in dict.fromkeys(start.kind for start, _, _ in begun):
            own = [(point.latency, start, point) for start, _, point in begun if start.kind == kind]
            own.sort(key=lambda one: one[0])
            below = [one for one in own if one[0] <= target]
            above = [one for one in own if one[0] > target]
            for _, start, point in below[-1:] if nearest else below:
                answer = greedy_increase(problem, point.configuration)
                yield from self._kept(answer, INCREASE, start, budget)
            for _, start, point in above[:1] if nearest else above:
                answer = greedy_decrease(problem, point.configuration)
                yield from self._kept(answer, DECREASE, start, budget)

    def exact(self, metric: str, budget: str, others: Iterable[Point]) -> Iterator[Point]:
        """The assignment of least summed sensitivities that keeps a budget.

        Of what other methods found, the best that keeps the budget is the warm start.
        """
        problem = self.losses[metric].with_budgets({"latency": budget})
        limit = problem.budgets["latency"]
        kept = [point for point in others if point.latency <= limit]
        best = min(kept, key=lambda point: point.losses[metric], default=None)
        answer = solve(problem, warm_start=best.configuration if best else None)
        if answer.status is not Status.OPTIMAL:
            why = answer.conflict.message if answer.conflict else answer.status.meaning
            self.notes.append(f"{self.target}: latency {budget}: {why}")
            return
        point = self._point(answer, EXACT, metric, metric, budget)
        yield replace(point, warm_start=best.losses[metric] if best else None)

    def _kept(self, answer: Solution, method: str, start: Start, budget: str) -> Iterator[Point]:
        if answer.status is Status.FEASIBLE:
            yield self._point(answer, method, start.kind, str(start), budget)
        else:
            self.notes.append(f"{self.target}: {method} from {start} to {budget}: {answer.reason}")

    def _point(self, answer: Solution, method: str, kind: str, source: str, budget: str) -> Point:
        assert answer.configuration is not None
        latency, found = float(answer.costs["latency"]), answer.configuration
        summed = self._summed(found)
        return Point(self.target, method, kind, source, budget, latency, found, summed)

    def _summed(self, configuration: Configuration) -> dict[str, float]:
        """The sensitivities of a configuration, by metric."""
        choice = self.problem.choice(configuration)
        return {name: float(evaluate(p, choice).loss) for name, p in self.losses.items()}


def find_points(
    problem: Problem,
    target: str,
    searched: Iterable[Start],
    losses: Mapping[str, Problem],
    budgets: Iterable[str],
    *,
    nearest: bool = True,
) -> tuple[list[Point], list[str]]:
    """All points of a target, and a sentence for each that is missing.

    Parameters
    ----------
    problem
        The layers with their latencies on the target.
    target
        Its name.
    searched
        What differentiable searches found.
    losses
        Metric -> the same problem with these sensitivities as losses.
    budgets
        Latency targets.
    nearest
        As in `Finder.greedy`.
    """
    notes: list[str] = []
    finder = Finder(problem, target, losses, notes)
    begun = finder.begin([*finder.baselines(), *searched])
    points = [point for _, as_found, better in begun for point in (as_found, better)]
    for budget in budgets:
        points += finder.greedy(begun, budget, nearest=nearest)
    others = tuple(points)
    for metric in losses:
        for budget in budgets:
            points += finder.exact(metric, budget, others)
    return points, notes
