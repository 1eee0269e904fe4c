"""The core: what reduced costs cannot decide, settled by dynamic programming.

Pisinger (1995), "A minimal algorithm for the multiple-choice knapsack problem": groups enter the
core one by one, most promising first. A label is a complete choice in which the groups that have
not entered keep their break candidate, so every label within the capacity is an incumbent. All
numbers are differences to the break choice; weights are counted from the capacity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.formulations.mckp.incumbent import differences

if TYPE_CHECKING:
    from mpsolve.formulations.mckp.instance import Instance
    from mpsolve.typing import BoolArray, FloatArray, IntArray

#: Relative safety of bounds computed in doubles, on the side of keeping a label.
OUTWARD = 2.0**-48


@dataclass(frozen=True, eq=False)
class Reduced:
    """The instance seen from its break choice, with what the relaxation already excludes.

    Attributes
    ----------
    choice
        ``(G,)`` the break choice.
    room
        Capacity minus the weight of the break choice, at least 0.
    gained, lost
        ``(G, K)`` int64 change of weight and of loss when a group leaves its break candidate.
    above
        ``(G, K)`` how far a choice with this candidate lies above `bound` at least.
    alive
        ``(G, K)`` the alternatives to the break candidates.
    slack
        ``(G,)`` lower bound, at most 0, on the reduced cost of the group.
    multiplier
        Loss per unit of weight.
    bound
        Lower bound on the loss, as a difference to the break choice.
    """

    choice: IntArray
    room: int
    gained: IntArray
    lost: IntArray
    above: FloatArray
    alive: BoolArray
    slack: FloatArray
    multiplier: float
    bound: float

    def reach(self, target: int) -> float:
        """How far above the bound a candidate of a choice that loses ``target`` may lie."""
        return (target - self.bound) * (1 + OUTWARD)

    def within(self, limit: float) -> BoolArray:
        """The alternatives that lie at most so far above the bound."""
        return self.alive & (self.above <= limit)


def reduce(instance: Instance, choice: IntArray, multiplier: float, room: int) -> Reduced:
    """Price all candidates against the break choice (variable fixing by reduced costs).

    ``room`` is what the break choice leaves of the capacity.
    """
    gained, lost = differences(instance, choice)
    traded = multiplier * gained
    reduced = lost + traded - (np.abs(lost) + np.abs(traded)) * 2.0**-51  # safe from rounding
    slack = reduced.min(1)
    alive = instance.real & (gained != 0)
    bound = (float(np.cumsum(slack)[-1]) - multiplier * room) * (1 + OUTWARD)
    above = reduced - slack[:, None]
    return Reduced(choice, room, gained, lost, above, alive, slack, multiplier, bound)


@dataclass(frozen=True, eq=False)
class Core:
    """The groups that are still open, in the order in which they enter the core.

    Attributes
    ----------
    groups
        ``(C,)`` group indices.
    alive
        ``(G, K)`` the alternatives that are open.
    per_gain, per_loss
        ``(C + 1,)`` from each position on: the most loss that the remaining groups can win per
        unit of weight added, and the least loss that they pay per unit of weight saved.
    rest
        ``(C + 1,)`` what rounding may hide in the remaining groups, at most 0.
    """

    groups: IntArray
    alive: BoolArray
    per_gain: FloatArray
    per_loss: FloatArray
    rest: FloatArray


def open_core(reduced: Reduced, limit: float) -> Core:
    """Open the groups with an alternative that lies at most ``limit`` above the bound.

    They enter by how close their best slope comes to the multiplier.
    """
    alive = reduced.within(limit)
    groups = np.flatnonzero(alive.any(1))
    gained, lost = reduced.gained[groups], reduced.lost[groups]
    slope = np.divide(-lost, gained, where=alive[groups], out=np.full(gained.shape, np.nan))
    distance = np.where(np.isnan(slope), np.inf, np.abs(slope - reduced.multiplier)).min(1)
    order = np.argsort(distance, kind="stable")
    groups, slope, gained = groups[order], slope[order], gained[order]
    multiplier = reduced.multiplier
    adding = np.where((gained > 0) & ~np.isnan(slope), slope, 0.0).max(1, initial=0.0)
    saving = np.where((gained < 0) & ~np.isnan(slope), slope, np.inf).min(1, initial=np.inf)
    adding = np.minimum(adding * (1 + OUTWARD), multiplier)
    saving = np.maximum(saving * (1 - OUTWARD), multiplier)
    return Core(
        groups,
        alive,
        np.append(np.maximum.accumulate(adding[::-1])[::-1], 0.0),
        np.append(np.minimum.accumulate(saving[::-1])[::-1], np.inf),
        np.append(np.cumsum(reduced.slack[groups][::-1])[::-1], 0.0),
    )


@dataclass(frozen=True, eq=False)
class Labels:
    """Non-dominated partial solutions, by increasing weight and strictly decreasing loss.

    ``weights`` are relative to the capacity, ``losses`` to the break choice, ``bounds`` are lower
    bounds on the loss of any completion; all ``(L,)``.
    """

    weights: IntArray
    losses: IntArray
    bounds: FloatArray

    def best_within_capacity(self) -> int:
        """Position of the least loss that keeps the capacity, or -1."""
        return int(np.searchsorted(self.weights, 0, "right")) - 1


def extend(
    labels: Labels, gained: IntArray, lost: IntArray, core: Core, position: int, target: float
) -> tuple[Labels, IntArray]:
    """Let the group at ``position`` of the core choose.

    Parameters
    ----------
    labels
        The labels so far.
    gained, lost
        ``(A,)`` the group's candidates; the break candidate comes first, with zeros.
    core, position
        The core, and which of its groups enters.
    target
        Labels that cannot end with a loss of at most this are dropped.

    Returns
    -------
    labels, origin
        The new labels and where each comes from: ``candidate * len(labels) + label``.
    """
    weights = (labels.weights + gained[:, None]).ravel()
    losses = (labels.losses + lost[:, None]).ravel()
    slope = np.where(weights <= 0, core.per_gain[position + 1], core.per_loss[position + 1])
    bounds = losses + slope * weights + core.rest[position + 1]
    largest = max(abs(int(labels.losses[0])), abs(int(labels.losses[-1])))
    outward = OUTWARD * (largest + float(np.abs(lost).max()) + abs(target))
    kept = np.flatnonzero(bounds <= target + outward)
    kept = kept[np.argsort(weights[kept], kind="stable")]
    kept = kept[_undominated(weights[kept], losses[kept])]
    return Labels(weights[kept], losses[kept], bounds[kept] - outward), kept


def _undominated(weights: IntArray, losses: IntArray) -> BoolArray:
    """Which of the labels, sorted by weight, have less loss than every lighter one."""
    keep = np.ones(len(losses), bool)
    if len(losses) > 1:
        keep[1:] = losses[1:] < np.minimum.accumulate(losses)[:-1]
        survivors = np.flatnonzero(keep)
        same = weights[survivors[:-1]] == weights[survivors[1:]]
        keep[survivors[:-1][same]] = False
    return keep
