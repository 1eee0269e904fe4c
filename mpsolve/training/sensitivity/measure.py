"""The table of all sensitivities of a network: a column of losses for the solver."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError
from mpsolve.profiles.merge import COLUMN
from mpsolve.profiles.table import LatencyTable
from mpsolve.training.progress import Count
from mpsolve.training.sensitivity.checkpoint import SensitivityCheckpoint
from mpsolve.training.sensitivity.metric import Metric, PairMetric, Sensitivity
from mpsolve.training.sensitivity.operand import Operand, operand_bits
from mpsolve.training.sensitivity.registry import metric_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from os import PathLike

    from mpsolve.model.precision import Precision
    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import Kind, QuantisableModel

#: The column of sensitivities as they were measured, beside that which the solver takes.
MEASURED = "sensitivity_measured"

Candidates = dict[str, tuple["Precision", ...]]


def measure_sensitivities(
    model: QuantisableModel,
    data: Examples,
    metric: Metric | str,
    precisions: Sequence[Precision] | Mapping[str, Sequence[Precision]],
    *,
    checkpoint: str | PathLike[str] | None = None,
    progress: Callable[[Count], None] | None = None,
) -> LatencyTable:
    """Measure how sensitive a network is to every precision of every layer.

    The weights of a layer and its input activation are measured apart and their sensitivities
    added, errors in squares; a `PairMetric` measures both together. An activation that k layers
    read is counted by each of them as a k-th, so that the sum over the layers has it once.

    Parameters
    ----------
    model
        The network with its quantisers, whose thresholds are set; it is left as it was.
    data
        The fixed subset of examples.
    metric
        A metric, or the name of one in `METRICS`.
    precisions
        The candidates: of all layers, or of each.
    checkpoint
        A file of JSON lines that takes up every operand, from which a killed run goes on.
    progress
        Called after every operand.

    Returns
    -------
    A table without latencies that `write_csv` writes for ``mpsolve solve``, with the column
    ``sensitivity``, its standard deviations, and ``sensitivity_measured``: estimates below 0
    count as 0 in the former, see `clipping`.

    Raises
    ------
    InputError
        If a layer has no candidates or is unknown, or the checkpoint belongs to something else.
    """
    metric = metric_named(metric) if isinstance(metric, str) else metric
    candidates = _candidates(model, precisions)
    tasks = list(_tasks(model, data, metric, candidates))
    with closing(SensitivityCheckpoint(checkpoint, metric, model, data, candidates)) as file:
        for done, (key, widths, measure) in enumerate(tasks, 1):
            if key not in file.measured:
                file.append(key, dict(zip(map(str, widths), measure(), strict=True)))
            if progress is not None:
                progress(Count(done, len(tasks), key))
    together = isinstance(metric, PairMetric)
    rows = [
        file.measured[layer][str(p)] if together else _added(model, file.measured, layer, p)
        for layer, own in candidates.items()
        for p in own
    ]
    return _table(model, metric, candidates, rows)


def clipping(table: LatencyTable) -> str:
    """How many sensitivities of a table were negative, as a sentence; empty if none was."""
    measured = table.columns[MEASURED]
    count = int((measured < 0).sum())
    if not count:
        return ""
    row = int(np.argmin(measured))
    return (
        f"{count} of {len(measured)} sensitivities are negative and count as 0; the least is "
        f"{measured[row]:.3g}, of {table.layer_of(row)} at {table.precisions[row]}."
    )


def _tasks(
    model: QuantisableModel, data: Examples, metric: Metric, candidates: Candidates
) -> Iterator[tuple[str, Sequence[object], Callable[[], list[Sensitivity]]]]:
    """What is measured at which widths, and how; the activation of a group by its first layer."""
    for layer, own in candidates.items():
        if isinstance(metric, PairMetric):
            yield layer, own, partial(metric.measure_pairs, model, data, layer, own)
            continue
        group = tuple(model.group_of(layer).layers)
        kinds: list[tuple[Kind, tuple[str, ...]]] = [("weight", (layer,))]
        if group[0] == layer:
            kinds.insert(0, ("activation", group))
        for kind, members in kinds:
            bits = sorted({operand_bits(m, p)[kind] for m in members for p in candidates[m]})
            operand = Operand(layer, kind)
            yield str(operand), bits, partial(metric.measure, model, data, operand, bits)


def _added(
    model: QuantisableModel,
    measured: Mapping[str, Mapping[str, Sensitivity]],
    layer: str,
    precision: Precision,
) -> Sensitivity:
    """The sensitivity of both operands of a layer."""
    group = tuple(model.group_of(layer).layers)
    bits = operand_bits(layer, precision)
    activation = measured[str(Operand(group[0], "activation"))][str(bits["activation"])]
    share = activation * (1 / len(group))
    weight = measured[str(Operand(layer, "weight"))][str(bits["weight"])]
    return Sensitivity(share.value + weight.value, float(np.hypot(share.error, weight.error)))


def _candidates(
    model: QuantisableModel, precisions: Sequence[Precision] | Mapping[str, Sequence[Precision]]
) -> Candidates:
    layers = [layer.name for layer in model.network.layers]
    by_layer = (
        dict(precisions)
        if isinstance(precisions, Mapping)
        else dict.fromkeys(layers, tuple(precisions))
    )
    for name in by_layer:
        if name not in layers:
            raise InputError(f"There is no layer {name} in the network; remove its candidates.")
    for name in layers:
        if not by_layer.get(name):
            raise InputError(f"Layer {name} has no candidates; name at least one precision.")
    return {name: tuple(dict.fromkeys(by_layer[name])) for name in layers}


def _table(
    model: QuantisableModel, metric: Metric, candidates: Candidates, rows: list[Sensitivity]
) -> LatencyTable:
    measured = np.array([row.value for row in rows], np.float64)
    groups = [tuple(model.group_of(layer).layers) for layer in candidates]
    return LatencyTable(
        layers=tuple(candidates),
        offsets=np.cumsum([0, *map(len, candidates.values())]),
        precisions=tuple(p for own in candidates.values() for p in own),
        columns={COLUMN: np.maximum(measured, 0.0), MEASURED: measured},
        b_in_groups=tuple(group[0] if len(group) > 1 else "" for group in groups),
        source=f"sensitivities ({metric.name})",
        deviations={COLUMN: np.array([row.error for row in rows], np.float64)},
    )
