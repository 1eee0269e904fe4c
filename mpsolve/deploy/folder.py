"""Folders of exports: written whole or not at all, and never over anything else."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.storage.interruption import Interruption

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The entry of the description of an export that names all its files.
FILES = "files"


def own_files(folder: str | Path) -> frozenset[str]:
    """The files of an export that a new one replaces.

    Raises
    ------
    InputError
        If the folder holds anything else, or cannot be written.
    """
    target = Path(folder)
    try:
        present = {path.name for path in target.iterdir()} if target.exists() else set()
    except OSError as error:
        raise InputError(f"{folder}: cannot write the network: {error.strerror}.") from None
    place = target.resolve()
    nearest = next(path for path in (place, *place.parents) if path.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: cannot write the network: permission denied.")
    own = {name for path in target.glob("*.json") for name in _listed(path)}
    if foreign := sorted(present - own):
        raise InputError(
            f"{folder} holds other files than those of an export, such as {foreign[0]}; name "
            "another folder."
        )
    return frozenset(present)


@contextmanager
def written_whole(folder: str | Path) -> Iterator[Path]:
    """A new folder to write into, whose files become those of another in the end.

    Until then they lie beside it, and they vanish if anything goes wrong.

    Raises
    ------
    InputError
        As in `own_files`, or if files cannot be written.
    """
    old = own_files(folder)
    target = Path(folder).resolve()
    part = target.parent / f".{target.name}.{os.getpid()}.part"
    new_parents = [path for path in part.parents if not path.exists()]
    try:
        part.mkdir(parents=True)
        yield part
        with Interruption(patient=True):  # moving takes no time
            _move(part, target, old)
    except OSError as error:
        raise InputError(f"{folder}: cannot write the network: {error.strerror}.") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
        for path in new_parents:
            with suppress(OSError):  # it holds the export
                path.rmdir()


def _move(part: Path, target: Path, old: frozenset[str]) -> None:
    target.mkdir(exist_ok=True)
    new = {path.name for path in part.iterdir()}
    for name in sorted(new):
        os.replace(part / name, target / name)
    for name in old - new:
        (target / name).unlink()


def _listed(path: Path) -> list[str]:
    """The files that a description names; none if it is anything else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    files = content.get(FILES) if isinstance(content, dict) else None
    if not isinstance(files, list) or path.name not in files or "format" not in content:
        return []
    return [name for name in files if isinstance(name, str)]
