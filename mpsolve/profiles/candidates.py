"""The candidate precisions of a table, written as bits, as text, or as both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError, TableError
from mpsolve.model.precision import WEIGHT_ONLY_B_IN, Precision
from mpsolve.profiles.cells import parse_column

if TYPE_CHECKING:
    from mpsolve.profiles.cells import Cells


def read_precisions(cells: Cells) -> list[Precision]:
    """The precision of each row.

    Raises
    ------
    TableError
        If a cell is not a precision, or if two columns contradict each other.
    """
    columns = cells.columns
    filled = {name for name, texts in columns.items() if any(texts)}
    has_bits = "b_wt" in filled and not filled.isdisjoint({"b_in", "precision_name"})
    if not has_bits and "precision" in columns:
        return _written_precisions(cells)
    if "precision" not in filled:
        return _counted_precisions(cells)
    written = _written_precisions(cells)
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
    if "" not in names and not any(cells.columns.get("b_in", ())):
        b_in: list[float] = [WEIGHT_ONLY_B_IN] * rows
    elif "b_in" in cells.columns:
        b_in = _bits(cells, "b_in")
    else:
        raise TableError(
            f"{cells.where(names.index(''), 'precision_name')} is empty; "
            "name the format, or add the column b_in."
        )
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
