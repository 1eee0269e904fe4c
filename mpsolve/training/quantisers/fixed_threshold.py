"""Quantisers whose threshold is not learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mpsolve.errors import InputError
from mpsolve.training.quantisers.quantiser import Quantiser
from mpsolve.training.quantisers.thresholds import checked_threshold, largest_magnitude, shape_of

if TYPE_CHECKING:
    from torch import Tensor

    from mpsolve.training.quantisers.thresholds import MovingThreshold


class FixedThresholdQuantiser(Quantiser):
    """A quantiser whose threshold is constant, or the largest magnitude of every tensor.

    Attributes
    ----------
    threshold
        ``()`` or ``(C,)``; None where every tensor has its own: weights in a search, whose
        threshold is computed anew for every batch, as in the code behind Free Bits.
    """

    threshold: Tensor | None

    def __init__(
        self,
        signed: bool,
        threshold: float | Tensor | None,
        channels: int | None,
        observer: MovingThreshold | None,
    ) -> None:
        super().__init__(signed, channels, observer)
        if threshold is None:
            self.register_buffer("threshold", None)
        else:
            self.register_buffer("threshold", torch.ones(shape_of(channels)))
            self.set_threshold(threshold)

    def threshold_for(self, x: Tensor) -> Tensor:
        """The threshold at which a tensor is quantised: ``()`` or ``(C,)``."""
        if self.threshold is None:
            return largest_magnitude(x, self.signed, self.channels is not None)
        return self.threshold

    def set_threshold(self, threshold: float | Tensor) -> None:
        """Replace the constant threshold."""
        if self.threshold is None:
            raise InputError("The threshold follows every tensor; it cannot be set or observed.")
        self.threshold.copy_(checked_threshold(threshold, self.threshold))
