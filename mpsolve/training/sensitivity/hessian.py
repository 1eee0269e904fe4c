"""HAWQ-V2 and V3: the average trace of the Hessian times the squared perturbation.

Dong et al., HAWQ-V2 (NeurIPS 2020), equation 9 for weights and section 3.3 for activations:
``Tr(H) / n * ||Q(w) - w||^2``. The trace is estimated as in Hutchinson's method, the mean of
``v' H v`` over random signs v. For activations, H is that of one example, and trace and squared
perturbation are means over the examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch.autograd import grad

from mpsolve.training.sensitivity.metric import Sensitivity
from mpsolve.training.sensitivity.observation import differentiable, perturbations, stream
from mpsolve.training.sensitivity.operand import device_of, measuring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import Operand, QuantisableModel
    from mpsolve.typing import FloatArray


@dataclass(frozen=True, slots=True)
class Hessian:
    """See the module.

    It needs a double backward pass per probe, a forward pass per bit-width.

    Attributes
    ----------
    tolerance
        Stop when another probe changes the mean by less than this part of it.
    least, most
        Fewest and most probes.
    seed
        Of the probes.
    """

    tolerance: float = 1e-3
    least: int = 10
    most: int = 200
    seed: int = 0

    name: ClassVar[str] = "hessian"

    def measure(
        self, model: QuantisableModel, data: Examples, operand: Operand, bits: Sequence[int]
    ) -> list[Sensitivity]:
        """See `Metric`; the error is that of the probes."""
        with measuring(model):
            trace = Sensitivity.mean(torch.from_numpy(self.probes(model, data, operand)))
            found = [squared_perturbation(model, data, operand, b) for b in bits]
        return [trace * (squared / size) for squared, size in found]

    def probes(self, model: QuantisableModel, data: Examples, operand: Operand) -> FloatArray:
        """``v' H v`` of the mean loss, for as many random v as the tolerance asks."""
        values: list[float] = []
        before = np.inf
        while len(values) < self.most:
            with measuring(model):
                values.append(self._probe(model, data, operand, len(values)))
            mean = float(np.mean(values))
            if len(values) >= self.least and abs(mean - before) <= self.tolerance * abs(before):
                break
            before = mean
        return np.array(values)

    def _probe(self, model: QuantisableModel, data: Examples, operand: Operand, i: int) -> float:
        total = 0.0
        for batch, (inputs, targets) in enumerate(data.on(device_of(model))):
            with differentiable(model, operand) as tensors:
                loss = data.each_loss(model(inputs), targets).sum()
            # Weights are the same in all batches, and so is their probe.
            own = stream(self.seed, operand, i, batch if operand.kind == "activation" else 0)
            total += curvature(loss, tensors, [_signs(x, own) for x in tensors])
        return total / len(data)


def curvature(loss: Tensor, tensors: Sequence[Tensor], along: Sequence[Tensor]) -> float:
    """``v' H v`` of a loss, for a vector v of the same shapes as the tensors."""
    first = grad(loss, tensors, create_graph=True, materialize_grads=True)
    slope = torch.stack([(g * v).sum() for g, v in zip(first, along, strict=True)]).sum()
    if not slope.requires_grad:  # the loss is linear
        return 0.0
    second = grad(slope, tensors, materialize_grads=True)
    return sum(float((h.double() * v).sum()) for h, v in zip(second, along, strict=True))


def squared_perturbation(
    model: QuantisableModel, data: Examples, operand: Operand, bits: int
) -> tuple[float, int]:
    """``||Q(x) - x||^2`` and the number of elements: of the weights, or a mean over examples."""
    if operand.kind == "weight":
        inputs, _ = next(data.one_by_one(device_of(model)))
        found = perturbations(model, operand, bits, inputs)
        return _square(found), sum(x.numel() for x, _ in found)
    total, size = 0.0, 0
    for inputs, _ in data.on(device_of(model)):
        found = perturbations(model, operand, bits, inputs)
        total += _square(found)
        size = sum(x.numel() for x, _ in found) // len(inputs)
    return total / len(data), size


def _square(found: Sequence[tuple[Tensor, Tensor]]) -> float:
    return sum(float(delta.double().square().sum()) for _, delta in found)


def _signs(x: Tensor, generator: torch.Generator) -> Tensor:
    """Random signs in the shape of a tensor."""
    signs = torch.randint(0, 2, x.shape, generator=generator) * 2 - 1
    return signs.to(x)
