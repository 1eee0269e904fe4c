"""Which examples come in which batch: a function of the seed and the epoch alone.

So a run that goes on in the middle of an epoch sees exactly what it would have seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.typing import IntArray


def training_batches(
    count: int, size: int, seed: int, epoch: int, rank: int = 0, world: int = 1
) -> list[IntArray]:
    """Every example once, in random order.

    A last batch of one example per process is left out: batch normalisation could not take it.

    Parameters
    ----------
    count
        Number of examples.
    size
        Examples per batch, of all processes together; a multiple of ``world``.
    seed, epoch
        What the order depends on.
    rank, world
        This process and their number. All have equally many examples in every batch, for which
        up to ``world - 1`` examples are left out.

    Raises
    ------
    InputError
        If there are fewer examples than processes.
    """
    if count < world:
        raise InputError(f"{count} examples are too few for {world} processes.")
    order = np.random.default_rng((seed, epoch)).permutation(count)
    batches = slices(order[: count - count % world], size)
    if len(batches) > 1 and len(batches[-1]) == world < size:
        batches.pop()
    return [batch[rank::world] for batch in batches]


def slices(order: IntArray, size: int) -> list[IntArray]:
    """Cut an order into batches; the last may be smaller."""
    return [order[start : start + size] for start in range(0, len(order), size)]
