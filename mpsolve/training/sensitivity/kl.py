"""How far the distribution over the classes moves: Kullback and Leibler's divergence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn.functional import log_softmax

from mpsolve.training.sensitivity.metric import Sensitivity
from mpsolve.training.sensitivity.operand import device_of, measuring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import Operand, QuantisableModel


@dataclass(frozen=True, slots=True)
class Kl:
    """``sum p (log p - log p_q)`` in nats, p from float scores ``(N, classes)``; a mean over N.

    It needs a forward pass, and one more per bit-width; no targets.
    """

    name: ClassVar[str] = "kl"

    @torch.no_grad()
    def measure(
        self, model: QuantisableModel, data: Examples, operand: Operand, bits: Sequence[int]
    ) -> list[Sensitivity]:
        """See `Metric`; the error is that of the draw of the examples."""
        divergences: list[list[Tensor]] = [[] for _ in bits]
        with measuring(model):
            for inputs, _ in data.on(device_of(model)):
                exact = _log_probabilities(model(inputs))
                for b, own in zip(bits, divergences, strict=True):
                    with model.quantise_only(operand.layer, operand.kind, b):
                        quantised = _log_probabilities(model(inputs))
                    # The sum of p - p_q is 0; with it, every term is at least 0.
                    terms = exact.exp() * (exact - quantised) + quantised.exp() - exact.exp()
                    own.append(terms.sum(1))
        return [Sensitivity.mean(torch.cat(own)) for own in divergences]


def _log_probabilities(scores: Tensor) -> Tensor:
    return log_softmax(scores.double(), 1)
