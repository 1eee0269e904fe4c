"""Candidates priced by a multiplier, with what rounding may hide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.presolve.hull import OUTWARD

if TYPE_CHECKING:
    from mpsolve.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Groups:
    """Undominated candidates, sorted by weight within each group."""

    weights: IntArray
    losses: IntArray
    offsets: IntArray

    def priced(self, multiplier: float) -> Priced:
        """Compare all candidates with the cheapest of their groups at a price for weight."""
        starts, counts = self.offsets[:-1], np.diff(self.offsets)
        chosen = starts
        for _ in range(2):  # the second time from close by, where doubles are precise
            gained, lost = self._changes(chosen)
            cost = lost + multiplier * gained
            least = np.flatnonzero(cost == np.repeat(np.minimum.reduceat(cost, starts), counts))
            chosen = least[np.searchsorted(least, starts)]
        gained, lost = self._changes(chosen)
        reduced = lost + multiplier * gained
        noise = OUTWARD * (np.abs(lost) + multiplier * np.abs(gained))
        hidden = np.maximum.reduceat(np.maximum(noise - reduced, 0), starts).sum()
        return Priced(chosen, gained, lost, reduced, noise, float(hidden))

    def _changes(self, chosen: IntArray) -> tuple[IntArray, IntArray]:
        counts = np.diff(self.offsets)
        gained = self.weights - np.repeat(self.weights[chosen], counts)
        return gained, self.losses - np.repeat(self.losses[chosen], counts)


@dataclass(frozen=True, eq=False)
class Priced:
    """The candidates seen from a choice that is the cheapest at a multiplier.

    Attributes
    ----------
    chosen
        ``(G,)`` index of the cheapest candidate of each group.
    gained, lost
        ``(M,)`` int64 change of weight and of loss when a group takes this candidate instead.
    reduced, noise
        ``(M,)`` the change of loss + multiplier * weight, and how far it may be rounded.
    hidden
        How much cheaper than the choice others may be because of that, at most.
    """

    chosen: IntArray
    gained: IntArray
    lost: IntArray
    reduced: FloatArray
    noise: FloatArray
    hidden: float

    def within(self, gap: float) -> BoolArray:
        """``(M,)`` the alternatives that a choice whose cost does not exceed the gap may use."""
        alive = self.reduced <= gap + self.noise
        alive[self.chosen] = False
        return alive

    def most_promising_first(self, alive: BoolArray, offsets: IntArray) -> IntArray:
        """The groups that have alternatives, those with the cheapest ones first."""
        closest = np.minimum.reduceat(np.where(alive, self.reduced, np.inf), offsets[:-1])
        order = np.argsort(closest, kind="stable")
        return order[closest[order] < np.inf]
