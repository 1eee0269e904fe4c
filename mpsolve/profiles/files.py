"""Reading a file, or saying in one sentence why it cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from os import PathLike


def read_file(
    path: str | PathLike[str],
    *,
    name: str = "",
    holds: str = "file",
    refusal: type[InputError] = InputError,
) -> bytes:
    """The contents of a file.

    Parameters
    ----------
    path
        The file.
    name
        What messages call it; by default the path.
    holds
        What a directory might hold instead.
    refusal
        The class of the error.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    name = name or str(path)
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise refusal(f"{name}: there is no such file.") from error
    except IsADirectoryError as error:
        raise refusal(f"{name} is a directory; name a {holds} in it.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise refusal(f"{name} cannot be read: {reason}.") from error
