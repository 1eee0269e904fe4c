"""The second-order expansion of the loss: ``g' d + d' H d / 2`` with ``d = Q(x) - x``.

Unlike the average trace, it keeps the direction of the perturbation and the gradient, so that it
predicts the increase of the loss and does not merely rank operands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.autograd import grad

from mpsolve.training.sensitivity.metric import Sensitivity
from mpsolve.training.sensitivity.observation import substituted
from mpsolve.training.sensitivity.operand import device_of, measuring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import Operand, QuantisableModel


@dataclass(frozen=True, slots=True)
class Taylor:
    """See the module. It needs four nested backward passes per bit-width."""

    name: ClassVar[str] = "taylor"

    def measure(
        self, model: QuantisableModel, data: Examples, operand: Operand, bits: Sequence[int]
    ) -> list[Sensitivity]:
        """See `Metric`; the error is that of the draw of the examples."""
        with measuring(model):
            return [
                Sensitivity.mean(
                    torch.cat(
                        [
                            self._expand(model, data, operand, b, *batch)
                            for batch in data.on(device_of(model))
                        ]
                    )
                )
                for b in bits
            ]

    def _expand(
        self,
        model: QuantisableModel,
        data: Examples,
        operand: Operand,
        bits: int,
        inputs: Tensor,
        targets: Tensor,
    ) -> Tensor:
        """``(N,)`` values of ``l'(0) + l''(0) / 2`` for the losses l(t) at ``x + t d``.

        Weights of one in front of the losses take the derivatives apart by example.
        """
        t = torch.zeros((), device=inputs.device, requires_grad=True)
        with (
            model.quantise_only(operand.layer, operand.kind, bits),
            substituted(model, operand, lambda x, y: x + t * (y - x).detach()),
        ):
            losses = data.each_loss(model(inputs), targets)
        ones = torch.ones_like(losses, requires_grad=True)
        first = _derivative((ones * losses).sum(), t)
        second = _derivative(first, t)
        return (_derivative(first, ones) + _derivative(second, ones) / 2).detach().double()


def _derivative(y: Tensor, x: Tensor) -> Tensor:
    """The derivative of a number, which can itself be differentiated; 0 for a constant."""
    if not y.requires_grad:
        return torch.zeros_like(x)
    return grad(y, x, create_graph=True, materialize_grads=True)[0]
