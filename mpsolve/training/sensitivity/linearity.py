"""The linearity theorem of HIGGS: the loss increases by ``sum of alpha_l tau_l^2``.

Malinovskii et al., HIGGS (NAACL 2025), section 3: ``tau^2 = ||Q(w) - w||^2 / ||w||^2``, and alpha
is measured with Gaussian noise of relative norm tau in layer l alone. To second order,
``alpha = Tr(H) ||w||^2 / (2 n)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mpsolve.training.sensitivity.metric import Sensitivity
from mpsolve.training.sensitivity.mse import Mse
from mpsolve.training.sensitivity.observation import stream, substituted
from mpsolve.training.sensitivity.operand import device_of, measuring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import Operand, QuantisableModel


@dataclass(frozen=True, slots=True)
class Linearity:
    """See the module.

    It needs two forward passes per draw of noise (24), one per bit-width.

    Attributes
    ----------
    taus
        Relative norms of the noise.
    repeats
        Draws of noise for each of them.
    seed
        Of the noise.
    """

    taus: tuple[float, ...] = (0.05, 0.1, 0.2)
    repeats: int = 4
    seed: int = 0

    name: ClassVar[str] = "linearity"

    @torch.no_grad()
    def measure(
        self, model: QuantisableModel, data: Examples, operand: Operand, bits: Sequence[int]
    ) -> list[Sensitivity]:
        """See `Metric`; the error is that of the draws of noise."""
        alpha = self.coefficient(model, data, operand)
        tau_squared = Mse(of="operand").measure(model, data, operand, bits)
        return [alpha * squared.value for squared in tau_squared]

    @torch.no_grad()
    def coefficient(self, model: QuantisableModel, data: Examples, operand: Operand) -> Sensitivity:
        """Alpha: the slope of the increase over tau^2, through the origin.

        The increases scatter like tau^2, so that least squares weighted accordingly are the mean
        of increase / tau^2. Noise of either sign is averaged: its linear effect cancels.
        """
        with measuring(model):
            base = self._loss(model, data)
            slopes = [
                (self._noisy(model, data, operand, tau, repeat) - base) / tau**2
                for tau in self.taus
                for repeat in range(self.repeats)
            ]
        return Sensitivity.mean(torch.tensor(slopes, dtype=torch.float64))

    def _noisy(
        self, model: QuantisableModel, data: Examples, operand: Operand, tau: float, repeat: int
    ) -> float:
        losses = []
        for sign in (1.0, -1.0):
            own = stream(self.seed, operand, tau, repeat)

            def add(x: Tensor, y: Tensor, own: torch.Generator = own, sign: float = sign) -> Tensor:
                if operand.kind == "weight":  # the same in every batch
                    own = stream(self.seed, operand, tau, repeat)
                noise = torch.randn(x.shape, generator=own, dtype=x.dtype).to(x)
                return x + sign * tau * x.square().mean().sqrt() * noise

            with substituted(model, operand, add):
                losses.append(self._loss(model, data))
        return sum(losses) / 2

    def _loss(self, model: QuantisableModel, data: Examples) -> float:
        total = 0.0
        for inputs, targets in data.on(device_of(model)):
            total += float(data.each_loss(model(inputs), targets).double().sum())
        return total / len(data)
