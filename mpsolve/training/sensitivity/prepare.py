"""What sensitivities are measured on: a network with quantisers, and some of its examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.training.calibration import needs_sign
from mpsolve.training.sensitivity.examples import Examples
from mpsolve.training.sensitivity.names import EXAMPLES
from mpsolve.training.wrapping.fixed import FixedPrecision
from mpsolve.training.wrapping.wrap import quantise_model

if TYPE_CHECKING:
    from torch import nn

    from mpsolve.profiles.networks.tensor_groups import Rules
    from mpsolve.training.data import DataSet
    from mpsolve.training.wrapping.quantised_model import QuantisedModel


def prepare(
    model: nn.Module,
    data: DataSet,
    count: int = EXAMPLES,
    *,
    seed: int = 0,
    rules: Rules | None = None,
    name: str = "",
) -> tuple[QuantisedModel, Examples]:
    """A copy of a model with quantisers whose thresholds were observed, and the examples.

    Parameters
    ----------
    model
        The trained float model.
    data
        The data set; the examples are drawn from its training split. The network's input has a
        sign if they have, or if their normalisation may give them one.
    count
        How many examples.
    seed
        Of the draw.
    rules, name
        As in `quantise_model`.
    """
    examples = Examples.draw(data.train, count, seed=seed)
    inputs = [batch for batch, _ in examples.batches]
    signed = needs_sign(data, inputs)
    quantised = quantise_model(
        model, (inputs[0][:2],), FixedPrecision(), rules, name=name, signed_input=signed
    )
    quantised.observe(inputs)
    return quantised, examples
