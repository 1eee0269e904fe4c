"""Choice groups: tied layers merged into one, forbidden candidates left out.

A reduction in the sense of a pair: `choice_groups` maps the problem forward, `ChoiceGroups.lift`
maps a choice of the reduced problem back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from mpsolve.errors import UnsupportedError
from mpsolve.storage.components import components

if TYPE_CHECKING:
    from mpsolve.model.constraints import Tie
    from mpsolve.model.precision import Precision
    from mpsolve.model.problem import Problem
    from mpsolve.typing import BoolArray, IntArray, NumberArray

#: More joint candidates than this in one group are better left to a solver as constraints.
MAX_JOINT = 4096


@dataclass(frozen=True, eq=False)
class ChoiceGroups:
    """The groups that are chosen from independently, and what their joint candidates consist of.

    Attributes
    ----------
    layer_offsets
        ``(N + 1,)`` int64, where the original candidates of each layer begin and end.
    members
        Per group, the layer indices that it merges.
    offsets
        ``(G + 1,)`` int64, where the joint candidates of each group begin and end. A group may
        be empty, which proves the problem infeasible.
    parts
        Flat indices of the original candidates, joint candidate by joint candidate.
    part_offsets
        ``(J + 1,)`` int64, where the parts of each joint candidate begin and end.
    remaining_ties
        Ties that were not merged and must be kept by constraints.
    """

    layer_offsets: IntArray
    members: Sequence[tuple[int, ...]]
    offsets: IntArray
    parts: IntArray
    part_offsets: IntArray
    remaining_ties: tuple[Tie, ...] = ()

    @property
    def trivial(self) -> bool:
        """Whether every group is a single layer."""
        return len(self.offsets) == len(self.layer_offsets)

    @property
    def empty_groups(self) -> tuple[tuple[int, ...], ...]:
        """The members of the groups that have no joint candidate."""
        empty = np.flatnonzero(np.diff(self.offsets) == 0).tolist()
        return tuple(self.members[g] for g in empty)

    def precisions(self, problem: Problem, joint: int) -> tuple[Precision, ...]:
        """The precisions that a joint candidate gives to the members of its group."""
        parts = self.parts[self.part_offsets[joint] : self.part_offsets[joint + 1]]
        return tuple(problem.precisions[j] for j in parts)

    def of_layer(self, layer: int) -> tuple[int, IntArray]:
        """The group of a layer, and the layer's own candidate in each of its joint candidates."""
        g = next(g for g, members in enumerate(self.members) if layer in members)
        begin, end = self.part_offsets[self.offsets[g : g + 2]]
        parts = self.parts[begin:end].reshape(-1, len(self.members[g]))
        return g, parts[:, self.members[g].index(layer)] - self.layer_offsets[layer]

    def merged(self, values: NumberArray) -> NumberArray:
        """``(J,)`` value of each joint candidate: the sum over its parts."""
        if self.trivial:
            return values[self.parts]
        return np.add.reduceat(values[self.parts], self.part_offsets[:-1])

    def cheapest(self, values: NumberArray) -> IntArray:
        """``(N,)`` the choice of the original problem whose values have the least sum.

        No group may be empty.
        """
        group = np.repeat(np.arange(len(self.members)), np.diff(self.offsets))
        first = np.lexsort((self.merged(values), group))[self.offsets[:-1]]
        return self.lift(first - self.offsets[:-1])

    def lift(self, choice: IntArray) -> IntArray:
        """The choice of the original problem that a choice of the groups stands for."""
        joint = self.offsets[:-1] + choice
        if self.trivial:
            return self.parts[joint] - self.layer_offsets[:-1]
        flat = np.concatenate(
            [self.parts[self.part_offsets[j] : self.part_offsets[j + 1]] for j in joint]
        )
        lifted = np.empty(len(self.layer_offsets) - 1, np.int64)
        layers = np.searchsorted(self.layer_offsets, flat, "right") - 1
        lifted[layers] = flat - self.layer_offsets[layers]
        return lifted

    def lower(self, choice: IntArray) -> IntArray | None:
        """The inverse of `lift`; None where the choice has no joint candidate in some group."""
        flat = self.layer_offsets[:-1] + choice
        if self.trivial:
            joint = np.minimum(np.searchsorted(self.parts, flat), len(self.parts) - 1)
            found = (self.parts[joint] == flat).all()
            return joint - self.offsets[:-1] if found else None
        lowered = np.empty(len(self.members), np.int64)
        for g, members in enumerate(self.members):
            begin, end = self.part_offsets[self.offsets[g : g + 2]]
            rows = self.parts[begin:end].reshape(-1, len(members))
            found = np.flatnonzero((rows == flat[list(members)]).all(1))
            if not len(found):
                return None
            lowered[g] = found[0]
        return lowered


