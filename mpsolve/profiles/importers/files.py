"""Reading the files of other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpsolve.errors import TableError
from mpsolve.profiles.files import read_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read_bytes(path: Path) -> bytes:
    """The contents of a file.

    Raises
    ------
    TableError
        If it cannot be read or is empty.
    """
    data = read_file(path, refusal=TableError)
    if not data.strip():
        raise TableError(f"{path} is empty.")
    return data


def read_json(path: Path) -> Any:
    """The contents of a JSON file.

    Raises
    ------
    TableError
        If it is not JSON; the message says where.
    """
    import json

    data = read_bytes(path)
    try:
        return json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise TableError(
            f"{path}: line {error.lineno}, character {error.colno} is not JSON: {error.msg}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise TableError(f"{path} cannot be read as JSON: {error}.") from error


def is_number(value: object) -> bool:
    """Whether a value is a number that can be a latency; none of interest exceeds 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < 2.0**63


def spoken(paths: Sequence[Path]) -> str:
    """What messages call several files."""
    if len(paths) == 1:
        return str(paths[0])
    more = f"{len(paths) - 1} other files" if len(paths) > 2 else str(paths[1])
    return f"{paths[0]} and {more}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
