"""The quantiser of EdMIPS (Cai and Vasconcelos, CVPR 2020), on the deployed grids.

A tensor is the mixture of its quantisations to all precisions, weighted by a softmax. The original
quantises weights to half-integer levels and activations to Gaussian ones, which no integer kernel
computes and which have no entries for 8 bits; here they are the grids of `Grid`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from mpsolve.training.quantisers.fixed_threshold import FixedThresholdQuantiser
from mpsolve.training.quantisers.grid import Grid
from mpsolve.training.quantisers.rounding import fake_quantise
from mpsolve.training.search.choice import checked_precisions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mpsolve.training.quantisers.thresholds import MovingThreshold


class Mixture(nn.Module):
    """Decides among precisions by a softmax.

    Parameters
    ----------
    precisions
        ``K`` increasing bit-widths.
    initial
        The first value of every parameter; 0.01 in the original.

    Attributes
    ----------
    alpha
        ``(K,)``.
    """

    def __init__(self, precisions: Sequence[int] = (2, 4, 8), *, initial: float = 0.01) -> None:
        super().__init__()
        self._precisions = checked_precisions(tuple(precisions))
        self.alpha = nn.Parameter(torch.full((len(self._precisions),), float(initial)))

    @property
    def precisions(self) -> tuple[int, ...]:
        """The bit-widths, increasing."""
        return self._precisions

    def probabilities(self) -> Tensor:
        """``(K,)`` weights of the precisions."""
        return self.alpha.softmax(0)

    def mean(self, values: Tensor) -> Tensor:
        """The expectation of ``(K, ...)`` values, one for every precision: ``(...)``."""
        return torch.tensordot(self.probabilities(), values.to(self.alpha), 1)

    def bits(self) -> int:
        """The precision of the largest weight; the fewest bits among equals."""
        return self._precisions[int(self.alpha.argmax())]


class EdmipsQuantiser(FixedThresholdQuantiser):
    """The mixture of all precisions in training, the likeliest alone in evaluation.

    Every branch has its own straight-through gradient, so that a mixture of one precision is the
    fixed quantiser in its gradients as well.

    Parameters
    ----------
    mixture
        What decides; the object may be shared with other quantisers.
    signed
        Whether the tensor has negative values.
    threshold
        A constant, or None for the largest magnitude of every tensor.
    channels
        ``C`` for thresholds per channel (axis 0).
    observer
        Moves a constant threshold in `Mode.OBSERVE`.
    """

    def __init__(
        self,
        mixture: Mixture,
        signed: bool,
        *,
        threshold: float | Tensor | None = None,
        channels: int | None = None,
        observer: MovingThreshold | None = None,
    ) -> None:
        super().__init__(signed, threshold, channels, observer)
        self.mixture = mixture
        self.grids = tuple(Grid(bits, signed) for bits in mixture.precisions)

    @property
    def grid(self) -> Grid:
        """The grid of the precision that would be taken now."""
        return self.grids[self.mixture.precisions.index(self.mixture.bits())]

    def quantise(self, x: Tensor) -> Tensor:
        """The mixture in training, the direct quantisation in evaluation."""
        threshold = self.threshold_for(x)
        if not self.training:
            return fake_quantise(x, threshold, self.grid)
        weights = self.mixture.probabilities().unbind()
        branches = [
            weight * fake_quantise(x, threshold, grid)
            for weight, grid in zip(weights, self.grids, strict=True)
        ]
        return torch.stack(branches).sum(0)
