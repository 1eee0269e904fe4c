"""A file of JSON lines that takes up results one by one, so that a killed run can go on.

The first line says which work the file belongs to; each further one is an entry.
"""

from __future__ import annotations

import json
import os
from io import FileIO
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.storage.atomic import writing
from mpsolve.storage.lock import lock

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from os import PathLike
    from types import TracebackType
    from typing import Self


class Journal:
    """The right to add entries to a file, which one process has at a time; to be closed.

    Parameters
    ----------
    path
        The file, which is begun where there is none; None for a journal that keeps nothing.
    what
        What it is, for messages: ``the checkpoint of a front``.
    header
        The first line; ``mpsolve`` in it is the kind of the file.
    take
        Is given every entry of a run before, in their order. A `KeyError`, `TypeError`,
        `AttributeError` or `ValueError` of it says that this is none.
    check
        Is given the header of a run before, and raises if it belongs to another work.
    key
        What tells an entry from others, where one is to be there once.

    Raises
    ------
    InputError
        If the file is something else, cannot be used, or another process is writing to it. Then
        it is as it was.
    """

    def __init__(
        self,
        path: str | PathLike[str] | None,
        what: str,
        header: Mapping[str, Any],
        take: Callable[[Any], None],
        *,
        check: Callable[[Mapping[str, Any]], None],
        key: Callable[[Any], Hashable] | None = None,
    ) -> None:
        self._path, self._what = path, what
        self._file = None
        if path is None:
            return
        with writing(path):
            self._file = FileIO(path, "a+")
        try:
            with writing(path):
                lock(
                    self._file,
                    f"{path} is being written by another run; wait until it ends, or name "
                    "another file.",
                )
            entries, end = self._read()
            if entries:
                self._begin(entries[0], header, check)
                self._take(entries[1:], take, key)
            with writing(path):
                self._file.truncate(end)
            if not entries:
                self.append(header)
        except BaseException:
            self.close()
            raise

    def append(self, *entries: Any) -> None:
        """Write entries, each as one line; they are on the disk when this returns.

        Raises
        ------
        InputError
            If they cannot be written; then none of them is in the file.
        """
        if self._file is None:
            return
        text = memoryview("".join(json.dumps(entry) + "\n" for entry in entries).encode())
        handle = self._file.fileno()
        end = os.fstat(handle).st_size
        with writing(self._path):
            try:
                while text:
                    text = text[os.write(handle, text) :]
                os.fsync(handle)
            except BaseException:
                self._file.truncate(end)
                raise

    def close(self) -> None:
        """Let others write."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self) -> tuple[list[Any], int]:
        """Every line but one that a killed run could not finish, and where the latter begins."""
        assert self._file is not None
        with writing(self._path):
            self._file.seek(0)
            content = self._file.readall()
        complete, end, torn = content.rpartition(b"\n")
        foreign = InputError(f"{self._path} is not {self._what}.")
        if torn and not (end or torn.startswith(b"{")):
            raise foreign
        try:
            entries = [json.loads(line) for line in complete.split(b"\n")] if end else []
        except ValueError:
            raise foreign from None
        return entries, len(complete) + len(end)

    def _begin(
        self, theirs: Any, header: Mapping[str, Any], check: Callable[[Mapping[str, Any]], None]
    ) -> None:
        foreign = InputError(f"{self._path} is not {self._what}.")
        if not isinstance(theirs, dict) or theirs.get("mpsolve") != header["mpsolve"]:
            raise foreign
        try:
            check(theirs)
        except (AttributeError, KeyError, TypeError):
            raise foreign from None

    def _take(
        self,
        entries: list[Any],
        take: Callable[[Any], None],
        key: Callable[[Any], Hashable] | None,
    ) -> None:
        keys: set[Hashable] = set()
        for number, entry in enumerate(entries, 2):
            try:
                take(entry)
                own = number if key is None else key(entry)
            except (AttributeError, KeyError, TypeError, ValueError):
                raise InputError(
                    f"{self._path}: line {number} is no part of {self._what}: "
                    f"{json.dumps(entry)[:60]}"
                ) from None
            if own in keys:
                raise InputError(
                    f"{self._path} holds line {number} twice, as two runs at once leave it; "
                    "remove it to begin anew."
                )
            keys.add(own)
