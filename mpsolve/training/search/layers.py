"""The layers of a network as regularisers see them."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
import torch

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from mpsolve.training.search.choice import Choice


@dataclass(frozen=True, eq=False)
class SearchedLayer:
    """One layer whose precision is searched, in part or as a whole.

    Attributes
    ----------
    name
        Its name in configurations.
    macs
        Multiply-accumulate operations of one inference.
    activation, weight
        What decides about its input activation and about its weights. Layers that read the same
        activation have the same object, and so have the two of a layer in the locked variant.
    latencies
        ``(K_activation, K_weight)`` latencies in any unit, in the order of the precisions of both;
        needed for `expected_latency` alone.

    Raises
    ------
    InputError
        If the numbers are not finite, not positive, or not as many as there are precisions.
    """

    name: str
    macs: float
    activation: Choice
    weight: Choice
    latencies: ArrayLike | torch.Tensor | None = None

    def __post_init__(self) -> None:
        if not (isfinite(self.macs) and self.macs > 0):
            raise InputError(f"Layer {self.name} needs a positive number of MACs, not {self.macs}.")
        if self.latencies is None:
            return
        latencies = torch.tensor(np.asarray(self.latencies, dtype=np.float64))
        shape = (len(self.activation.precisions), len(self.weight.precisions))
        if latencies.shape != shape or not bool((latencies.isfinite() & (latencies > 0)).all()):
            raise InputError(
                f"Layer {self.name} needs {shape[0]} x {shape[1]} positive latencies: a row for "
                "each precision of its input, a column for each of its weights."
            )
        object.__setattr__(self, "latencies", latencies)

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """The expectation of ``(K_activation, K_weight)`` values.

        Where one object decides about both, both have the same bit-width, so that the diagonal
        counts alone.
        """
        if self.activation is self.weight:
            return self.weight.mean(values.diagonal())
        return self.weight.mean(self.activation.mean(values))

    def bit_operations(self) -> torch.Tensor:
        """``(K_activation, K_weight)`` products of both bit-widths."""
        both = (self.activation.precisions, self.weight.precisions)
        rows, columns = (torch.tensor(bits, dtype=torch.float64) for bits in both)
        return rows[:, None] * columns
