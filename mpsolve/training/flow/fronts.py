"""Comparing methods: what each would deliver for a latency, and for a margin of accuracy.

Configurations are chosen by their accuracy on the validation split, and judged on the test split.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from statistics import fmean, stdev
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.model.problem import Problem
from mpsolve.training.flow.outcome import baseline
from mpsolve.training.flow.points import AS_FOUND, DECREASE, EXACT, FREE_BITS, INCREASE
from mpsolve.training.sensitivity.predictiveness import rank_correlation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mpsolve.training.flow.outcome import FlowResult, Row

#: Percentage points below the accuracy of 8b/8b (Free Bits, table 1).
MARGINS = (0.5, 1.5)
#: Relative: two sums of the same latencies may differ in their last digits.
ROUNDING = 1e-9

#: Name of a method as people know it -> the rows that it stands for.
FAMILIES: Mapping[str, Callable[[Row], bool]] = MappingProxyType(
    {
        "homogeneous": lambda row: row.homogeneous and row.point.method == AS_FOUND,
        "search alone": lambda row: not row.homogeneous and row.point.method == AS_FOUND,
        "Free Bits": lambda row: not row.homogeneous and row.point.method == FREE_BITS,
        "greedy increase": lambda row: not row.homogeneous and row.point.method == INCREASE,
        "greedy decrease": lambda row: not row.homogeneous and row.point.method == DECREASE,
        "no search": lambda row: row.homogeneous and row.point.method != AS_FOUND,
        "exact": lambda row: row.point.method == EXACT,
    }
)


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over seeds.

    Attributes
    ----------
    mean
        The mean.
    deviation
        None with a single seed.
    count
        How many seeds.
    """

    mean: float
    deviation: float | None
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread | None:
        """That of some values; None without any."""
        known = list(values)
        if not known:
            return None
        return cls(fmean(known), stdev(known) if len(known) > 1 else None, len(known))


def families(result: FlowResult) -> dict[str, Callable[[Row], bool]]:
    """`FAMILIES` that have rows; with several metrics, exact optima by metric."""
    named = dict(FAMILIES)
    if len(result.settings.metrics) > 1:
        del named["exact"]
        for metric in result.settings.metrics:
            named[f"exact ({metric})"] = partial(_is_optimum_of, metric)
    return {name: has for name, has in named.items() if any(map(has, result.rows))}


def _is_optimum_of(metric: str, row: Row) -> bool:
    return row.point.method == EXACT and row.point.kind == metric


def delivered(rows: Iterable[Row], latency: float) -> Row | None:
    """What a method delivers for a latency: its best by validation accuracy, then by loss."""
    limit = latency * (1 + ROUNDING)
    kept = [row for row in rows if row.tuned and row.point.latency <= limit]
    return max(kept, key=_merit, default=None)


def front(rows: Iterable[Row]) -> list[Row]:
    """The rows that no other row beats in latency and validation accuracy, by latency."""
    best: list[Row] = []
    tuned = (row for row in rows if row.tuned)
    for row in sorted(tuned, key=lambda row: (row.point.latency, -_merit(row)[0])):
        if not best or _merit(row)[0] > _merit(best[-1])[0]:
            best.append(row)
    return best


def at_budgets(result: FlowResult, target: str, name: str) -> dict[str, Spread | None]:
    """Latency target -> test accuracy that a family delivers for it, over the seeds."""
    has = families(result)[name]
    spreads: dict[str, Spread | None] = {}
    for budget, latency in budgets_of(result, target).items():
        chosen = (
            delivered(filter(has, result.of(target, seed)), latency)
            for seed in result.settings.seeds
        )
        spreads[budget] = Spread.of(row.tuned.test_accuracy for row in chosen if row and row.tuned)
    return spreads


def lead(result: FlowResult, target: str, name: str, other: str) -> Spread | None:
    """Mean over the latency targets of what one family delivers more than another, by seed.

    Targets for which either delivers nothing are left out.
    """
    known = families(result)
    means = []
    for seed in result.settings.seeds:
        rows = result.of(target, seed)
        differences = []
        for latency in budgets_of(result, target).values():
            one = delivered(filter(known[name], rows), latency)
            two = delivered(filter(known[other], rows), latency)
            if one and two and one.tuned and two.tuned:
                differences.append(one.tuned.test_accuracy - two.tuned.test_accuracy)
        if differences:
            means.append(fmean(differences))
    return Spread.of(means)


def budgets_of(result: FlowResult, target: str) -> dict[str, float]:
    """The latency targets as they were written, in the unit of the latencies."""
    problem = Problem.from_table(result.tables[target])
    return {
        text: float(problem.with_budgets({"latency": text}).budgets["latency"])
        for text in result.settings.budgets
    }


def prediction(result: FlowResult, metric: str) -> Spread | None:
    """How well summed sensitivities rank the networks after fine-tuning, over the seeds.

    Spearman's rank correlation with the loss on the validation split, over all distinct
    configurations of a seed; seeds in which either does not vary are left out.
    """
    found = []
    for seed in result.settings.seeds:
        pairs = {
            row.point.id: (row.point.losses[metric], row.tuned.validation_loss)
            for row in result.rows
            if row.seed == seed and row.tuned and metric in row.point.losses
        }
        if len(pairs) > 2:
            predicted, measured = np.array(list(pairs.values())).T
            found.append(float(rank_correlation(predicted, measured)))
    return Spread.of(value for value in found if not np.isnan(value))


@dataclass(frozen=True)
class Margin:
    """The fastest configuration whose accuracy is near that of 8b/8b, over the seeds.

    Attributes
    ----------
    latency
        Relative to 8b/8b, minus 1.
    accuracy
        On the test split.
    """

    latency: Spread
    accuracy: Spread

    @classmethod
    def of(cls, rows: Sequence[Row | None]) -> Margin | None:
        """That of one row per seed; None if a seed has none."""
        known = [(row.relative - 1, row.tuned.test_accuracy) for row in rows if row and row.tuned]
        latency = Spread.of(latency for latency, _ in known)
        accuracy = Spread.of(accuracy for _, accuracy in known)
        if len(known) < len(rows) or latency is None or accuracy is None:
            return None
        return cls(latency, accuracy)


def within(result: FlowResult, target: str, name: str, points: float) -> Margin | None:
    """The fastest configuration of a family within so many percentage points of 8b/8b."""
    has = families(result)[name]
    chosen: list[Row | None] = []
    for seed in result.settings.seeds:
        rows = result.of(target, seed)
        reference = baseline(rows, "8b/8b")
        if reference is None or reference.tuned is None:
            return None
        least = reference.tuned.validation_accuracy - points / 100 - ROUNDING
        near = [r for r in rows if has(r) and r.tuned and r.tuned.validation_accuracy >= least]
        chosen.append(min(near, key=lambda row: row.point.latency, default=None))
    return Margin.of(chosen)


def of_baseline(result: FlowResult, target: str, name: str, method: str) -> Margin | None:
    """A homogeneous configuration, as found or after Free Bits."""
    chosen = []
    for seed in result.settings.seeds:
        rows = [r for r in result.of(target, seed) if r.homogeneous and r.point.method == method]
        chosen.append(next((row for row in rows if row.point.source == name), None))
    return Margin.of(chosen)


def _merit(row: Row) -> tuple[float, float]:
    assert row.tuned is not None
    return row.tuned.validation_accuracy, -row.tuned.validation_loss
