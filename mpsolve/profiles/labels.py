"""The labels of a table: layer types, tie and b_in groups, units and provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.errors import TableError
from mpsolve.model.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mpsolve.profiles.cells import Cells

#: Columns that are never costs of a candidate.
LABELS = frozenset(
    (
        "layer",
        "layer_type",
        "tie_group",
        "b_in_group",
        "provenance",
        "b_in",
        "b_wt",
        "precision",
        "precision_name",
    )
)
UNIT = "_unit"

#: From the strongest to the weakest evidence.
_WEAKEST_LAST = tuple(Provenance)
_SPELLINGS = {"modeled": Provenance.MODELLED, **{str(p): p for p in Provenance}}


def is_label(cells: Cells, column: str) -> bool:
    """Whether a column describes layers or other columns instead of costs."""
    describes_other = column.endswith(UNIT) and column.removesuffix(UNIT) in cells.columns
    return column in LABELS or column == layer_type_column(cells) or describes_other


def layer_type_column(cells: Cells) -> str:
    """The column that holds the layer types."""
    return "layer_type" if any(cells.columns.get("layer_type", ())) else "kind"


def read_labels(cells: Cells, column: str) -> tuple[str, ...]:
    """The label of each layer, in the order of the layers; nothing without such a column.

    Raises
    ------
    TableError
        If the label changes between the rows of a layer.
    """
    if column not in cells.columns:
        return ()
    texts = cells.columns[column]
    first: dict[str, int] = {}
    for row, layer in enumerate(cells.columns["layer"]):
        known = first.setdefault(layer, row)
        if texts[row] != texts[known]:
            raise TableError(
                f"{cells.where(row, column)}: layer {layer} has {texts[row]!r} here but "
                f"{texts[known]!r} in {cells.row(known)}; give all its rows the same."
            )
    return tuple(texts[row] for row in first.values())


def read_units(cells: Cells, columns: Iterable[str]) -> dict[str, str]:
    """The unit of each column that has one.

    Raises
    ------
    TableError
        If a column has more than one unit.
    """
    units = {}
    for column in columns:
        texts = cells.columns.get(column + UNIT, [""])
        for row, text in enumerate(texts):
            if text != texts[0]:
                raise TableError(
                    f"{cells.where(row, column + UNIT)}: the unit {text!r} differs from "
                    f"{texts[0]!r} in {cells.row(0)}; convert the column to one unit."
                )
        if texts[0]:
            units[column] = texts[0]
    return units


def read_provenance(cells: Cells, units: Mapping[str, str]) -> Provenance:
    """The weakest provenance of any row; without one, what the unit of the latency suggests.

    Raises
    ------
    TableError
        If a cell does not begin with a provenance.
    """
    texts = cells.columns.get("provenance", [])
    if not any(texts):
        modelled = "model" in units.get("latency", "").lower()
        return Provenance.MODELLED if modelled else Provenance.UNSTATED
    found = [_provenance(cells, text) for text in dict.fromkeys(texts)]
    return max(found, key=_WEAKEST_LAST.index)


def _provenance(cells: Cells, text: str) -> Provenance:
    if not text:
        return Provenance.UNSTATED
    for spelling, provenance in _SPELLINGS.items():
        if text.lower().startswith(spelling):
            return provenance
    row = cells.columns["provenance"].index(text)
    raise TableError(
        f"{cells.where(row, 'provenance')}: {text!r} is not a provenance; begin it with "
        f"{', '.join(Provenance)}."
    )
