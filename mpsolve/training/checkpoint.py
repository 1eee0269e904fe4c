"""Checkpoints: files that are whole or absent, and hold tensors and plain values alone.

They are read without unpickling code, so that a file from elsewhere can do no harm.
"""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import torch

from mpsolve.errors import InputError
from mpsolve.storage.atomic import replacing, writing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

#: What `torch.load` reads back with ``weights_only=True``, in our own checkpoints.
_VALUES = (torch.Tensor, str, bytes, int, float, bool, complex, type(None))


def save_checkpoint(path: str | PathLike[str], content: Mapping[str, Any]) -> None:
    """Write a file that a crash cannot damage: the previous one is there until this one is whole.

    Parameters
    ----------
    path
        The file, which is replaced.
    content
        Tensors, numbers, texts, and lists, tuples and dictionaries of them.

    Raises
    ------
    InputError
        If something else is in the content, or the file cannot be written.
    """
    require_plain(content)
    with writing(path), replacing(path) as part, part.open("wb") as file:
        torch.save(dict(content), file)


def load_checkpoint(path: str | PathLike[str], device: torch.device | str = "cpu") -> Any:
    """Read what `save_checkpoint` wrote.

    Raises
    ------
    InputError
        If there is no such file, or it is damaged or holds anything but tensors and plain values.
    """
    try:
        with Path(path).open("rb") as file:
            return _read(file, path, device)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def require_plain(value: Any, where: str = "") -> None:
    """Refuse what could be written but not be read again.

    Raises
    ------
    InputError
        That names the entry.
    """
    if isinstance(value, dict):
        for key, entry in value.items():
            require_plain(key, where)
            require_plain(entry, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list | tuple):
        for i, entry in enumerate(value):
            require_plain(entry, f"{where}[{i}]")
    elif not isinstance(value, _VALUES) or type(value).__module__ == "numpy":
        raise InputError(
            f"A checkpoint cannot hold {where}, which is of type {type(value).__name__}; turn it "
            "into a tensor or a plain value."
        )


def _read(file: IO[bytes], path: str | PathLike[str], device: torch.device | str) -> Any:
    damaged = InputError(f"{path} is no checkpoint, or a damaged one; name another file.")
    if not zipfile.is_zipfile(file):  # PyTorch's format since 1.6
        raise damaged
    file.seek(0)
    try:
        return torch.load(file, map_location=device, weights_only=True)
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, pickle.UnpicklingError):
        raise damaged from None
