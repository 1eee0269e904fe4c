"""Writing to standard output and to files, whatever is at the other end."""

from __future__ import annotations

import io
import json
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

import numpy as np
from rich.console import Console

from mpsolve.errors import InputError
from mpsolve.storage.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

#: Output that is not read on a terminal is never wrapped or cut.
UNLIMITED = 100_000


Part: TypeAlias = "RenderableType | Callable[[Console], RenderableType] | None"


def print_report(*parts: Part) -> None:
    """Print tables and sentences for people.

    Parameters
    ----------
    parts
        What to print, or functions that choose it when they see the console; None is left out.
    """
    terminal = bool(sys.stdout and sys.stdout.isatty())
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    page = io.TextIOWrapper(io.BytesIO(), encoding, "backslashreplace", newline="\n")
    console = Console(
        file=page,
        force_terminal=terminal,
        width=None if terminal else UNLIMITED,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for part in parts:
        if part is not None:
            console.print(part(console) if callable(part) else part)
    page.seek(0)
    lines = page.read().rstrip("\n").split("\n")
    write("".join(f"{line if terminal else line.rstrip()}\n" for line in lines))


def fitting(*candidates: RenderableType) -> Callable[[Console], RenderableType]:
    """The first candidate that is not too wide; otherwise the last."""

    def choose(console: Console) -> RenderableType:
        widths = (
            console.measure(c, options=console.options.update(width=UNLIMITED)) for c in candidates
        )
        fits = (c for c, w in zip(candidates, widths, strict=True) if w.maximum <= console.width)
        return next(fits, candidates[-1])

    return choose


def print_json(data: Any) -> None:
    """Print plain data as one JSON document; numbers that JSON lacks become null."""
    write(json.dumps(_strict(data), indent=2, allow_nan=False) + "\n")


def write(text: str) -> None:
    """Write to standard output; a reader that has gone away, as ``head`` does, is no error.

    Raises
    ------
    InputError
        If the text cannot be written for any other reason, such as a full disk.
    """
    if sys.stdout is None:
        return
    try:
        _put(sys.stdout, text)
    except BrokenPipeError:
        _discard(sys.stdout)
    except OSError as error:
        _discard(sys.stdout)
        raise InputError(f"Standard output cannot be written: {error.strerror}.") from None


def write_error(text: str) -> None:
    """Write a line to standard error, if anything listens there."""
    if sys.stderr is None:
        return
    try:
        _put(sys.stderr, f"{text}\n")
    except OSError:
        _discard(sys.stderr)


def check_writable(path: str) -> None:
    """Refuse a file that cannot be written, before a long search."""
    target = Path(path)
    if path == "-":
        raise InputError("-o takes a file; for standard output use --json.")
    if target.is_dir():
        raise InputError(f"{path} is a directory; name a file in it.")
    if not target.parent.is_dir():
        raise InputError(f"{path} cannot be written: there is no directory {target.parent}.")
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise InputError(f"{path} cannot be written: permission denied.")


def write_file(path: str, data: Any) -> None:
    """Write JSON to a file; all of it or nothing."""
    write_text(path, json.dumps(_strict(data), indent=2, allow_nan=False) + "\n")


def _put(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _discard(stream: TextIO) -> None:
    """Send what is still buffered, and all that follows, nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _strict(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _strict(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_strict(value) for value in data]
    if isinstance(data, np.generic):
        data = data.item()
    return None if isinstance(data, float) and not math.isfinite(data) else data
