"""A file of JSON lines that a killed run can go on writing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from os import PathLike


class JsonLines:
    """Entries in the order in which they were written.

    Parameters
    ----------
    path
        The file; the first entry creates it.
    what
        What it is, for messages: ``the checkpoint of a front``.
    """

    def __init__(self, path: str | PathLike[str], what: str) -> None:
        self._path = Path(path)
        self._what = what

    def read(self) -> list[Any]:
        """Every entry; a line that a killed run could not finish is removed.

        Raises
        ------
        InputError
            If the file cannot be read, or holds something else.
        """
        try:
            text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
            complete, _, torn = text.rpartition("\n")
            entries = [self._decoded(line) for line in complete.split("\n")] if complete else []
            if torn and not (complete or torn.startswith("{")):
                raise InputError(f"{self._path} is not {self._what}.")
            if torn:
                self._path.write_text(complete + "\n" if complete else "", encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise InputError(f"{self._path}: cannot read {self._what}: {reason}.") from None
        return entries

    def append(self, *entries: Any) -> None:
        """Write entries, each as one line.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        text = "".join(json.dumps(entry) + "\n" for entry in entries)
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise InputError(f"{self._path} cannot be written: {error.strerror}.") from None

    def _decoded(self, line: str) -> Any:
        try:
            return json.loads(line)
        except json.JSONDecodeError:
            raise InputError(f"{self._path} is not {self._what}.") from None
