"""Fine-tuning in a known configuration with trained thresholds (Free Bits, section 3.4)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING

import torch

from mpsolve.errors import InputError
from mpsolve.model.configuration import Configuration
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.training.calibration import StartQuantisation, signed_input
from mpsolve.training.callbacks import Callback
from mpsolve.training.distributed import this_process
from mpsolve.training.evaluate import evaluate
from mpsolve.training.folder import fingerprint, open_folder, origin_of, recipe_settings
from mpsolve.training.loop import train
from mpsolve.training.outcome import Stop
from mpsolve.training.parameters import parameter_groups
from mpsolve.training.quantisers.tqt import normalise_gradients
from mpsolve.training.recipes import load_recipe
from mpsolve.training.wrapping.fixed import Tqt
from mpsolve.training.wrapping.wrap import quantise_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    from mpsolve.model.precision import Precision
    from mpsolve.training.callbacks import TrainingProgress, TrainingState
    from mpsolve.training.data import DataSet
    from mpsolve.training.outcome import Trained
    from mpsolve.training.recipes import Recipe
    from mpsolve.training.wrapping.quantised_model import QuantisedModel


@dataclass(frozen=True, eq=False)
class FineTuned:
    """A model that was fine-tuned.

    Attributes
    ----------
    accuracy
        On the test split; None if fine-tuning was interrupted.
    configuration
        The precision of every layer.
    trained
        How training went, with the accuracies on the validation split.
    model
        The model.
    """

    accuracy: float | None
    configuration: Configuration
    trained: Trained
    model: QuantisedModel


def finetune(
    model: nn.Module,
    configuration: Mapping[str, Precision] | str | PathLike[str],
    data: DataSet,
    recipe: Recipe | str,
    *,
    rules: Rules | None = None,
    last_per_tensor: bool = False,
    folder: str | PathLike[str] | None = None,
    seed: int | None = None,
    name: str = "",
    progress: Callable[[TrainingProgress], None] | None = None,
    checkpoint_batches: int | None = None,
    device: str = "auto",
    workers: int = 0,
) -> FineTuned:
    """Train a model, and the thresholds of its quantisers, in a configuration.

    Parameters
    ----------
    model
        The trained float model, which is left as it is.
    configuration
        The precision of every layer, or a JSON file.
    data
        The data set.
    recipe
        How to train, or the name or file of a recipe. Zero epochs quantise without training.
    rules
        What to ask of activations.
    last_per_tensor
        Give the weights of the last layer a single threshold.
    folder
        Where to keep the run: its settings, checkpoint, metrics and configuration, and in the end
        the weights, so that `load_run` can take the model back. If there is a run with the same
        settings, it goes on.
    seed, name
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
    if recipe.algorithm != "tqt":
        raise InputError(f"{recipe.name} is a recipe for {recipe.algorithm}, not for tqt.")
    given = (
        Configuration.read(str(configuration))
        if isinstance(configuration, str | PathLike)
        else Configuration(configuration)
    )
    normed = recipe.quantisation.normed_gradients
    build = Tqt(given, last_per_tensor=last_per_tensor, normed=normed)
    example = torch.zeros(2, *data.input_shape)
    signed = signed_input(data, recipe)
    quantised = quantise_model(model, (example,), build, rules, name=name, signed_input=signed)
    for layer in given:
        quantised.network.layer(layer)  # refuses unknown ones
    settings = {
        "command": "finetune",
        "model": name or type(model).__name__,
        "initial_weights": fingerprint(model),
        "data": data.name,
        "configuration": given.to_json(),
        "rules": asdict(rules or Rules()),
        "last_per_tensor": last_per_tensor,
        "signed_input": signed,
        "recipe": recipe_settings(recipe),
    }
    first = this_process(device).first
    place = folder and open_folder(folder, settings, origin_of(data), first=first)
    if place:
        place.write_configuration(given)
    start = StartQuantisation(data.train, recipe)
    trained = train(
        quantised,
        data,
        recipe,
        groups={"thresholds": parameter_groups(quantised).thresholds},
        callbacks=[start, *([NormThresholdGradients()] if normed else [])],
        checkpoint=place.checkpoint if place else None,
        checkpoint_batches=checkpoint_batches,
        recorders=[place.recorder] if place else (),
        progress=progress,
        device=device,
        workers=workers,
    )
    accuracy = None
    if trained.stopped is not Stop.INTERRUPTED:
        if trained.epochs == 0:
            start.calibrate(quantised)
        quantised.set_mode("quantise")
        accuracy = evaluate(quantised, data.test, batch_size=recipe.batch_size).accuracy
        if place:
            place.write_weights(quantised)
    return FineTuned(accuracy, given, trained, quantised)


class NormThresholdGradients(Callback):
    """Norms the gradients of thresholds before every step."""

    def before_step(self, state: TrainingState) -> None:
        """See `normalise_gradients`."""
        normalise_gradients(state.model)
