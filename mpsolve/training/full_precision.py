"""Training in full precision: what searches and fine-tuning begin with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.training.distributed import this_process
from mpsolve.training.evaluate import evaluate
from mpsolve.training.folder import fingerprint, open_folder, recipe_settings
from mpsolve.training.loop import train
from mpsolve.training.outcome import Stop
from mpsolve.training.recipes import load_recipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from torch import nn

    from mpsolve.training.callbacks import TrainingProgress
    from mpsolve.training.data import DataSet
    from mpsolve.training.outcome import Trained
    from mpsolve.training.recipes import Recipe


@dataclass(frozen=True, eq=False)
class FullPrecision:
    """A model that was trained.

    Attributes
    ----------
    accuracy
        On the test split; None if training was interrupted.
    trained
        How training went, with the accuracies on the validation split.
    model
        The model.
    """

    accuracy: float | None
    trained: Trained
    model: nn.Module


def train_full_precision(
    model: nn.Module,
    data: DataSet,
    recipe: Recipe | str,
    *,
    folder: str | PathLike[str] | None = None,
    seed: int | None = None,
    name: str = "",
    progress: Callable[[TrainingProgress], None] | None = None,
    checkpoint_batches: int | None = None,
    device: str = "auto",
    workers: int = 0,
) -> FullPrecision:
    """Train a model, and keep the run in a folder.

    Parameters
    ----------
    model
        The model, which is changed.
    data
        The data set.
    recipe
        How to train, or the name or file of a recipe.
    folder, seed, name
        As in `search_precisions`.
    progress, checkpoint_batches, device, workers
        As in `train`.

    Raises
    ------
    InputError
        If these do not fit together.
    """
    recipe = load_recipe(recipe) if isinstance(recipe, str) else recipe
    recipe = recipe if seed is None else replace(recipe, seed=seed)
    if recipe.algorithm != "full_precision":
        raise InputError(f"{recipe.name} is a recipe for {recipe.algorithm}, not for train.")
    settings = {
        "command": "train",
        "model": name or type(model).__name__,
        "initial_weights": fingerprint(model),
        "data": data.name,
        "recipe": recipe_settings(recipe),
    }
    place = folder and open_folder(folder, settings, first=this_process(device).first)
    trained = train(
        model,
        data,
        recipe,
        checkpoint=place.checkpoint if place else None,
        checkpoint_batches=checkpoint_batches,
        recorders=[place.recorder] if place else (),
        progress=progress,
        device=device,
        workers=workers,
    )
    accuracy = None
    if trained.stopped is not Stop.INTERRUPTED:
        accuracy = evaluate(model, data.test, batch_size=recipe.batch_size).accuracy
        if place:
            place.write_weights(model)
    return FullPrecision(accuracy, trained, model)
