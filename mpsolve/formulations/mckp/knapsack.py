"""From original numbers to an integer instance, through the search, and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mpsolve.formulations.mckp.kernels import Kernel, Prepared, default_kernel
from mpsolve.formulations.mckp.search import LABEL_LIMIT, SearchOptions
from mpsolve.formulations.refinement import FINE_KNAPSACK, NOTHING, Found, refined
from mpsolve.model.solution import Limit
from mpsolve.presolve.choice_groups import layer_groups
from mpsolve.presolve.fixed_point import SUM_BITS, FixedPoint, fixed_capacity
from mpsolve.presolve.fixing import SAFETY, affordable
from mpsolve.storage.shelf import Shelf

if TYPE_CHECKING:
    from mpsolve.presolve.choice_groups import ChoiceGroups
    from mpsolve.typing import BoolArray, IntArray, Number, NumberArray

#: Weights may use more of the int64 range than losses: they are only added and compared.
WEIGHT_BITS = 62
#: No finer scale is needed for a loss of so many units: n / 2 of them are then n * 2^-51 of it, as
#: in a sum of floats.
PLAIN_SUM = 2**50
#: So many units apart, losses surely differ in integers too.
DISTINCT = 4

Report = Callable[[float, float], None]


class Knapsack:
    """One cost and the loss of independent groups: prepared once, solved for any limit.

    Parameters
    ----------
    loss, cost
        ``(M,)`` of the candidates.
    offsets
        ``(N + 1,)`` where the candidates of each layer begin and end.
    group
        Forms the choice groups from the ``(M,)`` mask of usable candidates, or from None for all;
        by default every layer is a group.
    kernel
        What computes; by default the fastest there is.
    """

    def __init__(
        self,
        loss: NumberArray,
        cost: NumberArray,
        offsets: IntArray,
        group: Callable[[BoolArray | None], ChoiceGroups] | None = None,
        kernel: Kernel | None = None,
    ) -> None:
        self._loss, self._cost, self._offsets = loss, cost, offsets
        self._group = group
        self._kernel = kernel or default_kernel()
        self._finer = Shelf()
        self._whole = self._part(None)

    def solve(
        self, limit: Number, *, start: IntArray | None = None, deadline: float = math.inf
    ) -> Found:
        """Minimise the summed loss within a limit on the summed cost."""
        return refined(self.within(limit, deadline), start)

    def within(
        self,
        limit: Number,
        deadline: float = math.inf,
        label_limit: int | None = None,
        gap: float = 0.0,
        report: Report | None = None,
    ) -> Scaled:
        """The knapsack on its first scale, within a limit on the summed cost.

        The scale of the integers is that of all candidates. Where it is too coarse beside the
        limit, as huge numbers of candidates that cannot be chosen make it, those are left out.

        Parameters
        ----------
        limit
            The budget.
        deadline, label_limit, gap, report
            See `search`; ``report`` and ``gap`` speak of original numbers.
        """
        part, usable = self._whole, None
        if not part.fine_beside(limit):
            usable = affordable(self._cost, self._offsets, limit)
            part = self._part(usable)
        return Scaled(self, part, usable, limit, deadline, label_limit, gap, report)

    @cached_property
    def _excess(self) -> NumberArray:
        """``(M,)`` what a candidate loses beyond the least of its layer."""
        return self._loss - self._dominated[0]

    @cached_property
    def least(self) -> float:
        """The least losses of all layers together."""
        return float(np.minimum.reduceat(self._loss, self._offsets[:-1]).sum())

    @cached_property
    def _dominated(self) -> tuple[NumberArray, NumberArray]:
        """``(M,)`` least loss and highest cost per layer: with more loss, both are dominated."""
        starts, counts = self._offsets[:-1], np.diff(self._offsets)
        least, most = (
            np.repeat(ufunc.reduceat(values, starts), counts)
            for ufunc, values in ((np.minimum, self._loss), (np.maximum, self._cost))
        )
        return least, most

    def _lost(self, choice: IntArray) -> float:
        """What a choice loses beyond the least of every layer."""
        return float(self._excess[self._offsets[:-1] + choice].sum())

    def finer(self, part: Part, choice: IntArray, usable: BoolArray | None) -> Part | None:
        """The integers of the candidates that can be part of a choice as good as a known one.

        None if nothing is gained. What such a candidate loses is bounded by a power of two, so
        that other budgets find the same integers.
        """
        lost = self._lost(choice)
        level = math.frexp(lost)[1]
        most = math.ldexp(1.0, level)
        contenders = self._excess <= most * (1 + SAFETY)
        if lost <= 0 or most >= part.most or contenders.all():
            return None
        if usable is not None:
            return self._part(contenders & usable, most)
        return self._finer.once(level, partial(self._part, contenders, most))

    def _part(self, usable: BoolArray | None, most: float = math.inf) -> Part:
        """The integers of the usable candidates; the others lose more than ``most``, if given."""
        if self._group is None and (usable is None or most < math.inf):
            part = self._plain_part(usable, most)
            if usable is None or math.ldexp(most, part.losses.exponent) >= DISTINCT:
                return part
        loss, cost, offsets = self._loss, self._cost, self._offsets
        if usable is not None:  # what cannot be chosen must not coarsen the scale
            loss, cost = np.where(usable, loss, 0), np.where(usable, cost, 0)
        losses, weights = self._integers(loss, cost)
        groups = layer_groups(offsets, usable) if self._group is None else self._group(usable)
        if groups.empty_groups:
            return Part(len(offsets) - 1, losses, weights, groups, None, most)
        integers = (groups.merged(weights.integers), groups.merged(losses.integers))
        prepared = self._kernel.prepare(*integers, groups.offsets)
        return Part(len(offsets) - 1, losses, weights, groups, prepared, most)

    def _plain_part(self, usable: BoolArray | None, most: float) -> Part:
        """Every layer as a group; candidates that are not usable become dominated ones."""
        loss, cost, offsets = self._loss, self._cost, self._offsets
        if usable is not None:
            least, highest = self._dominated
            loss, cost = np.where(usable, loss, least + most), np.where(usable, cost, highest)
        losses, weights = self._integers(loss, cost)
        prepared = self._kernel.prepare(weights.integers, losses.integers, offsets)
        return Part(len(offsets) - 1, losses, weights, None, prepared, most)

    def _integers(self, loss: NumberArray, cost: NumberArray) -> tuple[FixedPoint, FixedPoint]:
        scale = self._kernel.fixed_point
        losses = scale(loss, self._offsets, SUM_BITS, False)
        return losses, scale(cost, self._offsets, WEIGHT_BITS, True)


class Scaled(NamedTuple):
    """A knapsack in integers, and how to search it: see `Knapsack.within`."""

    knapsack: Knapsack
    part: Part
    usable: BoolArray | None
    limit: Number
    deadline: float
    label_limit: int | None
    gap: float
    report: Report | None

    def search(self, start: IntArray | None) -> Found:
        """Search for the optimum in integers."""
        part, report, label_limit = self.part, self.report, self.label_limit or LABEL_LIMIT
        if part.prepared is None:
            return NOTHING
        options = SearchOptions(
            part.lowered(start),
            self.deadline,
            label_limit,
            self.gap,
            report and _in_original_numbers(report, part.losses),
        )
        result = part.prepared.search(part.capacity(self.limit), options)
        if result.choice is None:
            return NOTHING
        bound = part.losses.original(result.bound) - part.resolution
        if part.most < math.inf:
            bound = min(bound, self.knapsack.least + part.most)
        notes: tuple[str, ...] = ()
        if result.limit is Limit.LABELS:
            notes = (f"The search kept at most {label_limit:,} labels, as the label limit has it.",)
        limit, resolved = result.limit, True
        if limit is None:
            limit = Limit.GAP if result.bound < result.loss else None
            resolved = part.resolves(result.loss)
        choice = part.lifted(result.choice)
        return Found(choice, bound, limit, limit is None, part.resolution, resolved, notes)

    def finer(self, choice: IntArray | None) -> Scaled | None:
        """The candidates that can be part of a choice as good, on a finer scale."""
        if choice is None:
            return None
        part = self.knapsack.finer(self.part, choice, self.usable)
        return None if part is None else self._replace(part=part)


@dataclass(frozen=True, eq=False)
class Part:
    """The integers of some of the candidates.

    Attributes
    ----------
    layers
        Their number N.
    losses, weights
        The numbers of the candidates as integers.
    groups
        The choice groups, or None where every layer with all its candidates is one.
    prepared
        The knapsack in integers, or None if some group has no candidate.
    most
        Every other candidate loses more than this beyond the least of its layer.
    """

    layers: int
    losses: FixedPoint
    weights: FixedPoint
    groups: ChoiceGroups | None
    prepared: Prepared | None
    most: float = math.inf

    @cached_property
    def resolution(self) -> float:
        """How far the integer losses of a choice may lie from the original ones."""
        return 0.0 if self.losses.exact else math.ldexp(self.layers / 2, -self.losses.exponent)

    def fine_beside(self, limit: Number) -> bool:
        """Whether rounding the costs up stays below the slack that `keeps` grants to floats."""
        return self.weights.exact or math.ldexp(1.0, 53 - self.weights.exponent) <= abs(limit)

    def resolves(self, loss: int) -> bool:
        """Whether the integers are fine enough for an optimum that loses so much.

        They are where their rounding is no worse than that of a plain sum of floats, or fine
        beside how far the losses of its contenders lie apart, each at most what it loses.
        """
        if self.losses.exact or self.prepared is None or abs(loss) >= PLAIN_SUM:
            return True
        needed, excess = self.layers / (2 * FINE_KNAPSACK), loss - self.prepared.base_loss
        return excess >= needed or self.prepared.spread(excess) >= needed

    def capacity(self, limit: Number) -> int:
        """The limit in integers."""
        capacity = fixed_capacity(limit, self.weights, self.layers)
        return max(-(2**WEIGHT_BITS), min(capacity, 2**WEIGHT_BITS))

    def lowered(self, start: IntArray | None) -> IntArray | None:
        """A choice of the layers as one of the groups, if it is one."""
        return start if start is None or self.groups is None else self.groups.lower(start)

    def lifted(self, choice: IntArray) -> IntArray:
        """A choice of the groups as one of the layers."""
        return choice if self.groups is None else self.groups.lift(choice)


def _in_original_numbers(report: Report, scale: FixedPoint) -> Callable[[int, int], None]:
    return lambda value, bound: report(scale.original(value), scale.original(bound))
