"""The recipe that somebody has named, and the one where nobody has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.training.recipes.read import load_recipe, recipes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mpsolve.training.recipes.recipe import Recipe


def recipe_for(algorithm: str, network: str, data: str) -> str:
    """The name of the recipe of an algorithm that is for a network, or else for a data set.

    Parameters
    ----------
    algorithm
        One of `recipe.ALGORITHMS`.
    network
        As `build_model` takes it.
    data
        As `load_data` takes it.

    Raises
    ------
    InputError
        If none is.

    Examples
    --------
    >>> recipe_for("tqt", "mobilenet_v2", "imagefolder:/data")
    'tqt_mobilenet_v2'
    """
    known = [r for r in map(load_recipe, recipes()) if r.algorithm == algorithm]
    name = data.partition(":")[0]
    for recipe in known:
        if recipe.network == network and recipe.data in ("", name):
            return recipe.name
    for recipe in known:
        if recipe.data and recipe.data == name:
            return recipe.name
    raise InputError(
        f"No {algorithm} recipe is for {network} on {name}; name one of "
        f"{', '.join(r.name for r in known)}, or a .toml file."
    )


def chosen_recipe(
    recipe: Recipe | str,
    algorithm: str,
    *,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    purpose: str = "",
) -> Recipe:
    """A recipe that must be for an algorithm.

    Parameters
    ----------
    recipe
        A recipe, or the name or file of one.
    algorithm
        One of `recipe.ALGORITHMS`.
    overrides
        As in `load_recipe`.
    seed
        Instead of that of the recipe.
    purpose
        What it is to be for, if people do not call it by the algorithm.

    Raises
    ------
    InputError
        If it cannot be read, or is for something else.
    """
    name = recipe if isinstance(recipe, str) else recipe.name
    chosen = load_recipe(recipe, overrides) if isinstance(recipe, str) else recipe
    if chosen.algorithm != algorithm:
        raise InputError(
            f"{name} is a recipe for {chosen.algorithm}, not for {purpose or algorithm}."
        )
    return chosen if seed is None else replace(chosen, seed=seed)
