"""Training in full precision: what searches and fine-tuning begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

from mpsolve.training.experiment import Experiment
from mpsolve.training.options import RecipeKeywords, RecipeOptions
from mpsolve.training.recipes import chosen_recipe

if TYPE_CHECKING:
    from torch import nn

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
    model: nn.Module, data: DataSet, recipe: Recipe | str, **options: Unpack[RecipeKeywords]
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
    options
        See `mpsolve.training.options.RecipeOptions`.

    Raises
    ------
    InputError
        If these do not fit together.
    """
    asked = RecipeOptions(**options)
    recipe = chosen_recipe(recipe, "full_precision", seed=asked.seed, purpose="train")
    experiment = Experiment.begin("train", model, data, recipe, asked)
    trained = experiment.train(model)
    accuracy = None if trained.interrupted else experiment.finish(model, data.test)
    return FullPrecision(accuracy, trained, model)
