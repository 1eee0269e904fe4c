"""What a metric is, and what it measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mpsolve.model.precision import Precision
    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import Operand, QuantisableModel


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How much worse the network becomes.

    Attributes
    ----------
    value
        In the unit of the metric; lower is better. Estimates may be negative.
    error
        Standard error of the value; 0 where it is exact or nothing can be stated.
    """

    value: float
    error: float = 0.0

    def __mul__(self, factor: float) -> Sensitivity:
        return Sensitivity(self.value * factor, self.error * abs(factor))

    @classmethod
    def mean(cls, values: Tensor) -> Sensitivity:
        """The mean of independent values ``(N,)`` and its standard error."""
        values = values.detach().to(torch.float64)
        error = float(values.std() / len(values) ** 0.5) if len(values) > 1 else 0.0
        return cls(float(values.mean()), error)


class Metric(Protocol):
    """Measures what it costs to quantise one operand while everything else stays in float.

    Metrics are frozen dataclasses: their text identifies them in checkpoints.
    """

    @property
    def name(self) -> str:
        """As in `METRICS`."""
        ...

    def measure(
        self, model: QuantisableModel, data: Examples, operand: Operand, bits: Sequence[int]
    ) -> list[Sensitivity]:
        """The sensitivity for each bit-width; the costly part is often common to all.

        Parameters
        ----------
        model
            The network; it is measured in evaluation mode and left as it was.
        data
            The examples.
        operand
            What is quantised; an activation is quantised for its whole group.
        bits
            Bit-widths.
        """
        ...


@runtime_checkable
class PairMetric(Protocol):
    """Measures both operands of a layer quantised together."""

    def measure_pairs(
        self, model: QuantisableModel, data: Examples, layer: str, precisions: Sequence[Precision]
    ) -> list[Sensitivity]:
        """The sensitivity for each precision of a layer."""
        ...
