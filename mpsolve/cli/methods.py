"""Method names as people write them."""

from __future__ import annotations

from difflib import get_close_matches

from mpsolve.errors import InputError
from mpsolve.formulations.method import METHODS
from mpsolve.heuristics.method import HEURISTICS

AUTO = "auto"
#: All methods but the automatic choice.
ALL = (*METHODS, *HEURISTICS)


def known_methods() -> tuple[str, ...]:
    """All names, the automatic choice first."""
    return (AUTO, *ALL)


def check_method(name: str) -> str:
    """The name, if there is such a method.

    Raises
    ------
    InputError
        If there is none; the message suggests a similar one.
    """
    if name in known_methods() or (":" in name and name.partition(":")[0] in METHODS):
        return name
    close = get_close_matches(name, known_methods(), n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known_methods())}."
    raise InputError(f"There is no method {name!r}; {hint}")


def check_exact(name: str) -> str:
    """The name, if it is that of an exact method, which alone can prove an optimum."""
    if check_method(name) in HEURISTICS:
        raise InputError(f"{name} is a heuristic and proves nothing; name an exact method.")
    return name


def checked_methods(texts: str | None) -> tuple[str, ...]:
    """The methods of a list with commas, each once; all methods without a list."""
    if texts is None:
        return ALL
    names = tuple(dict.fromkeys(text.strip() for text in texts.split(",") if text.strip()))
    if not names:
        raise InputError("--methods names no method; separate method names by commas.")
    return tuple(map(check_method, names))