def layer_groups(
    offsets: IntArray, usable: BoolArray | None = None, remaining_ties: tuple[Tie, ...] = ()
) -> ChoiceGroups:
    """One group per layer, with its usable candidates.

    Parameters
    ----------
    offsets
        ``(N + 1,)`` where the candidates of each layer begin and end.
    usable
        ``(M,)`` the candidates to keep; all by default.
    remaining_ties
        Ties to keep by constraints.
    """
    layers = len(offsets) - 1
    if usable is None or usable.all():
        kept, group_offsets = np.arange(offsets[-1]), offsets
    else:
        kept = np.flatnonzero(usable)
        group_offsets = np.concatenate(([0], np.cumsum(usable)))[offsets]
    members = _Singletons(layers)
    parts = np.arange(len(kept) + 1)
    return ChoiceGroups(offsets, members, group_offsets, kept, parts, remaining_ties)


def choice_groups(
    problem: Problem, merge: Literal["all", "whole"] = "all", usable: BoolArray | None = None
) -> ChoiceGroups:
    """Merge tied layers into groups with joint candidates.

    Parameters
    ----------
    problem
        The problem.
    merge
        ``"all"`` merges every tie; ``"whole"`` only those that share the whole precision, whose
        groups never have more candidates than their smallest layer.
    usable
        ``(M,)`` the candidates to keep; by default those that the restrictions allow.

    Raises
    ------
    UnsupportedError
        If a group would get more than `MAX_JOINT` joint candidates.
    """
    usable = problem.allowed if usable is None else usable
    merged = [t for t in problem.ties if merge == "all" or t.equal == "precision"]
    remaining = tuple(t for t in problem.ties if t not in merged)
    if not merged:
        return layer_groups(problem.offsets, usable, remaining)
    tied = (map(problem.index_of, tie.layers) for tie in merged)
    members = tuple(components(range(len(problem.layers)), tied))
    ties_of: dict[int, list[Tie]] = {}
    for tie in merged:
        ties_of.setdefault(problem.index_of(tie.layers[0]), []).append(tie)
    rows = [
        _joint_candidates(problem, usable, group, [t for i in group for t in ties_of.get(i, ())])
        for group in members
    ]
    widths = [len(group) for group, joint in zip(members, rows, strict=True) for _ in joint]
    return ChoiceGroups(
        problem.offsets,
        members,
        np.concatenate(([0], np.cumsum([len(joint) for joint in rows]))),
        np.array([j for joint in rows for row in joint for j in row], np.int64),
        np.concatenate(([0], np.cumsum(widths))).astype(np.int64),
        remaining,
    )


class _Singletons(Sequence[tuple[int, ...]]):
    """The members of groups that are single layers, without storing them."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> tuple[int, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[int, ...]]: ...
    def __getitem__(self, index: int | slice) -> tuple[int, ...] | Sequence[tuple[int, ...]]:
        if isinstance(index, slice):
            return [(i,) for i in range(self._count)[index]]
        return (range(self._count)[index],)


def _joint_candidates(
    problem: Problem, usable: BoolArray, group: tuple[int, ...], inside: list[Tie]
) -> list[tuple[int, ...]]:
    """Every combination of the members' usable candidates that keeps the ties inside."""
    joint: list[tuple[int, ...]] = [()]
    #: What each tie has been fixed to so far, beside every partial combination.
    shared: list[tuple[object, ...]] = [(None,) * len(inside)]
    for i in group:
        concerned = [t for t, tie in enumerate(inside) if problem.layers[i] in tie.layers]
        candidates = [
            (j, {t: inside[t].key(problem.precisions[j]) for t in concerned})
            for j in range(problem.offsets[i], problem.offsets[i + 1])
            if usable[j]
        ]
        extended, extended_shared = [], []
        for row, keys in zip(joint, shared, strict=True):
            for j, mine in candidates:
                if all(keys[t] is None or keys[t] == key for t, key in mine.items()):
                    extended.append((*row, j))
                    extended_shared.append(tuple(mine.get(t, k) for t, k in enumerate(keys)))
        joint, shared = extended, extended_shared
        if len(joint) > MAX_JOINT:
            names = ", ".join(problem.layers[k] for k in group[:3])
            raise UnsupportedError(
                f"The {len(group)} layers tied to each other ({names}, ...) have more than "
                f"{MAX_JOINT} joint candidates; use method milp or cpsat, which keep ties as "
                "constraints."
            )
    return joint
