"""The empirical Fisher information: ``sum (g_x * d)^2``, a mean over the examples x.

With g_x the gradient of the loss of one example and d = Q(w) - w, it is the diagonal of
``d' F d`` (FIT, Zandonati et al. 2022, without its factor). The labels of the data stand for those
that the network would draw, so that it is not the true Fisher information.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.autograd import grad

from mpsolve.training.sensitivity.metric import Sensitivity
from mpsolve.training.sensitivity.observation import differentiable, per_example, perturbations
from mpsolve.training.sensitivity.operand import device_of, measuring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import Operand, QuantisableModel


@dataclass(frozen=True, slots=True)
class Fisher:
    """See the module. It needs a backward pass per example, or per batch for activations."""

    name: ClassVar[str] = "fisher"

    def measure(
        self, model: QuantisableModel, data: Examples, operand: Operand, bits: Sequence[int]
    ) -> list[Sensitivity]:
        """See `Metric`; the error is that of the draw of the examples."""
        device = device_of(model)
        weights = operand.kind == "weight"  # one tensor for all examples: no batches
        changes: list[list[Tensor]] = []
        values: list[list[Tensor]] = [[] for _ in bits]
        with measuring(model):
            for inputs, targets in data.one_by_one(device) if weights else data.on(device):
                with differentiable(model, operand) as tensors:
                    loss = data.each_loss(model(inputs), targets).sum()
                gradients = grad(loss, tensors, materialize_grads=True)
                if not (changes and weights):
                    changes = [
                        [d for _, d in perturbations(model, operand, b, inputs)] for b in bits
                    ]
                for own, deltas in zip(values, changes, strict=True):
                    products = [
                        per_example((g.double() * d).square(), len(inputs))
                        for g, d in zip(gradients, deltas, strict=True)
                    ]
                    own.append(torch.stack(products).sum(0))
        return [Sensitivity.mean(torch.cat(own)) for own in values]
