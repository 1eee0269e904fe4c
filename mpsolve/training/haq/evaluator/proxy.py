"""A part of a split: the proxy for a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mpsolve.training.data.splits import Batch, Split
    from mpsolve.typing import IntArray


@dataclass(frozen=True, eq=False)
class Part:
    """Some examples of a split, which are a split as well.

    Attributes
    ----------
    split
        All examples.
    chosen
        ``(N,)`` places of the chosen ones.
    """

    split: Split
    chosen: IntArray

    @classmethod
    def draw(cls, split: Split, count: int, seed: int) -> Part:
        """Distinct random examples, in their own order; all if there are fewer."""
        order = np.random.default_rng(seed).permutation(len(split))[:count]
        return cls(split, np.sort(order))

    def __len__(self) -> int:
        return len(self.chosen)

    def batches(
        self, indices: Sequence[IntArray], seed: Sequence[int] | None = None, workers: int = 0
    ) -> Iterator[Batch]:
        """See `Split`."""
        return self.split.batches([self.chosen[batch] for batch in indices], seed, workers)
