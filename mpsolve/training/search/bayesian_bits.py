"""The quantiser of Bayesian Bits (van Baalen et al., NeurIPS 2020), as Free Bits uses it.

A tensor is quantised to the lowest precision, and gated errors bring it to the higher ones:

    x2 + z4 (e4 + z8 e8)

Free Bits takes differences of direct quantisations, e4 = q4(x) - q2(x), on the two's-complement
grids of the deployed network; Bayesian Bits quantises what remains, e4 = s4 round((x - x2) / s4),
on grids with an odd number of levels. Hard gates give the direct quantisation in both.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from mpsolve.errors import InputError
from mpsolve.training.quantisers.fixed_threshold import FixedThresholdQuantiser
from mpsolve.training.quantisers.grid import Grid
from mpsolve.training.quantisers.rounding import (
    along,
    fake_quantise,
    in_range,
    nearest,
    straight_through,
)
from mpsolve.training.quantisers.thresholds import RELU6

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from mpsolve.training.options import Decomposition
    from mpsolve.training.quantisers.thresholds import MovingThreshold
    from mpsolve.training.search.gates import Gates


class BayesianBitsQuantiser(FixedThresholdQuantiser):
    """A quantiser whose precision is chosen by stochastic gates.

    In training every call draws gates; in evaluation the precision that would be taken now
    quantises alone. The gradient of ``x`` goes straight through wherever the highest precision
    does not clip, and that of a gate is the error that it admits; thresholds have none.

    Parameters
    ----------
    gates
        What decides; the object may be shared with other quantisers.
    signed
        Whether the tensor has negative values.
    threshold
        A constant, or None for the largest magnitude of every tensor.
    channels
        ``C`` for thresholds per channel (axis 0).
    per_element
        Draw gates for every index of axis 0, the elements of a batch, and not for the whole
        tensor: less variance.
    decomposition
        ``"difference"`` (Free Bits) or ``"residual"`` (Bayesian Bits).
    observer
        Moves a constant threshold in `Mode.OBSERVE`.

    Attributes
    ----------
    generator
        Where the draws come from; None for torch's own generator.

    Raises
    ------
    InputError
        If residuals are asked for where precisions are not each twice the one before, or
        thresholds per channel together with draws per element.
    """

    generator: torch.Generator | None

    def __init__(
        self,
        gates: Gates,
        signed: bool,
        *,
        threshold: float | Tensor | None = None,
        channels: int | None = None,
        per_element: bool = False,
        decomposition: Decomposition = "difference",
        observer: MovingThreshold | None = None,
    ) -> None:
        super().__init__(signed, threshold, channels, observer)
        if decomposition not in ("difference", "residual"):
            raise InputError(f"decomposition is difference or residual, not {decomposition!r}.")
        self.residual = decomposition == "residual"
        if self.residual and any(2 * low != high for low, high in pairwise(gates.precisions)):
            raise InputError(
                f"Residuals need precisions that double, such as 2, 4, 8, not {gates.precisions}."
            )
        if per_element and channels is not None:
            raise InputError("Axis 0 has either channels or the elements of a batch, not both.")
        self.gates = gates
        self.grids = tuple(
            Grid(bits, signed, odd=self.residual and signed) for bits in gates.precisions
        )
        self.per_element = per_element
        self.generator = None

    @classmethod
    def for_weights(
        cls,
        gates: Gates,
        channels: int | None = None,
        *,
        decomposition: Decomposition = "difference",
    ) -> BayesianBitsQuantiser:
        """Signed, the threshold max |w| anew in every call, one draw per tensor."""
        return cls(gates, signed=True, channels=channels, decomposition=decomposition)

    @classmethod
    def for_activations(
        cls,
        gates: Gates,
        signed: bool = False,
        *,
        threshold: float = RELU6,
        decomposition: Decomposition = "difference",
        observer: MovingThreshold | None = None,
    ) -> BayesianBitsQuantiser:
        """A constant threshold, one draw per element of the batch."""
        return cls(
            gates,
            signed,
            threshold=threshold,
            per_element=True,
            decomposition=decomposition,
            observer=observer,
        )

    @property
    def grid(self) -> Grid:
        """The grid of the precision that would be taken now."""
        return self.grids[self.gates.precisions.index(self.gates.bits())]

    def quantise(self, x: Tensor) -> Tensor:
        """The gated sum in training, the direct quantisation in evaluation."""
        threshold = self.threshold_for(x)
        if not self.training:
            return fake_quantise(x, threshold, self.grid)
        decompose = residuals if self.residual else differences
        lowest, errors = decompose(x.detach(), threshold, self.grids)
        shape = (len(x), *[1] * (x.ndim - 1)) if self.per_element else ()
        z = self.gates.sample(shape, self.generator)
        admitted = torch.zeros_like(lowest)
        for gate, error in zip(reversed(z.unbind()), reversed(errors), strict=True):
            admitted = gate * (error + admitted)
        mask = in_range(x.detach(), threshold, self.grids[-1])
        return straight_through(x, lowest, mask) + admitted


def differences(x: Tensor, threshold: Tensor, grids: Sequence[Grid]) -> tuple[Tensor, list[Tensor]]:
    """Quantise directly to every grid; return the first value and the differences of the others.

    Parameters
    ----------
    x
        ``(C, ...)`` values.
    threshold
        ``()`` or ``(C,)``.
    grids
        ``K`` grids, coarse to fine.

    Returns
    -------
    The value on the coarsest grid and ``K - 1`` errors, all of the shape of ``x``.
    """
    values = [nearest(x, threshold, grid) for grid in grids]
    return values[0], [fine - coarse for coarse, fine in pairwise(values)]


def residuals(x: Tensor, threshold: Tensor, grids: Sequence[Grid]) -> tuple[Tensor, list[Tensor]]:
    """Quantise to the coarsest grid, then what remains to every finer one (Bayesian Bits).

    As `differences`, on unsigned or odd grids whose precisions double: the scale of each is that
    of the grid before, divided by the odd number 2^b + 1. Codes are clipped where the original
    shrinks the range by 1e-7, which keeps values at its ends from leaving the grid as well.
    """
    limit = along(x, threshold)
    lowest = nearest(x, threshold, grids[0])
    scale = grids[0].scale(limit)
    remainder = x.clamp(-limit if grids[0].signed else torch.zeros_like(limit), limit) - lowest
    errors = []
    for coarse in grids[:-1]:
        scale = scale / (2**coarse.bits + 1)
        most = 2 ** (coarse.bits - 1)
        errors.append(torch.round(remainder / scale).clamp(-most, most) * scale)
        remainder = remainder - errors[-1]
    return lowest, errors


def set_generator(model: nn.Module, generator: torch.Generator | None) -> None:
    """Let all gates of a model draw from one generator, or from torch's own."""
    for module in model.modules():
        if isinstance(module, BayesianBitsQuantiser):
            module.generator = generator
