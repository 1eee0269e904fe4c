"""The tidy form of a latency table: one row for each layer and candidate precision.

Columns
-------
layer
    Name of the layer. Its rows need not stand together; layers keep the order in which they first
    appear, and candidates the order of their rows.
b_in, b_wt
    Bits of an input activation and of a weight. A named format adds ``precision_name`` and may
    then leave out ``b_in``, which is 16. Instead of both, ``precision`` holds text such as
    ``8b/4b``, ``w4a8`` or ``q4_k:4.5``.
latency
    At least 0. A lower precision may be slower. A wholly empty column is left out, as is any other.
layer_type, tie_group, b_in_group
    Optional labels that are the same on all rows of a layer; without ``layer_type``, ``kind``
    serves instead.
latency_unit, and ``_unit`` after any other column
    Optional; one unit for the whole column.
``_std`` after any other column
    Optional standard deviations of its values, in its unit, at least 0. They are no costs.
provenance
    Optional; begins with measured, simulated, modelled, derived or unstated.
anything else
    A further column of numbers. A column in which no cell is a number is a remark and ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import TableError
from mpsolve.profiles.candidates import read_precisions
from mpsolve.profiles.cells import parse_column, parse_unless_text
from mpsolve.profiles.labels import (
    UNIT,
    is_label,
    layer_type_column,
    read_labels,
    read_provenance,
    read_units,
)
from mpsolve.profiles.table import STD, LatencyTable, holds_deviations

if TYPE_CHECKING:
    from mpsolve.model.precision import Precision
    from mpsolve.profiles.cells import Cells
    from mpsolve.typing import IntArray, NumberArray


def to_table(cells: Cells) -> LatencyTable:
    """Check a table in the tidy form and build it.

    Raises
    ------
    TableError
        If anything is missing, doubtful or contradictory; the message says where.
    """
    _require_columns(cells)
    layers, layer_of = _layers(cells)
    precisions = read_precisions(cells)
    _refuse_duplicates(cells, precisions)
    order = np.argsort(layer_of, kind="stable")
    columns = _columns(cells)
    deviations = _deviations(cells, columns)
    columns = {k: v for k, v in columns.items() if not holds_deviations(k, columns)}
    units = read_units(cells, columns)
    return LatencyTable(
        layers=layers,
        offsets=np.concatenate(([0], np.cumsum(np.bincount(layer_of)))),
        precisions=tuple(precisions[row] for row in order),
        columns={name: values[order] for name, values in columns.items()},
        units=units,
        layer_types=read_labels(cells, layer_type_column(cells)),
        tie_groups=read_labels(cells, "tie_group"),
        b_in_groups=read_labels(cells, "b_in_group"),
        provenance=read_provenance(cells, units),
        source=cells.source,
        deviations={name: values[order] for name, values in deviations.items()},
    )


def _require_columns(cells: Cells) -> None:
    present = cells.columns
    missing = [name for name in ("layer", "latency") if name not in present]
    if "precision" not in present:
        if "b_wt" not in present:
            missing.append("b_wt")
        if "b_in" not in present and "precision_name" not in present:
            missing.append("b_in")
    if missing:
        more = f"columns {', '.join(missing)} are" if missing[1:] else f"column {missing[0]} is"
        raise TableError(
            f"{cells.source}: the {more} missing; a table needs layer, b_in, b_wt (or precision) "
            f"and latency, and this one has {', '.join(present)}."
        )


def _layers(cells: Cells) -> tuple[tuple[str, ...], IntArray]:
    """Layers in the order of their first rows, and the layer of each row."""
    names = cells.columns["layer"]
    if "" in names:
        raise TableError(f"{cells.where(names.index(''), 'layer')} is empty; name the layer.")
    index: dict[str, int] = {}
    layer_of = [index.setdefault(name, len(index)) for name in names]
    return tuple(index), np.array(layer_of, np.int64)


def _refuse_duplicates(cells: Cells, precisions: list[Precision]) -> None:
    seen: dict[tuple[str, Precision], int] = {}
    for row, key in enumerate(zip(cells.columns["layer"], precisions, strict=True)):
        first = seen.setdefault(key, row)
        if first != row:
            raise TableError(
                f"{cells.source}: {cells.row(first)} and {cells.row(row)} both give layer "
                f"{key[0]} at {key[1]}; keep one of them."
            )


def _columns(cells: Cells) -> dict[str, NumberArray]:
    columns: dict[str, NumberArray] = {}
    for name, texts in cells.columns.items():
        if is_label(cells, name) or not any(texts):
            continue
        parse = parse_column if name == "latency" else parse_unless_text
        values = parse(cells, name)
        if values is not None:
            columns[name] = values
    if "latency" in columns:
        _refuse_negative(cells, "latency", columns["latency"], "a latency")
    return columns


def _deviations(cells: Cells, columns: dict[str, NumberArray]) -> dict[str, NumberArray]:
    """The standard deviations of the columns that have any."""
    deviations = {}
    for name in filter(lambda name: holds_deviations(name, columns), cells.columns):
        column = name.removesuffix(STD)
        if not any(cells.columns[name]):
            continue
        deviations[column] = parse_column(cells, name)
        _refuse_negative(cells, name, deviations[column], "a standard deviation")
        own, other = (read_units(cells, [c]).get(c, "") for c in (name, column))
        if own not in ("", other):
            raise TableError(
                f"{cells.where(0, name + UNIT)}: the unit {own!r} differs from that of {column}, "
                f"{other!r}; convert the standard deviations."
            )
    return deviations


def _refuse_negative(cells: Cells, column: str, values: NumberArray, what: str) -> None:
    if (values < 0).any():
        row = int(np.argmax(values < 0))
        raise TableError(
            f"{cells.where(row, column)}: {cells.columns[column][row]} is negative; "
            f"{what} is at least 0."
        )
