"""NVIDIA Model Optimizer's gradient score: ``sum (dL/dY * (Y_q - Y))^2`` over layer outputs Y.

The square of the gradient stands for the curvature (Fisher), so that the score is a second-order
expansion in Y without its off-diagonal terms. As there, elements are limited to +-1e10 before they
are squared, and a bit-width scores at most as much as fewer bits (`_get_auto_quantize_score`).
Here L is the loss of one example and the score a mean over the examples; there L is the mean of a
batch and the score a sum, which differs by a factor that all layers share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.autograd import grad

from mpsolve.training.sensitivity.metric import Sensitivity
from mpsolve.training.sensitivity.mse import output_changes
from mpsolve.training.sensitivity.observation import layer_outputs, per_example
from mpsolve.training.sensitivity.operand import device_of, measuring, readers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import Operand, QuantisableModel

MOST = 1e10


@dataclass(frozen=True, slots=True)
class Gradient:
    """See the module. It needs a backward pass, and two forward passes per bit-width."""

    name: ClassVar[str] = "gradient"

    def measure(
        self, model: QuantisableModel, data: Examples, operand: Operand, bits: Sequence[int]
    ) -> list[Sensitivity]:
        """See `Metric`; the error is that of the draw of the examples."""
        scores: list[list[Tensor]] = [[] for _ in bits]
        with measuring(model):
            for inputs, targets in data.on(device_of(model)):
                with layer_outputs(model, readers(model, operand)) as outputs:
                    loss = data.each_loss(model(inputs), targets).sum()
                gradients = grad(loss, outputs, materialize_grads=True)
                for b, own in zip(bits, scores, strict=True):
                    changes = output_changes(model, operand, b, inputs)
                    products = [
                        (g.double() * change).clamp(-MOST, MOST).square()
                        for g, (_, change) in zip(gradients, changes, strict=True)
                    ]
                    own.append(sum(per_example(p, len(inputs)) for p in products))  # type: ignore[arg-type]
        return _monotone(bits, [Sensitivity.mean(torch.cat(own)) for own in scores])


def _monotone(bits: Sequence[int], scores: list[Sensitivity]) -> list[Sensitivity]:
    """The least score among the same and fewer bits."""
    return [
        min((s for c, s in zip(bits, scores, strict=True) if c <= b), key=lambda s: s.value)
        for b in bits
    ]
