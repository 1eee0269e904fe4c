"""Pairwise terms in a CSV file: what two layers add to the loss or to a cost together.

Columns
-------
layer_a, layer_b
    Two different layers.
b_in_a, b_wt_a, b_in_b, b_wt_b
    A candidate of each; or ``precision_a`` and ``precision_b`` with text such as ``8b/4b``.
value
    What is added where both are chosen. Pairs without a row add nothing.
cost
    Optional: the cost that it is added to, in its unit; empty for the loss.
"""

from __future__ import annotations

import csv
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mpsolve.errors import InputError, TableError
from mpsolve.model.pairwise import PairwiseTerm
from mpsolve.model.precision import Precision
from mpsolve.profiles.cells import parse_column
from mpsolve.profiles.files import read_file
from mpsolve.profiles.formats import read_bytes
from mpsolve.storage.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from mpsolve.model.problem import Problem
    from mpsolve.profiles.cells import Cells
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.typing import NumberArray

#: What has layers with candidates.
Layers: TypeAlias = "Problem | LatencyTable"


def read_pairs(path: str | PathLike[str], layers: Layers) -> tuple[PairwiseTerm, ...]:
    """Read pairwise terms for the candidates of a problem or a table.

    Parameters
    ----------
    path
        A CSV, JSON or Parquet file with the columns above.
    layers
        Whose candidates the terms are for. Rows of other precisions are left out.

    Raises
    ------
    TableError
        If the file cannot be read, names a layer that there is not or one pair twice, or has no
        row for the candidates of two layers that it names.
    """
    data = read_file(path, holds="table", refusal=TableError)
    cells = read_bytes(data, str(path), Path(path).suffix)
    first, second = (_Ends(cells, end, layers) for end in "ab")
    values = _numbers(cells, "value")
    costs = [c if c != "loss" else "" for c in cells.columns.get("cost", [""] * len(values))]
    terms: dict[tuple[str, str, str], NumberArray] = {}
    seen: dict[tuple[object, ...], int] = {}
    filled = set()
    for row, cost in enumerate(costs):
        a, b = first.layers[row], second.layers[row]
        if a == b:
            raise TableError(f"{cells.where(row, 'layer_b')}: {b} is layer_a too; name another.")
        swap = (b, a, cost) in terms
        one, other = (second, first) if swap else (first, second)
        key = (one.layers[row], other.layers[row], cost)
        i, j = one.precisions[row], other.precisions[row]
        if (before := seen.setdefault((*key, i, j), row)) != row:
            raise TableError(
                f"{cells.source}: {cells.row(before)} and {cells.row(row)} both give {key[0]} at "
                f"{i} with {key[1]} at {j}; keep one of them."
            )
        own, others = (_candidates(layers, layer) for layer in key[:2])
        term = terms.setdefault(key, np.zeros((len(own), len(others)), values.dtype))
        if i in own and j in others:
            term[own.index(i), others.index(j)] = values[row]
            filled.add(key)
    for a, b, cost in terms:
        if (a, b, cost) not in filled:
            raise TableError(
                f"{cells.source} has no row for any candidates that {layers.source} offers for "
                f"{a} and {b}."
            )
    return tuple(PairwiseTerm(a, b, term, cost or None) for (a, b, cost), term in terms.items())


def write_pairs(terms: Iterable[PairwiseTerm], layers: Layers, path: str | PathLike[str]) -> None:
    """Write pairwise terms so that `read_pairs` gives the same.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    named = any(p.name for p in layers.precisions)
    header = [f"{name}_{end}" for end in "ab" for name in ("layer", *_columns(named))]
    writer.writerow([*header, "value", "cost"])
    for term in terms:
        rows, columns = (_candidates(layers, layer) for layer in (term.first, term.second))
        for i, p in enumerate(rows):
            for j, q in enumerate(columns):
                ends = (term.first, *_written(p, named), term.second, *_written(q, named))
                writer.writerow([*ends, term.values[i, j].item(), term.cost or ""])
    write_text(path, text.getvalue())


class _Ends:
    """The layer and the precision of every row, of one of the two ends ``a`` and ``b``."""

    def __init__(self, cells: Cells, end: str, layers: Layers) -> None:
        self.layers = _texts(cells, f"layer_{end}")
        for layer in dict.fromkeys(self.layers):
            if layer not in layers.layers:
                close = get_close_matches(layer, layers.layers, n=3)
                hint = f"similar: {', '.join(close)}" if close else f"one is {layers.layers[0]}"
                where = cells.where(self.layers.index(layer), f"layer_{end}")
                raise TableError(f"{where}: {layers.source} has no layer {layer!r}; {hint}.")
        self.precisions: list[Precision] = []
        written = f"precision_{end}"
        columns = [written] if written in cells.columns else [f"b_in_{end}", f"b_wt_{end}"]
        bits = [] if len(columns) == 1 else [_numbers(cells, name).tolist() for name in columns]
        for row in range(len(self.layers)):
            try:
                self.precisions.append(
                    Precision(*(column[row] for column in bits))
                    if bits
                    else Precision.parse(cells.columns[written][row])
                )
            except InputError as error:
                raise TableError(f"{cells.where(row, columns[-1])}: {error}") from error


def _texts(cells: Cells, name: str) -> list[str]:
    if name not in cells.columns:
        raise TableError(
            f"{cells.source}: the column {name} is missing; pairs need layer_a, b_in_a, b_wt_a, "
            "layer_b, b_in_b, b_wt_b and value."
        )
    return cells.columns[name]


def _numbers(cells: Cells, name: str) -> NumberArray:
    _texts(cells, name)
    return parse_column(cells, name)


def _candidates(layers: Layers, layer: str) -> tuple[Precision, ...]:
    i = layers.layers.index(layer)
    return layers.precisions[layers.offsets[i] : layers.offsets[i + 1]]


def _columns(named: bool) -> tuple[str, ...]:
    return ("precision",) if named else ("b_in", "b_wt")


def _written(precision: Precision, named: bool) -> tuple[object, ...]:
    if not named:
        return (precision.b_in, precision.b_wt)
    name = f"{precision.name}:{precision.b_in}/{precision.b_wt}"
    return (name if precision.name else str(precision),)
