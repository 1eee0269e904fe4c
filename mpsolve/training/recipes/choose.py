"""The recipe for a network and its data, where nobody names one."""

from __future__ import annotations

from mpsolve.errors import InputError
from mpsolve.training.recipes.read import load_recipe, recipes


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
