"""The order of the stages.

Any order is right, and the number of labels depends on it by orders of magnitude: groups that weigh
much come first, since those that follow can then still fill every gap, and labels at a node differ
little and dominate each other. Groups that rows or pairs couple stay together and in their order,
forwards or backwards, so that few things are pending at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.storage.components import components

if TYPE_CHECKING:
    from mpsolve.formulations.binary_model import BinaryModel
    from mpsolve.formulations.lagrangian.pending import WholeRow
    from mpsolve.typing import FloatArray, IntArray


def stage_order(model: BinaryModel, local: list[WholeRow], resources: list[WholeRow]) -> IntArray:
    """``(G,)`` the group of each stage."""
    spread = _spread(model, resources)
    coupled = [*(row.groups.tolist() for row in local), *model.pairs.tolist()]
    blocks = [np.array(block) for block in components(range(len(spread)), coupled)]
    blocks.sort(key=lambda block: (-spread[block].max(), block[0]))
    return np.concatenate([_heavier_end_first(block, spread) for block in blocks])


def _spread(model: BinaryModel, resources: list[WholeRow]) -> FloatArray:
    """``(G,)`` how much of the capacities it is between a group's heaviest and lightest."""
    starts = model.groups.offsets[:-1]
    spread = np.zeros(len(starts))
    for row in resources:
        own = row.coefficients[: model.groups.offsets[-1]]
        most, least = np.maximum.reduceat(own, starts), np.minimum.reduceat(own, starts)
        spread += (most - least) / (row.upper + 1.0)
    return spread


def _heavier_end_first(block: IntArray, spread: FloatArray) -> IntArray:
    middle = (len(block) - 1) / 2
    leaning = float(spread[block] @ (np.arange(len(block)) - middle))
    return block[::-1] if leaning > 0 else block
