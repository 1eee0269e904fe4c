"""File formats: CSV, JSON, Parquet and data frames, all read into the same cells."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from mpsolve.errors import TableError
from mpsolve.profiles.cells import Cells, gather
from mpsolve.storage.optional import importing

if TYPE_CHECKING:
    import pandas as pd

#: File suffix -> format.
SUFFIXES = {".csv": "csv", ".json": "json", ".parquet": "parquet", ".pq": "parquet"}

_NEEDED = "it needs one row for each layer and candidate precision."
_EMPTY = (
    "is empty; a table has the column names in its first line "
    "and one row for each layer and candidate precision."
)


def read_bytes(data: bytes, source: str, suffix: str = "") -> Cells:
    """Read the contents of a file.

    Parameters
    ----------
    data
        The contents.
    source
        The file, for messages.
    suffix
        The suffix that tells the format; without a known one, the contents tell.
    """
    kind = SUFFIXES.get(suffix.lower()) or _sniff(data)
    if not data.strip():
        raise TableError(f"{source} {_EMPTY}")
    if kind == "parquet":
        return read_parquet(data, source)
    text = _decode(data, source)
    return read_json(text, source) if kind == "json" else read_csv(text, source)


def _sniff(data: bytes) -> str:
    if data.startswith(b"PAR1"):
        return "parquet"
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    return "json" if start.startswith((b"[", b"{")) else "csv"


def _decode(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TableError(
            f"{source}: line {line} is not UTF-8 text; a table is a CSV or JSON file saved as "
            "UTF-8, or a Parquet file with the suffix .parquet."
        ) from error


def read_csv(text: str, source: str) -> Cells:
    """Read comma-separated text whose first line names the columns; blank lines do not count."""
    rows, lines = _csv_rows(text, source)
    if not rows:
        raise TableError(f"{source} {_EMPTY}")
    header = rows.pop(0)
    if len(header) == 1 and (mark := re.search("[;\t|]", header[0])):
        raise TableError(
            f"{source}: line {lines[0]}: the cells are separated by {mark[0]!r}; "
            "separate them by commas."
        )
    for line, row in zip(lines[1:], rows, strict=True):
        if len(row) != len(header):
            raise TableError(
                f"{source}: line {line} has {len(row)} cells, but the first line names "
                f"{len(header)} columns; give every row one cell per column."
            )
    return gather(source, header, list(zip(*rows, strict=True)), lines[1:])


def _csv_rows(text: str, source: str) -> tuple[list[list[str]], list[int]]:
    """The rows that are not blank, and the line on which each of them begins."""
    rows: list[list[str]] = []
    lines: list[int] = []
    line = 1
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if any(map(str.strip, row)):
                rows.append(row)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise TableError(
            f"{source}: line {line} is not CSV ({error}); check its quotation marks."
        ) from error
    return rows, lines


class _RepeatedName(str):
    """Stands for a JSON object that has one name twice."""


def _json_object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _RepeatedName:
    names = [name for name, _ in pairs]
    if len(set(names)) == len(names):
        return dict(pairs)
    return _RepeatedName(next(name for name in names if names.count(name) > 1))


def read_json(text: str, source: str) -> Cells:
    """Read a list of row objects, or an object that maps every column to its list of cells."""
    import json

    try:
        data = json.loads(text, object_pairs_hook=_json_object)
    except json.JSONDecodeError as error:
        raise TableError(
            f"{source}: line {error.lineno}, character {error.colno} is not JSON: {error.msg}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise TableError(f"{source} cannot be read as JSON: {error}.") from error
    if isinstance(data, _RepeatedName):
        raise TableError(f"{source}: the column {data} occurs twice; name every column once.")
    if isinstance(data, list):
        return _json_rows(data, source)
    if isinstance(data, dict):
        return _json_columns(data, source)
    raise TableError(f"{source}: the JSON must be a list of row objects or an object of columns.")


def _json_rows(rows: list[Any], source: str) -> Cells:
    if not rows:
        raise TableError(f"{source}: the table has no rows; {_NEEDED}")
    for number, row in enumerate(rows, 1):
        if isinstance(row, _RepeatedName):
            raise TableError(f"{source}: row {number} has the column {row} twice; keep one.")
        if not isinstance(row, dict):
            raise TableError(f"{source}: row {number} is not an object of column names and cells.")
        if row.keys() != rows[0].keys():
            raise _uneven_row(source, number, rows[0], row)
    names = list(rows[0])
    return gather(source, names, [[row[name] for row in rows] for name in names])


def _uneven_row(source: str, number: int, first: dict[str, Any], row: dict[str, Any]) -> TableError:
    lacking = [name for name in first if name not in row]
    if lacking:
        return TableError(
            f"{source}: row {number} lacks the column {lacking[0]}, which row 1 has; "
            "give every row the same columns."
        )
    added = next(name for name in row if name not in first)
    return TableError(
        f"{source}: row {number} has the column {added}, which row 1 lacks; "
        "give every row the same columns."
    )


def _json_columns(columns: dict[str, Any], source: str) -> Cells:
    if not columns:
        raise TableError(f"{source}: the table has no rows; {_NEEDED}")
    first = next(iter(columns))
    for name, cells in columns.items():
        if not isinstance(cells, list):
            raise TableError(
                f"{source}: the column {name} must be a list of cells; "
                "pandas writes a table that can be read with orient='records'."
            )
        if len(cells) != len(columns[first]):
            raise TableError(
                f"{source}: the column {name} has {len(cells)} cells, but {first} has "
                f"{len(columns[first])}; give every column one cell per row."
            )
    return gather(source, list(columns), list(columns.values()))


def read_parquet(data: bytes, source: str) -> Cells:
    """Read a Parquet file."""
    with importing("pyarrow", "tables", "Reading Parquet"):
        import pyarrow as pa
        from pyarrow import parquet
    try:
        table = parquet.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise TableError(f"{source} is not a readable Parquet file: {error}") from error
    return gather(source, table.column_names, [column.to_pylist() for column in table.columns])


def read_frame(frame: pd.DataFrame, source: str) -> Cells:
    """Read a data frame; missing values are empty cells, as they are in the file it came from."""
    columns = []
    for position in range(frame.shape[1]):
        series = frame.iloc[:, position]
        cells = zip(series.tolist(), series.isna().tolist(), strict=True)
        columns.append([None if missing else cell for cell, missing in cells])
    return gather(source, frame.columns.tolist(), columns)
