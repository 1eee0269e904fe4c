"""The relative square error of what the layers compute, or of the operand itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch

from mpsolve.training.sensitivity.metric import Sensitivity
from mpsolve.training.sensitivity.observation import layer_outputs, per_example, perturbations
from mpsolve.training.sensitivity.operand import device_of, measuring, readers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import Operand, QuantisableModel


@dataclass(frozen=True, slots=True)
class Mse:
    """``||Y_q - Y||^2 / ||Y||^2``, both squares summed over the examples.

    It needs a forward pass, and one more per bit-width; no targets.

    Attributes
    ----------
    of
        ``"output"``: Y is what the layer, or every layer that reads the activation, computes.
        ``"operand"``: Y is the operand.
    """

    of: Literal["output", "operand"] = "output"

    name: ClassVar[str] = "mse"

    @torch.no_grad()
    def measure(
        self, model: QuantisableModel, data: Examples, operand: Operand, bits: Sequence[int]
    ) -> list[Sensitivity]:
        """See `Metric`; the error is that of the draw of the examples."""
        with measuring(model):
            return [self._ratio(model, data, operand, b) for b in bits]

    def _ratio(
        self, model: QuantisableModel, data: Examples, operand: Operand, bits: int
    ) -> Sensitivity:
        squares = [
            self._squares(model, operand, bits, inputs) for inputs, _ in data.on(device_of(model))
        ]
        errors, signals = (torch.cat(part) for part in zip(*squares, strict=True))
        signal = float(signals.mean())
        if signal == 0:
            return Sensitivity(0.0)
        ratio = float(errors.mean()) / signal
        # The error of a ratio of means, to first order.
        return Sensitivity(ratio, Sensitivity.mean(errors - ratio * signals).error / signal)

    def _squares(
        self, model: QuantisableModel, operand: Operand, bits: int, inputs: Tensor
    ) -> tuple[Tensor, Tensor]:
        """``(N,)`` squared errors and squared magnitudes of each example."""
        if self.of == "operand":
            pairs = perturbations(model, operand, bits, inputs)
            count = len(inputs) if operand.kind == "activation" else 1
        else:
            pairs = output_changes(model, operand, bits, inputs)
            count = len(inputs)
        errors = [per_example(change.square(), count) for _, change in pairs]
        signals = [per_example(y.square(), count) for y, _ in pairs]
        return torch.stack(errors).sum(0), torch.stack(signals).sum(0)


@torch.no_grad()
def output_changes(
    model: QuantisableModel, operand: Operand, bits: int, inputs: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """Outputs Y of the layers that have an operand, in float, and ``Y_q - Y``."""
    layers = readers(model, operand)
    with layer_outputs(model, layers) as outputs:
        model(inputs)
    with (
        model.quantise_only(operand.layer, operand.kind, bits),
        layer_outputs(model, layers) as quantised,
    ):
        model(inputs)
    return [(y, y_q - y) for y, y_q in zip(outputs, quantised, strict=True)]
