"""What two quantised layers cost beyond the sum of both: pairwise terms of the loss."""

from __future__ import annotations

import itertools
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.model.pairwise import PairwiseTerm
from mpsolve.training.progress import Count
from mpsolve.training.sensitivity.checkpoint import SensitivityCheckpoint
from mpsolve.training.sensitivity.loss import PairedLossIncrease, losses
from mpsolve.training.sensitivity.metric import Sensitivity
from mpsolve.training.sensitivity.operand import measuring, quantise_together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import QuantisableModel
    from mpsolve.typing import FloatArray


def neighbours(table: LatencyTable, span: int = 1) -> list[tuple[str, str]]:
    """All pairs of layers that are at most so many places apart in the network."""
    return [
        (first, second)
        for i, first in enumerate(table.layers)
        for second in table.layers[i + 1 : i + 1 + span]
    ]


def cross_terms(
    model: QuantisableModel,
    data: Examples,
    table: LatencyTable,
    pairs: Sequence[tuple[str, str]],
    *,
    checkpoint: str | PathLike[str] | None = None,
    progress: Callable[[Count], None] | None = None,
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
        Pairs of layers, such as `neighbours`.
    checkpoint
        The file of `measure_sensitivities` with this metric, which takes up the pairs as well.
    progress
        Called after every pair.
    """
    candidates = {layer: _candidates(table, layer) for layer in table.layers}
    alone: dict[str, FloatArray] = {}
    found = []
    metric = PairedLossIncrease()
    opened = SensitivityCheckpoint(checkpoint, metric, model, data, candidates)
    with closing(opened) as file, measuring(model):
        for done, (first, second) in enumerate(pairs, 1):
            key = f"{first} and {second}"
            ends = candidates[first], candidates[second]
            if key not in file.measured:
                values = _measured(model, data, (first, second), ends, alone)
                names = itertools.product(*ends)
                own = zip(names, values.flat, strict=True)
                file.append(key, {f"{p} and {q}": Sensitivity(float(v)) for (p, q), v in own})
            row = file.measured[key]
            matrix = [[row[f"{p} and {q}"].value for q in ends[1]] for p in ends[0]]
            found.append(PairwiseTerm(first, second, np.array(matrix), label="measured"))
            if progress is not None:
                progress(Count(done, len(pairs), key))
    return found


def _measured(
    model: QuantisableModel,
    data: Examples,
    layers: tuple[str, str],
    candidates: tuple[Sequence[Precision], Sequence[Precision]],
    alone: dict[str, FloatArray],
) -> FloatArray:
    """``(K_first, K_second)`` terms; ``alone`` keeps the losses of single layers."""
    first, second = layers
    base = alone.setdefault("", np.array(_loss(model, data, {})))
    for layer, own in zip(layers, candidates, strict=True):
        if layer not in alone:
            alone[layer] = np.array([_loss(model, data, {layer: p}) for p in own])
    shared = second in model.group_of(first).layers
    values = np.zeros(tuple(map(len, candidates)))
    for i, p in enumerate(candidates[0]):
        for j, q in enumerate(candidates[1]):
            if shared and p.b_in != q.b_in:
                continue
            twice = _activation(model, data, first, p) if shared else base
            both = _loss(model, data, {first: p, second: q})
            values[i, j] = both - alone[first][i] - alone[second][j] + twice
    return values


def _candidates(table: LatencyTable, layer: str) -> tuple[Precision, ...]:
    i = table.layers.index(layer)
    return table.precisions[table.offsets[i] : table.offsets[i + 1]]


def _loss(model: QuantisableModel, data: Examples, precisions: Mapping[str, Precision]) -> float:
    with quantise_together(model, precisions):
        return float(losses(model, data).mean())


def _activation(model: QuantisableModel, data: Examples, layer: str, precision: Precision) -> float:
    with model.quantise_only(layer, "activation", int(precision.b_in)):
        return float(losses(model, data).mean())
