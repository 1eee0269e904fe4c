"""The right to write, which one process has at a time and which the system takes from the dead.

It is a lock on an open file itself: a package such as filelock would need a second file beside it.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

if sys.platform == "win32":
    import msvcrt

    #: A byte that no file reaches: Windows keeps others from reading what is locked.
    _BEYOND = 2**31 - 2

    def _lock(handle: int) -> bool:
        os.lseek(handle, _BEYOND, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def lock(file: IO[Any], busy: str) -> None:
    """Take the right to write to an open file, until it is closed or the process ends.

    Who only reads needs no right.

    Raises
    ------
    InputError
        With the sentence ``busy`` if another has it.
    OSError
        If the file system has no locks.
    """
    if not _lock(file.fileno()):
        raise InputError(busy)


@contextmanager
def locked_folder(folder: str | PathLike[str], name: str, busy: str) -> Iterator[None]:
    """Keep others from a folder by the file ``name`` in it; the rest is as in `lock`."""
    with (Path(folder) / name).open("w") as file:
        lock(file, busy)
        yield
