"""The cells of a table as they were read: text by column, and where each of them stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mpsolve.typing import NumberArray


@dataclass(frozen=True, slots=True)
class Cells:
    """The text of every cell, whatever file format it came from.

    Attributes
    ----------
    source
        The file, for messages.
    columns
        Name -> text of each row without surrounding spaces; an empty text is an empty cell.
    numbers
        What a person would call each row: its line in a CSV file, else its count from 1.
    counted
        What ``numbers`` counts: ``"line"`` or ``"row"``.
    """

    source: str
    columns: dict[str, list[str]]
    numbers: Sequence[int]
    counted: str

    def row(self, row: int) -> str:
        """Name of a row, such as ``line 7``."""
        return f"{self.counted} {self.numbers[row]}"

    def where(self, row: int, column: str) -> str:
        """Place of a cell, such as ``table.csv: line 7, column latency``."""
        return f"{self.source}: {self.row(row)}, column {column}"


def gather(
    source: str,
    names: Sequence[Any],
    columns: Sequence[Sequence[Any]],
    numbers: Sequence[int] | None = None,
) -> Cells:
    """Turn raw columns into cells.

    Columns without a name are left out: nothing could refer to them, and spreadsheets and data
    frames write them.

    Parameters
    ----------
    source
        The file, for messages.
    names
        Name of each column.
    columns
        Text, numbers or None of each column, one entry per row.
    numbers
        Line of each row; by default rows are counted from 1.

    Raises
    ------
    TableError
        If two columns have one name, or there is no row.
    """
    stripped = [str(name).strip() for name in names]
    for name in filter(None, dict.fromkeys(stripped)):
        if stripped.count(name) > 1:
            raise TableError(
                f"{source}: the column {name} occurs twice; "
                + ("the first line must name" if numbers is not None else "name")
                + " every column once."
            )
    if not columns or not len(columns[0]):
        raise TableError(
            f"{source}: the table has column names but no rows; "
            "it needs one row for each layer and candidate precision."
        )
    texts = {n: list(map(_text, c)) for n, c in zip(stripped, columns, strict=True) if n}
    counts = numbers if numbers is not None else range(1, len(columns[0]) + 1)
    return Cells(source, texts, counts, "row" if numbers is None else "line")


def parse_column(cells: Cells, column: str) -> NumberArray:
    """The numbers of a column, ``(M,)`` int64 if all are written as integers, else float64.

    Raises
    ------
    TableError
        If a cell is empty, not a number or not finite; the message says where.
    """
    texts = cells.columns[column]
    values = _parse(texts)
    if values is None:
        raise _not_a_number(cells, column, _numeric(texts).index(False))
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise TableError(
            f"{cells.where(row, column)}: {texts[row]} is not a finite number; "
            "leave out the rows of precisions that a layer cannot take."
        )
    return values


def parse_unless_text(cells: Cells, column: str) -> NumberArray | None:
    """The numbers of a column as `parse_column` reads them, or None if no cell is a number."""
    texts = cells.columns[column]
    if _parse(texts) is None and not any(_numeric(dict.fromkeys(texts))):
        return None
    return parse_column(cells, column)


def _numeric(texts: Iterable[str]) -> list[bool]:
    return [_parse([text]) is not None for text in texts]


def _parse(texts: Sequence[str]) -> NumberArray | None:
    if any("_" in text for text in texts):  # Python alone reads 1_000 as a number
        return None
    converters: tuple[tuple[Callable[[str], int | float], type[Any]], ...]
    converters = ((int, np.int64), (float, np.float64))
    for convert, dtype in converters:
        try:
            return np.array(list(map(convert, texts)), dtype)
        except (ValueError, OverflowError):
            continue
    return None


def _not_a_number(cells: Cells, column: str, row: int) -> TableError:
    where, text = cells.where(row, column), cells.columns[column][row]
    if not text:
        more = "" if column in ("b_in", "b_wt") else ", or leave the whole column empty"
        return TableError(f"{where} is empty; fill in a number{more}.")
    return TableError(
        f"{where}: {text!r} is not a number; write digits and a decimal point only, such as 12.5."
    )


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    return (cell if isinstance(cell, str) else str(cell)).strip()
