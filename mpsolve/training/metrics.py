"""What is recorded of every epoch, and how it gets into a CSV file."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mpsolve.storage.atomic import writing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    #: Name -> value; ``epoch`` is one of them.
    Figures = Mapping[str, float]


class Recorder(Protocol):
    """Takes up the figures of every epoch."""

    def begin(self, history: Sequence[Figures]) -> None:
        """Start after these epochs, none of a run that is new; forget what came after them."""
        ...

    def record(self, figures: Figures) -> None:
        """Take up one more epoch."""
        ...


class CsvRecorder:
    """A CSV file with one row per epoch.

    A row is appended when its epoch is complete. A run that goes on drops the rows of epochs that
    it repeats, and a row that a killed run could not finish.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._path = Path(path)
        self._rows: list[Figures] = []
        self._columns: list[str] = []

    def begin(self, history: Sequence[Figures]) -> None:
        """See `Recorder`."""
        self._rows = list(history)
        self._write_all()

    def record(self, figures: Figures) -> None:
        """See `Recorder`."""
        self._rows.append(figures)
        if set(figures) <= set(self._columns):
            self._write("a", [figures])
        else:
            self._write_all()

    def _write_all(self) -> None:
        self._columns = list(dict.fromkeys(name for row in self._rows for name in row))
        self._write("w", self._rows)

    def _write(self, mode: str, rows: Sequence[Figures]) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, self._columns, restval="", lineterminator="\n")
        if mode == "w" and self._columns:
            writer.writeheader()
        writer.writerows(rows)
        with writing(self._path), self._path.open(mode, encoding="utf-8") as file:
            file.write(text.getvalue())
