"""Tables of a TOML file as dataclasses, whose fields and annotations say what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from mpsolve.errors import InputError

_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def convert(table: Mapping[str, Any], kind: Any, where: str) -> Any:
    """Make a dataclass of a table.

    Parameters
    ----------
    table
        Setting -> value; tables of their own for fields that are dataclasses.
    kind
        The dataclass.
    where
        The file and section, which errors begin with.

    Raises
    ------
    InputError
        If a setting is unknown, missing, or of another type.
    """
    # Mapping is imported by the dataclasses for type checkers only.
    hints = get_type_hints(kind, localns={"Mapping": Mapping})
    for name in table:
        if name not in hints:
            similar = get_close_matches(name, hints, n=1)
            hint = f"did you mean {similar[0]}?" if similar else f"there are {', '.join(hints)}."
            raise InputError(f"{where}: there is no setting {name!r}; {hint}")
    for field in fields(kind):
        if field.name not in table and field.default is field.default_factory is MISSING:
            raise InputError(f"{where}: the setting {field.name} is missing.")
    values = {name: _converted(value, hints[name], where, name) for name, value in table.items()}
    try:
        return kind(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _converted(value: Any, hint: Any, where: str, name: str) -> Any:
    if is_dataclass(hint):
        if not isinstance(value, dict):
            raise InputError(f"{where}: {name} is a section; write [{name}].")
        return convert(value, hint, f"{where} [{name}]")
    if get_origin(hint) is UnionType:
        return _one_of(value, [arm for arm in get_args(hint) if arm is not type(None)], where, name)
    if get_origin(hint) is Mapping:
        if not isinstance(value, dict):
            raise InputError(f"{where}: {name} has sections; write [{name}.NAME].")
        item = get_args(hint)[1]
        return {key: _converted(v, item, where, f"{name}.{key}") for key, v in value.items()}
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise InputError(f"{where}: {name} is a list, not {value!r}; write [{value!r}].")
        return tuple(_converted(v, get_args(hint)[0], where, name) for v in value)
    if not _is(value, hint):
        raise InputError(f"{where}: {name} is {_NAMES[hint]}, not {value!r}.")
    return float(value) if hint is float else value


def _one_of(value: Any, arms: list[Any], where: str, name: str) -> Any:
    """The value as the first alternative that takes it."""
    for arm in arms[:-1]:
        if not is_dataclass(arm) and _is(value, arm):
            return _converted(value, arm, where, name)
    return _converted(value, arms[-1], where, name)


def _is(value: Any, kind: type) -> bool:
    """Whether a TOML value is of a type; whole numbers are numbers, truth values are not."""
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, (int, float) if kind is float else kind)
