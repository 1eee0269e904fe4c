"""Roofline models in TOML, so that a machine takes a few numbers from its data sheet and no code.

::

    name = "my-chip-roofline-model"
    description = "What it is, in one sentence."
    source = "Where each number comes from."
    unit = "cycles"             # or "us": what the rates are counted per
    overhead = 500              # per layer, in the unit; 0 if absent

    [peak]                      # MACs per unit of time
    "8b/8b" = 16
    "4b/4b" = 32

    [bandwidth]                 # bytes per unit of time
    weights = 4
    activations = 8

    [efficiency]                # optional: part of the peak that a kind of layer reaches
    dw = 0.25

    [fallback]                  # optional: accepted too, computed in the next higher precision
    precisions = ["8b/4b"]
"""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.model.precision import Precision
from mpsolve.profiles.files import read_file
from mpsolve.profiles.networks.layer_type import KINDS
from mpsolve.profiles.targets.roofline import Roofline

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

TEXTS = ("name", "description", "source", "unit")
BANDWIDTHS = ("weights", "activations")
#: Tables and keys of the file; None where the keys are precisions.
TABLES = {
    "peak": None,
    "bandwidth": BANDWIDTHS,
    "efficiency": KINDS,
    "fallback": ("precisions",),
}


def read_roofline(path: str | PathLike[str]) -> Roofline:
    """Read a roofline model.

    Parameters
    ----------
    path
        A TOML file as the module describes.

    Raises
    ------
    InputError
        If anything is missing, unknown or of the wrong kind; the message names the file, the
        table and the key.
    """
    try:
        text = read_file(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    return parse_roofline(text, str(path))


@cache
def bundled_rooflines() -> tuple[Roofline, ...]:
    """The models that come with mpsolve, which are templates for others, by name."""
    from importlib import resources

    folder = resources.files("mpsolve.profiles.targets") / "rooflines"
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return tuple(parse_roofline(file.read_text(encoding="utf-8"), file.name) for file in files)


def bundled_roofline(name: str) -> Roofline:
    """The model of this name that comes with mpsolve."""
    return next(roofline for roofline in bundled_rooflines() if roofline.name == name)


def parse_roofline(text: str, source: str) -> Roofline:
    """Build a roofline model from the text of a file.

    Parameters
    ----------
    text
        The contents of the file.
    source
        The file, for messages.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{source} is not TOML: {error}.") from error
    _refuse_unknown(source, "", data, (*TEXTS, "overhead", *TABLES))
    tables = {name: _table(source, data, name) for name in TABLES}
    texts = {key: _text(source, data, key) for key in TEXTS}
    numbers = {
        name: {key: _number(source, name, tables[name], key) for key in keys}
        for name, keys in (
            ("peak", tables["peak"]),
            ("bandwidth", BANDWIDTHS),
            ("efficiency", tables["efficiency"]),
        )
    }
    try:
        return Roofline(
            name=texts["name"],
            description=texts["description"],
            source=texts["source"],
            time=texts["unit"],
            peaks={_precision(source, "peak", k): peak for k, peak in numbers["peak"].items()},
            weight_bandwidth=numbers["bandwidth"]["weights"],
            activation_bandwidth=numbers["bandwidth"]["activations"],
            overhead=_number(source, "", {"overhead": 0} | data, "overhead"),
            efficiency=numbers["efficiency"],
            fallback=_fallback(source, tables["fallback"]),
        )
    except InputError as error:
        raise error if str(error).startswith(source) else InputError(f"{source}: {error}") from None


def _refuse_unknown(source: str, table: str, found: Iterable[str], known: Iterable[str]) -> None:
    for key in found:
        if key not in known:
            close = get_close_matches(key, list(known), n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}."
            raise InputError(f"{_where(source, table)}the key {key} is unknown; {hint}")


def _table(source: str, data: dict[str, Any], name: str) -> dict[str, Any]:
    if name not in data and name in ("peak", "bandwidth"):
        raise InputError(f"{source}: the table [{name}] is missing.")
    table = data.get(name, {})
    if not isinstance(table, dict):
        raise InputError(f"{source}: {name} must be a table, [{name}], not {table!r}.")
    known = TABLES[name]
    if known is not None:
        _refuse_unknown(source, name, table, known)
    return table


def _text(source: str, data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value.strip():
        problem = "is missing" if value is None else f"must be a text, not {value!r}"
        raise InputError(f"{source}: the key {key} {problem}.")
    return " ".join(value.split())


def _number(source: str, table: str, found: dict[str, Any], key: str) -> float:
    value = found.get(key)
    if value is None:
        raise InputError(f"{_where(source, table)}the key {key} is missing.")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{_where(source, table)}the key {key} must be a number, not {value!r}.")
    return value


def _precision(source: str, table: str, text: object) -> Precision:
    try:
        return Precision.parse(str(text))
    except InputError as error:
        raise InputError(f"{_where(source, table)}{error}") from None


def _fallback(source: str, table: dict[str, Any]) -> tuple[Precision, ...]:
    texts = table.get("precisions", [])
    if not isinstance(texts, list):
        raise InputError(f"{_where(source, 'fallback')}precisions must be a list, not {texts!r}.")
    return tuple(_precision(source, "fallback", text) for text in texts)


def _where(source: str, table: str) -> str:
    return f"{source}: table [{table}]: " if table else f"{source}: "
