"""The cells of a geometry file, whatever its columns are called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mpsolve.errors import TableError

if TYPE_CHECKING:
    from mpsolve.profiles.cells import Cells

#: What columns are also called.
ALIASES = {
    "cin": "in_ch",
    "cout": "out_ch",
    "hin": "in_h",
    "win": "in_w",
    "hout": "out_h",
    "wout": "out_w",
    "kernel": "k",
    "s": "stride",
    "p": "padding",
    "d": "dilation",
    "g": "groups",
}

_PAIR = re.compile(r"(\d+)(?:x(\d+))?")


class Sheet:
    """Cells by row and standard column name, as text or as whole numbers.

    Parameters
    ----------
    cells
        What was read.
    required
        The columns that must be there.

    Raises
    ------
    TableError
        If one of them is missing.
    """

    def __init__(self, cells: Cells, required: tuple[str, ...]) -> None:
        self.cells = cells
        self.rows = range(len(cells.numbers))
        #: Standard name -> name in the file.
        self._columns = {ALIASES.get(name, name): name for name in cells.columns}
        if missing := [name for name in required if name not in self._columns]:
            raise TableError(
                f"{cells.source}: the column {missing[0]} is missing; a network needs "
                f"{', '.join(required)}, and this file has {', '.join(cells.columns)}."
            )

    def __contains__(self, column: str) -> bool:
        return column in self._columns

    def text(self, row: int, column: str) -> str:
        """The text of a cell; empty where there is no such column."""
        name = self._columns.get(column)
        return self.cells.columns[name][row] if name else ""

    def number(self, row: int, column: str, default: int | None = None) -> int:
        """A whole number; where the cell is empty, the default if there is one."""
        text = self.text(row, column)
        if not text and default is not None:
            return default
        if not (text.isascii() and text.isdigit()):
            raise self.error(row, column, f"{text!r} is not a whole number; write digits only")
        return int(text)

    def pair(
        self, row: int, column: str, default: tuple[int, int] | None = None
    ) -> tuple[int, int]:
        """Height and width, written ``10x4``, or ``3`` for both."""
        text = self.text(row, column)
        if not text and default is not None:
            return default
        match = _PAIR.fullmatch(text)
        if not match:
            raise self.error(
                row, column, f"{text!r} is not a size; write 3, or 10x4 for height and width"
            )
        return int(match[1]), int(match[2] or match[1])

    def error(self, row: int, column: str, problem: str) -> TableError:
        """A sentence that begins with the place of a cell."""
        return TableError(f"{self.cells.where(row, self._columns.get(column, column))}: {problem}.")
