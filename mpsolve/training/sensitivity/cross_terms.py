"""What two quantised layers cost beyond the sum of both: pairwise terms of the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from mpsolve.pairwise import PairwiseTerm
from mpsolve.training.sensitivity.loss import losses
from mpsolve.training.sensitivity.operand import measuring, quantise_together

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mpsolve.precision import Precision
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import QuantisableModel


@torch.no_grad()
def cross_terms(
    model: QuantisableModel,
    data: Examples,
    table: LatencyTable,
    pairs: Iterable[tuple[str, str]],
) -> list[PairwiseTerm]:
    """Measure ``L(both) - L(first) - L(second) + L(float)`` for pairs of layers.

    They go with the sensitivities of `PairedLossIncrease`. Of two layers that read one activation,
    its own increase, which both single losses contain, is added once; pairs of precisions that
    differ in it are impossible and cost nothing.

    Parameters
    ----------
    model
        The network; it is left as it was.
    data
        The examples on which the sensitivities were measured.
    table
        The candidates and their order.
    pairs
        Pairs of layers, such as neighbours.
    """
    found = []
    with measuring(model):
        base = _loss(model, data, {})
        for first, second in pairs:
            rows, columns = _candidates(table, first), _candidates(table, second)
            one, two = (
                np.array([_loss(model, data, {layer: p}) - base for p in own])
                for layer, own in ((first, rows), (second, columns))
            )
            shared = second in model.group_of(first).layers
            values = np.zeros((len(rows), len(columns)))
            for i, p in enumerate(rows):
                for j, q in enumerate(columns):
                    if shared and p.b_in != q.b_in:
                        continue
                    both = _loss(model, data, {first: p, second: q}) - base
                    twice = _activation(model, data, first, p) - base if shared else 0.0
                    values[i, j] = both - one[i] - two[j] + twice
            found.append(PairwiseTerm(first, second, values, label="measured"))
    return found


def _candidates(table: LatencyTable, layer: str) -> tuple[Precision, ...]:
    i = table.layers.index(layer)
    return table.precisions[table.offsets[i] : table.offsets[i + 1]]


def _loss(model: QuantisableModel, data: Examples, precisions: Mapping[str, Precision]) -> float:
    with quantise_together(model, precisions):
        return float(losses(model, data).mean())


def _activation(model: QuantisableModel, data: Examples, layer: str, precision: Precision) -> float:
    with model.quantise_only(layer, "activation", int(precision.b_in)):
        return float(losses(model, data).mean())
