"""Reading a latency table from wherever it is."""

from __future__ import annotations

import sys
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mpsolve.errors import InputError, TableError
from mpsolve.profiles.files import read_file
from mpsolve.profiles.formats import read_bytes, read_frame
from mpsolve.profiles.tidy import to_table

if TYPE_CHECKING:
    import pandas as pd

    from mpsolve.profiles.table import LatencyTable

#: What stands for standard input.
STDIN = "-"


def read_table(
    source: str | PathLike[str] | IO[str] | IO[bytes] | pd.DataFrame, *, name: str | None = None
) -> LatencyTable:
    """Read a latency table in the tidy form that `mpsolve.profiles.tidy` describes.

    Parameters
    ----------
    source
        A CSV, JSON or Parquet file, ``"-"`` for standard input, an open stream, or a pandas data
        frame. A file whose suffix says nothing, or a stream, is recognised by its contents.
    name
        What messages call the table; by default the path.

    Raises
    ------
    TableError
        If the table cannot be read; the message names the file, the line and the column.
    MissingDependencyError
        If a Parquet file needs a package that is not installed.
    """
    if isinstance(source, str | PathLike):
        if source == STDIN:
            return _from_stream(getattr(sys.stdin, "buffer", sys.stdin), name or "standard input")
        return _from_path(Path(source), name or str(source))
    other: Any = source
    if hasattr(other, "read"):
        return _from_stream(other, name or _stream_name(other))
    if hasattr(other, "iloc"):
        return from_pandas(other, name=name)
    raise InputError(
        f"A table is read from a path, '-', a stream or a data frame, not from {source!r}."
    )


def from_pandas(frame: pd.DataFrame, *, name: str | None = None) -> LatencyTable:
    """Build a latency table from a data frame in the tidy form; its index is ignored.

    Parameters
    ----------
    frame
        The table. Missing values are empty cells.
    name
        What messages call the table.
    """
    return to_table(read_frame(frame, name or "data frame"))


def _from_path(path: Path, name: str) -> LatencyTable:
    data = read_file(path, name=name, holds="table", refusal=TableError)
    return to_table(read_bytes(data, name, path.suffix))


def _from_stream(stream: IO[Any], name: str) -> LatencyTable:
    try:
        data: str | bytes = stream.read()
    except (OSError, ValueError) as error:
        raise TableError(f"{name} cannot be read: {error}.") from error
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    return to_table(read_bytes(data, name))


def _stream_name(stream: Any) -> str:
    name = getattr(stream, "name", None)
    return name if isinstance(name, str) else "input stream"
