"""Files that are written whole or not at all, and one sentence where they cannot be."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.storage.lock import lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike


@contextmanager
def writing(name: object) -> Iterator[None]:
    """Say in a sentence what the system has against writing something.

    Raises
    ------
    InputError
        In place of an `OSError`, with the name and the reason.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{name} cannot be written: {error.strerror or error}.") from None


@contextmanager
def replacing(path: str | PathLike[str]) -> Iterator[Path]:
    """Another path beside a file to write to, which takes its place if nothing goes wrong.

    Then it is on the disk and has the permissions of the file that it replaces. A link keeps
    pointing to its file; a pipe or a device is written to directly. What a killed run has left
    beside the file is written over.

    Raises
    ------
    InputError
        If another is writing the file.
    """
    target = Path(path).resolve()
    if target.exists() and not (target.is_file() or target.is_dir()):
        yield target
        return
    part = target.with_name(f".{target.name}.part")
    with part.open("ab") as file:
        lock(file, f"{path} is being written by another run; wait until it ends.")
        try:
            yield part
            os.fsync(file.fileno())
            file.close()  # Windows renames and removes no open file
            if target.is_file():
                os.chmod(part, stat.S_IMODE(target.stat().st_mode))
            os.replace(part, target)
        except BaseException:
            file.close()
            part.unlink(missing_ok=True)
            raise
    _keep_name(target.parent)


def write_bytes(path: str | PathLike[str], content: bytes) -> None:
    """Write a file, all of it or nothing.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with writing(path), replacing(path) as part:
        part.write_bytes(content)


def write_text(path: str | PathLike[str], text: str) -> None:
    """Write UTF-8 with the line ends as they are; see `write_bytes`."""
    write_bytes(path, text.encode())


def _keep_name(folder: Path) -> None:
    """Make a new name durable, where folders can be opened and synchronised."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
