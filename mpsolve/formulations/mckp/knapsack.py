"""From original numbers to an integer instance, through the search, and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.formulations.filtering import affordable, competitive
from mpsolve.formulations.fixed_point import FixedPoint, fixed_capacity, fixed_point
from mpsolve.formulations.mckp.instance import Instance, padded
from mpsolve.formulations.mckp.search import LABEL_LIMIT, search

if TYPE_CHECKING:
    from mpsolve.groups import ChoiceGroups
    from mpsolve.solution import Limit
    from mpsolve.typing import BoolArray, IntArray, Number, NumberArray

#: Weights may use more of the int64 range than losses: they are only added and compared.
WEIGHT_BITS = 62
#: A coarser scale than this, relative to what the optimum loses, is worth a second search.
FINE = 2.0**-45

Report = Callable[[float, float], None]


@dataclass(frozen=True, eq=False)
class KnapsackAnswer:
    """What the search found, in original numbers.

    Attributes
    ----------
    choice
        ``(N,)`` int64, or None if no choice keeps the budget.
    bound
        Proven lower bound on the loss; -inf without a choice.
    limit
        What stopped the search before the proof, if anything.
    resolution
        How far the integer losses of a choice may lie from the original ones, in units of loss;
        0 when they are exact.
    """

    choice: IntArray | None
    bound: float
    limit: Limit | None
    resolution: float


def solve_knapsack(
    loss: NumberArray,
    cost: NumberArray,
    offsets: IntArray,
    limit: Number,
    group: Callable[[BoolArray], ChoiceGroups],
    *,
    start: IntArray | None = None,
    deadline: float = math.inf,
    label_limit: int | None = None,
    gap: float = 0.0,
    report: Report | None = None,
) -> KnapsackAnswer:
    """Minimise the summed loss within one budget.

    Parameters
    ----------
    loss, cost
        ``(M,)`` of the candidates.
    offsets
        ``(N + 1,)`` where the candidates of each layer begin and end.
    limit
        The budget on the summed cost.
    group
        Forms the choice groups from the ``(M,)`` mask of usable candidates.
    start, deadline, label_limit, gap, report
        See `search`; ``report`` and ``gap`` speak of original numbers.
    """
    usable = affordable(cost, offsets, limit)
    while True:
        groups = group(usable)
        if groups.empty_groups:
            return KnapsackAnswer(None, -math.inf, None, 0.0)
        instance, scale = integer_instance(loss, cost, offsets, limit, usable, groups)
        result = search(
            instance,
            start=_feasible(start, groups, instance),
            deadline=deadline,
            label_limit=label_limit or LABEL_LIMIT,
            gap=gap,
            report=report and _in_original_numbers(report, scale),
        )
        if result.choice is None:
            return KnapsackAnswer(None, -math.inf, None, 0.0)
        choice = groups.lift(result.choice)
        resolution = 0.0 if scale.exact else math.ldexp(len(offsets) / 2, -scale.exponent)
        if resolution > 0 and result.limit is None:
            narrower = usable & competitive(loss, offsets, choice)
            if resolution > FINE * _spread(loss, offsets, narrower) and (narrower != usable).any():
                usable, start = narrower, choice
                continue
        bound = scale.original(result.bound) - resolution
        return KnapsackAnswer(choice, bound, result.limit, resolution)


def integer_instance(
    loss: NumberArray,
    cost: NumberArray,
    offsets: IntArray,
    limit: Number,
    usable: BoolArray,
    groups: ChoiceGroups,
) -> tuple[Instance, FixedPoint]:
    """The instance in integers, and the scale of its losses."""
    if not usable.all():  # what cannot be chosen must not coarsen the scale
        loss, cost = np.where(usable, loss, 0), np.where(usable, cost, 0)
    losses = fixed_point(loss, offsets)
    weights = fixed_point(cost, offsets, bits=WEIGHT_BITS, round_up=True)
    capacity = fixed_capacity(limit, weights.exponent, len(offsets) - 1)
    capacity = max(-(2**WEIGHT_BITS), min(capacity, 2**WEIGHT_BITS))
    instance = padded(
        groups.merged(weights.integers), groups.merged(losses.integers), groups.offsets, capacity
    )
    return instance, losses


def _feasible(start: IntArray | None, groups: ChoiceGroups, instance: Instance) -> IntArray | None:
    """The start as a choice of the groups, if it is one and keeps the capacity."""
    lowered = None if start is None else groups.lower(start)
    return None if lowered is None or instance.weight(lowered) > instance.capacity else lowered


def _spread(loss: NumberArray, offsets: IntArray, usable: BoolArray) -> float:
    """How far the losses of the usable candidates lie apart, summed over the layers."""
    least = np.minimum.reduceat(np.where(usable, loss, np.inf), offsets[:-1])
    most = np.maximum.reduceat(np.where(usable, loss, -np.inf), offsets[:-1])
    return math.fsum(most - least)


def _in_original_numbers(report: Report, scale: FixedPoint) -> Callable[[int, int], None]:
    return lambda value, bound: report(scale.original(value), scale.original(bound))
