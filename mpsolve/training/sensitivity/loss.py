"""The measured increase of the loss: what every other metric approximates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mpsolve.training.sensitivity.metric import Sensitivity
from mpsolve.training.sensitivity.operand import device_of, measuring, quantise_together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mpsolve.model.precision import Precision
    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import Operand, QuantisableModel


@dataclass(frozen=True, slots=True)
class LossIncrease:
    """The mean loss with one operand quantised, less that in float, on the same examples.

    It needs a forward pass, and one more per bit-width.
    """

    name: ClassVar[str] = "loss"

    @torch.no_grad()
    def measure(
        self, model: QuantisableModel, data: Examples, operand: Operand, bits: Sequence[int]
    ) -> list[Sensitivity]:
        """See `Metric`; the error is that of the draw of the examples."""
        with measuring(model):
            base = losses(model, data)
            found = []
            for b in bits:
                with model.quantise_only(operand.layer, operand.kind, b):
                    found.append(Sensitivity.mean(losses(model, data) - base))
        return found


@dataclass(frozen=True, slots=True)
class PairedLossIncrease(LossIncrease):
    """The same with both operands of a layer quantised together, for each of its precisions.

    It needs a forward pass, and one more per precision.

    An activation that k layers read is counted by each of them as a k-th, so that the sum over
    the layers has it once.
    """

    name: ClassVar[str] = "loss-pairs"

    @torch.no_grad()
    def measure_pairs(
        self, model: QuantisableModel, data: Examples, layer: str, precisions: Sequence[Precision]
    ) -> list[Sensitivity]:
        """See `PairMetric`; the error is that of the draw of the examples."""
        sharing = len(model.group_of(layer).layers)
        alone: dict[int, Tensor] = {}
        found = []
        with measuring(model):
            base = losses(model, data)
            for precision in precisions:
                with quantise_together(model, {layer: precision}):
                    increase = losses(model, data) - base
                b_in = int(precision.b_in)
                if sharing > 1 and b_in not in alone:
                    with model.quantise_only(layer, "activation", b_in):
                        alone[b_in] = losses(model, data) - base
                if sharing > 1:
                    increase = increase - alone[b_in] * (1 - 1 / sharing)
                found.append(Sensitivity.mean(increase))
        return found


@torch.no_grad()
def losses(model: QuantisableModel, data: Examples) -> Tensor:
    """``(N,)`` float64 losses of the examples, with the model as it is."""
    found = [data.each_loss(model(x), targets) for x, targets in data.on(device_of(model))]
    return torch.cat(found).double()
