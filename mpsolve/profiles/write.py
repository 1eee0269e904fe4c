"""Writing a latency table in the tidy form."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError
from mpsolve.profiles.labels import LABELS, UNIT
from mpsolve.profiles.table import STD
from mpsolve.storage.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from mpsolve.profiles.table import LatencyTable


def write_csv(table: LatencyTable, path: str | PathLike[str]) -> None:
    """Write a table as CSV, so that reading the file gives the same table.

    Parameters
    ----------
    table
        The table.
    path
        The file; it is overwritten.

    Raises
    ------
    InputError
        If a name in the table would not be read back as it is, or the file cannot be written.
    """
    columns = tidy_columns(table)
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    write_text(path, text.getvalue())


def tidy_columns(table: LatencyTable) -> dict[str, Sequence[object]]:
    """The columns of the tidy form, one entry per candidate.

    Raises
    ------
    InputError
        If a name in the table would not be read back as it is.
    """
    _check_names(table)
    rows = len(table.precisions)
    layer_of = np.repeat(np.arange(len(table.layers)), np.diff(table.offsets))
    columns: dict[str, Sequence[object]] = {"layer": [table.layers[i] for i in layer_of]}
    for name in ("layer_type", "tie_group", "b_in_group"):
        labels = getattr(table, f"{name}s")
        if any(labels):
            columns[name] = [labels[i] for i in layer_of]
    columns["b_in"] = [p.b_in for p in table.precisions]
    columns["b_wt"] = [p.b_wt for p in table.precisions]
    if any(p.name for p in table.precisions):
        columns["precision_name"] = [p.name for p in table.precisions]
    if "latency" not in table.columns:
        columns["latency"] = [""] * rows
    for name, values in table.columns.items():
        columns[name] = values.tolist()
        if name in table.units:
            columns[name + UNIT] = [table.units[name]] * rows
        if name in table.deviations:
            columns[name + STD] = table.deviations[name].tolist()
    columns["provenance"] = [str(table.provenance)] * rows
    return columns


def _check_names(table: LatencyTable) -> None:
    for name in (*table.layers, *table.columns):
        if not name:
            raise InputError(f"{table.source} has a layer or column without a name.")
    for name in table.columns:
        if name in LABELS or name == "kind" or name.endswith(UNIT):
            raise InputError(f"A column cannot be called {name}: it would be read as a label.")
    precisions = (p.name for p in table.precisions)
    labels = (*table.layer_types, *table.tie_groups, *table.b_in_groups, *table.units.values())
    for text in dict.fromkeys((*table.layers, *table.columns, *precisions, *labels)):
        if text != text.strip() or not text.isprintable():
            raise InputError(
                f"{text!r} cannot be written: spaces around a name and characters that do not "
                "print would not be read back."
            )
