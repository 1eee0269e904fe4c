"""A latency table with the sensitivities of the same layers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import TableError
from mpsolve.profiles.read import read_table
from mpsolve.profiles.table import LatencyTable

if TYPE_CHECKING:
    from os import PathLike

#: The column that is added.
COLUMN = "sensitivity"


def with_sensitivity(
    table: LatencyTable, sensitivities: LatencyTable | str | PathLike[str]
) -> LatencyTable:
    """The table with a column ``sensitivity``, which ``mpsolve solve`` minimises by default.

    Parameters
    ----------
    table
        Latencies and other costs.
    sensitivities
        What `measure_sensitivities` returned, or the CSV file in which it was written. Precisions
        that the table does not have are left out; standard deviations are taken over.

    Raises
    ------
    TableError
        If the layers differ, a candidate has no sensitivity, or the table has the column already.
    """
    if not isinstance(sensitivities, LatencyTable):
        sensitivities = read_table(sensitivities)
    _require_match(table, sensitivities)
    rows = {
        (sensitivities.layer_of(row), precision): row
        for row, precision in enumerate(sensitivities.precisions)
    }
    order = []
    for candidate, precision in enumerate(table.precisions):
        layer = table.layer_of(candidate)
        if (layer, precision) not in rows:
            raise TableError(
                f"{sensitivities.source} has no sensitivity of layer {layer} at {precision}, which "
                f"{table.source} offers; measure it, or remove the candidate."
            )
        order.append(rows[layer, precision])
    taken = np.array(order)
    deviations = dict(table.deviations)
    if COLUMN in sensitivities.deviations:
        deviations[COLUMN] = sensitivities.deviations[COLUMN][taken]
    columns = {**table.columns, COLUMN: sensitivities.columns[COLUMN][taken]}
    return replace(table, columns=columns, deviations=deviations)


def _require_match(table: LatencyTable, sensitivities: LatencyTable) -> None:
    if COLUMN not in sensitivities.columns:
        raise TableError(
            f"{sensitivities.source} has no column {COLUMN}; its columns are "
            f"{', '.join(sensitivities.columns)}."
        )
    if COLUMN in table.columns:
        raise TableError(f"{table.source} has a column {COLUMN} already; remove one of the two.")
    for one, other in ((table, sensitivities), (sensitivities, table)):
        missing = [layer for layer in one.layers if layer not in other.layers]
        if missing:
            raise TableError(
                f"Layer {missing[0]} of {one.source} is missing in {other.source}, which begins "
                f"with {', '.join(other.layers[:3])}; name the layers alike in both."
            )
