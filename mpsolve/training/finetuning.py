"""Fine-tuning in a known configuration with trained thresholds (Free Bits, section 3.4)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from os import PathLike
from typing import TYPE_CHECKING, Unpack

import torch

from mpsolve.model.configuration import Configuration
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.training.calibration import StartQuantisation, signed_input
from mpsolve.training.callbacks import Callback
from mpsolve.training.experiment import Experiment
from mpsolve.training.folder import origin_of
from mpsolve.training.options import FinetuneKeywords, FinetuneOptions
from mpsolve.training.parameters import parameter_groups
from mpsolve.training.quantisers.tqt import normalise_gradients
from mpsolve.training.recipes import chosen_recipe
from mpsolve.training.wrapping.fixed import Tqt
from mpsolve.training.wrapping.wrap import quantise_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from mpsolve.model.precision import Precision
    from mpsolve.training.callbacks import TrainingState
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
    **options: Unpack[FinetuneKeywords],
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
    options
        See `mpsolve.training.options.FinetuneOptions`. In the end the folder has what `load_run`
        needs to take the model back.

    Raises
    ------
    InputError
        If these do not fit together.
    """
    asked = FinetuneOptions(**options)
    recipe = chosen_recipe(recipe, "tqt", seed=asked.seed)
    given = (
        Configuration.read(str(configuration))
        if isinstance(configuration, str | PathLike)
        else Configuration(configuration)
    )
    normed = recipe.quantisation.normed_gradients
    build = Tqt(given, last_per_tensor=asked.last_per_tensor, normed=normed)
    example = torch.zeros(2, *data.input_shape)
    signed = signed_input(data, recipe)
    quantised = quantise_model(
        model, (example,), build, asked.rules, name=asked.name, signed_input=signed
    )
    for layer in given:
        quantised.network.layer(layer)  # refuses unknown ones
    settings = {
        "configuration": given.to_json(),
        "rules": asdict(asked.rules or Rules()),
        "last_per_tensor": asked.last_per_tensor,
        "signed_input": signed,
    }
    experiment = Experiment.begin("finetune", model, data, recipe, asked, settings, origin_of(data))
    if experiment.place:
        experiment.place.write_configuration(given)
    start = StartQuantisation(data.train, recipe)
    trained = experiment.train(
        quantised,
        groups={"thresholds": parameter_groups(quantised).thresholds},
        callbacks=[start, *([NormThresholdGradients()] if normed else [])],
    )
    accuracy = None
    if not trained.interrupted:
        if trained.epochs == 0:
            start.calibrate(quantised)
        quantised.set_mode("quantise")
        accuracy = experiment.finish(quantised, data.test)
    return FineTuned(accuracy, given, trained, quantised)


class NormThresholdGradients(Callback):
    """Norms the gradients of thresholds before every step."""

    def before_step(self, state: TrainingState) -> None:
        """See `normalise_gradients`."""
        normalise_gradients(state.model)
