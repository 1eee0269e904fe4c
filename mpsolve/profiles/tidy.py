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
layer_type, tie_group
    Optional labels that are the same on all rows of a layer; without ``layer_type``, ``kind``
    serves instead.
latency_unit, and ``_unit`` after any other column
    Optional; one unit for the whole column.
provenance
    Optional; begins with measured, simulated, modelled, derived or unstated.
anything else
    A further column of numbers. A column in which no cell is a number is a remark and ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError, TableError
from mpsolve.precision import WEIGHT_ONLY_B_IN, Precision
from mpsolve.profiles.cells import parse_column
from mpsolve.profiles.table import LatencyTable, Provenance

if TYPE_CHECKING:
    from mpsolve.profiles.cells import Cells
    from mpsolve.typing import IntArray, NumberArray

#: Columns that are never numbers of a candidate; ``kind`` only without ``layer_type``.
LABELS = frozenset(
    ("layer", "precision", "precision_name", "b_in", "b_wt")
    + ("layer_type", "tie_group", "provenance", "kind")
)

_WEAKEST_LAST = tuple(Provenance)


def to_table(cells: Cells) -> LatencyTable:
    """Check a table in the tidy form and build it.

    Raises
    ------
    TableError
        If anything is missing, doubtful or contradictory; the message says where.
    """
    _require_columns(cells)
    layers, layer_of = _layers(cells)
    precisions = _precisions(cells)
    _refuse_duplicates(cells, precisions)
    order = np.argsort(layer_of, kind="stable")
    columns = _columns(cells)
    units = _units(cells, columns)
    return LatencyTable(
        layers=layers,
        offsets=np.concatenate(([0], np.cumsum(np.bincount(layer_of)))),
        precisions=tuple(precisions[row] for row in order),
        columns={name: values[order] for name, values in columns.items()},
        units=units,
        layer_types=_labels(cells, _layer_type_column(cells)),
        tie_groups=_labels(cells, "tie_group"),
        provenance=_provenance(cells, units),
        source=cells.source,
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


def _precisions(cells: Cells) -> list[Precision]:
    columns = cells.columns
    has_bits = "b_wt" in columns and ("b_in" in columns or "precision_name" in columns)
    if "precision" not in columns or (has_bits and not any(columns["precision"])):
        return _counted_precisions(cells)
    written = _written_precisions(cells)
    if not has_bits or not any(columns["b_wt"]):
        return written
    counted = _counted_precisions(cells)
    for row, (one, other) in enumerate(zip(written, counted, strict=True)):
        if (one.b_in, one.b_wt) != (other.b_in, other.b_wt):
            raise TableError(
                f"{cells.where(row, 'precision')}: {columns['precision'][row]!r} contradicts the "
                f"columns of bits, which say {other.b_in}b/{other.b_wt}b; correct one of them."
            )
    return [c if c.name else w for c, w in zip(counted, written, strict=True)]


def _written_precisions(cells: Cells) -> list[Precision]:
    texts = cells.columns["precision"]
    known: dict[str, Precision] = {}
    for text in dict.fromkeys(texts):
        try:
            known[text] = Precision.parse(text)
        except InputError as error:
            where = cells.where(texts.index(text), "precision")
            raise TableError(f"{where}: {error}") from error
    return [known[text] for text in texts]


def _counted_precisions(cells: Cells) -> list[Precision]:
    rows = len(cells.numbers)
    names = cells.columns.get("precision_name") or [""] * rows
    b_wt = _bits(cells, "b_wt")
    if "b_in" in cells.columns:
        b_in = _bits(cells, "b_in")
    elif "" in names:
        raise TableError(
            f"{cells.where(names.index(''), 'precision_name')} is empty; "
            "name the format or add the column b_in."
        )
    else:
        b_in = [WEIGHT_ONLY_B_IN] * rows
    keys = list(zip(b_in, b_wt, names, strict=True))
    known = {key: Precision(*key) for key in dict.fromkeys(keys)}
    return [known[key] for key in keys]


def _bits(cells: Cells, column: str) -> list[float]:
    values = parse_column(cells, column)
    if (values < 0).any():
        row = int(np.argmax(values < 0))
        raise TableError(
            f"{cells.where(row, column)}: {values[row]} is negative; write a number of bits."
        )
    return values.tolist()


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
        if _is_label(cells, name) or not any(texts):
            continue
        values = parse_column(cells, name, optional=name != "latency")
        if values is not None:
            columns[name] = values
    negative = columns.get("latency", np.zeros(1)) < 0
    if negative.any():
        row = int(np.argmax(negative))
        raise TableError(
            f"{cells.where(row, 'latency')}: {cells.columns['latency'][row]} is negative; "
            "a latency is at least 0."
        )
    return columns
