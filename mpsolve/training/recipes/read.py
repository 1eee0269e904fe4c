"""Reading recipes: by name, from a file, and with single settings overridden."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.training.recipes.convert import convert
from mpsolve.training.recipes.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = Path(__file__).parent


def recipes() -> tuple[str, ...]:
    """The names of the recipes that come with mpsolve."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


def load_recipe(text: str, overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    text
        The path of a TOML file, or one of `recipes`.
    overrides
        Settings that replace those of the file: ``epochs=3``,
        ``optimisers.weights.learning_rate=0.01``, ``bayesian_bits.strengths=[0.1]``.

    Raises
    ------
    InputError
        If there is no such recipe, or a setting is unknown or makes no sense; the message names
        it, and similar ones.

    Examples
    --------
    >>> load_recipe("tqt_mobilenet_v1").optimisers["weights"].milestones
    (4, 7)
    """
    file = _file(text)
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not TOML: {error}.") from None
    for setting in overrides:
        override(table, setting)
    table.setdefault("name", file.stem)
    where = file.name if file.parent == FOLDER else str(file)
    recipe: Recipe = convert(table, Recipe, where)
    return recipe


def _file(text: str) -> Path:
    if text.lower().endswith(".toml") or Path(text).is_file():
        return Path(text)
    if text in recipes():
        return FOLDER / f"{text}.toml"
    similar = ", ".join(get_close_matches(text, recipes(), n=3) or recipes())
    raise InputError(f"There is no recipe {text!r}; try {similar}, or a .toml file.")


def override(table: dict[str, Any], text: str) -> None:
    """Set one value; what it is set to is read as TOML, or as a text."""
    path, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not path or not value:
        raise InputError(f"{text!r} overrides nothing; write setting=value, such as epochs=3.")
    *sections, key = path.split(".")
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise InputError(f"{text}: {section} is a value and has no settings of its own.")
    try:
        table[key] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[key] = value
