"""What couples the stages: rows and pairwise terms that have begun and not ended yet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpsolve.formulations.binary_model import BinaryModel
    from mpsolve.typing import BoolArray, IntArray


@dataclass(frozen=True, eq=False)
class WholeRow:
    """A row of the model with a coefficient for every variable.

    Attributes
    ----------
    coefficients
        ``(J,)`` int64.
    groups
        The groups, and pairs, that it has coefficients for.
    upper
        The right-hand side.
    equal
        Whether the sum must meet it.
    states
        No more than so many different partial sums; infinite for a row over pairs.
    """

    coefficients: IntArray
    groups: IntArray
    upper: int
    equal: bool
    states: float


def whole_rows(model: BinaryModel) -> list[WholeRow]:
    """The rows of a model that have any coefficient."""
    groups = len(model.groups.members)
    owner = np.repeat(np.arange(len(model.offsets) - 1), np.diff(model.offsets))
    rows = []
    for r, (upper, equal) in enumerate(zip(model.upper.tolist(), model.equal, strict=True)):
        entries = slice(model.indptr[r], model.indptr[r + 1])
        coefficients = np.zeros(len(model.losses), np.int64)
        coefficients[model.columns[entries]] = model.coefficients[entries]
        touched = np.unique(owner[model.columns[entries]])
        states = math.inf
        if (touched < groups).all():
            own = (coefficients[model.offsets[g] : model.offsets[g + 1]] for g in touched[:-1])
            states = math.prod(len(set(values.tolist())) for values in own)
        if len(touched):
            rows.append(WholeRow(coefficients, touched, upper, bool(equal), states))
    return rows


class PendingRow:
    """A row whose state is the sum so far, as far as it makes a difference.

    Parameters
    ----------
    model, row
        The row, of the model.
    position
        ``(G,)`` the stage of each group.

    Attributes
    ----------
    own
        Group -> its coefficients, by increasing stage.
    last
        The group of the last stage.
    """

    def __init__(self, model: BinaryModel, row: WholeRow, position: IntArray) -> None:
        self._row = row
        groups = row.groups[np.argsort(position[row.groups])].tolist()
        self.own = {g: row.coefficients[model.offsets[g] : model.offsets[g + 1]] for g in groups}
        self.last = groups[-1]
        self._rest: dict[int, IntArray] = {}
        sums = np.zeros(1, np.int64)
        for g in reversed(groups):
            self._rest[g] = sums
            sums = np.unique(sums[:, None] + self.own[g])

    def advance(self, sums: IntArray, group: int) -> tuple[IntArray, BoolArray]:
        """``(S, K)`` new states and whether they can still keep the row."""
        reached = sums[:, None] + self.own[group]
        rest, room = self._rest[group], self._row.upper - reached
        # As much room as the largest sum to come that fits is as good as all of it.
        position = np.searchsorted(rest, room, "right") - 1
        largest = rest[np.maximum(position, 0)]
        if self._row.equal:
            return reached, largest == room
        return self._row.upper - largest, position >= 0


class PendingPair:
    """A pairwise term whose state is what the group of the earlier stage has chosen.

    Candidates with the same numbers are one state.

    Attributes
    ----------
    first
        The group of the earlier stage.
    kind
        ``(K_first,)`` int64, the state of each of its candidates.
    values
        ``(1 + R, kinds, K_second)`` int64 loss and weights.
    """

    def __init__(
        self, model: BinaryModel, pair: int, resources: list[WholeRow], position: IntArray
    ) -> None:
        groups = model.pairs[pair]
        begin, end = model.offsets[len(model.groups.members) + pair :][:2]
        numbers = np.stack([model.losses, *(row.coefficients for row in resources)])[:, begin:end]
        matrices = numbers.reshape(-1, *np.diff(model.offsets)[groups])
        self.first = int(groups[0])
        if position[groups[0]] > position[groups[1]]:
            self.first, matrices = int(groups[1]), matrices.transpose(0, 2, 1)
        rows = matrices.transpose(1, 0, 2).reshape(matrices.shape[1], -1)
        _, index, kind = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        self.kind = kind.reshape(-1)
        self.values = matrices[:, index]
