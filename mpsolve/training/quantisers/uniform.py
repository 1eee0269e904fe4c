"""The plain fake quantiser: one grid, a threshold that is not learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.training.quantisers.fixed_threshold import FixedThresholdQuantiser
from mpsolve.training.quantisers.grid import Grid
from mpsolve.training.quantisers.rounding import fake_quantise

if TYPE_CHECKING:
    from torch import Tensor

    from mpsolve.training.quantisers.thresholds import MovingThreshold


class UniformQuantiser(FixedThresholdQuantiser):
    """Quantises to one grid; the gradient goes straight through where nothing is clipped.

    Parameters
    ----------
    bits, signed
        The grid.
    threshold
        A constant, or None for the largest magnitude of every tensor.
    channels
        ``C`` for thresholds per channel (axis 0).
    observer
        Moves a constant threshold in `Mode.OBSERVE`.

    Examples
    --------
    >>> import torch
    >>> quantiser = UniformQuantiser(2, signed=False, threshold=6.0)
    >>> quantiser(torch.tensor([0.9, 2.9, 3.1, 7.0]))
    tensor([0., 2., 4., 6.])
    >>> quantiser.integers(torch.tensor([0.9, 2.9, 3.1, 7.0]))
    tensor([0, 1, 2, 3], dtype=torch.int32)
    """

    def __init__(
        self,
        bits: int,
        signed: bool,
        *,
        threshold: float | Tensor | None = None,
        channels: int | None = None,
        observer: MovingThreshold | None = None,
    ) -> None:
        super().__init__(signed, threshold, channels, observer)
        self._grid = Grid(bits, signed)

    @property
    def grid(self) -> Grid:
        """The grid."""
        return self._grid

    def set_bits(self, bits: int) -> None:
        """Change the bit-width; the threshold stays."""
        self._grid = Grid(bits, self.signed)

    def quantise(self, x: Tensor) -> Tensor:
        """The nearest values of the grid."""
        return fake_quantise(x, self.threshold_for(x), self._grid)
