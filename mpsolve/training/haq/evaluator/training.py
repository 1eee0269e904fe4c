"""Judging a configuration by a short training (ITEM 2020, sections 3.2 and 4.1)."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

import torch

from mpsolve.training.calibration import calibrate, signed_input
from mpsolve.training.callbacks import Callback
from mpsolve.training.distributed import this_process
from mpsolve.training.evaluate import evaluate
from mpsolve.training.folder import fingerprint
from mpsolve.training.haq.evaluator.clusters import ClusteredWeights
from mpsolve.training.haq.evaluator.proxy import Part
from mpsolve.training.loop import train
from mpsolve.training.outcome import DivergenceError
from mpsolve.training.parameters import parameter_groups
from mpsolve.training.quantisers.quantiser import Mode
from mpsolve.training.quantisers.tqt import TqtQuantiser
from mpsolve.training.quantisers.uniform import UniformQuantiser
from mpsolve.training.recipes import OptimiserSettings, Recipe
from mpsolve.training.recipes.recipe import QuantisationSettings
from mpsolve.training.wrapping.build import channels, observer, threshold
from mpsolve.training.wrapping.wrap import quantise_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from mpsolve.model.configuration import Configuration
    from mpsolve.profiles.networks.tensor_groups import Rules
    from mpsolve.training.callbacks import TrainingState
    from mpsolve.training.data import DataSet
    from mpsolve.training.haq.settings import HaqSettings
    from mpsolve.training.options import ComputeKeywords
    from mpsolve.training.quantisers.quantiser import Quantiser
    from mpsolve.training.wrapping.groups import ActivationGroup, WeightedLayer
    from mpsolve.training.wrapping.quantised_model import QuantisedModel

#: From a share of correct examples to the reward: 0.1 per percentage point.
SCALE = 0.1 * 100


class ShortTraining:
    """Trains every configuration from the float weights on, on a part of the data set.

    Weights have a uniform grid per channel up to their largest magnitude, or clusters; activations
    a learned threshold each. The reward is a tenth of the validation accuracy in percentage points,
    less that of the float model. Thresholds begin with what was observed once, in float.

    Parameters
    ----------
    model
        The trained float model, which is left as it is.
    data
        The data set.
    settings
        How it is trained.
    rules, name
        As in `quantise_model`.
    options
        ``device``, ``workers`` and ``progress`` as in `mpsolve.training.options.TrainOptions`.

    Attributes
    ----------
    model
        The quantised model.
    float_accuracy
        That of the float model on the same validation examples.
    """

    def __init__(
        self,
        model: nn.Module,
        data: DataSet,
        settings: HaqSettings,
        *,
        rules: Rules | None = None,
        name: str = "",
        **options: Unpack[ComputeKeywords],
    ) -> None:
        self._settings, self._options = settings, options
        seed = settings.seed
        self._data = replace(
            data,
            train=Part.draw(data.train, settings.examples, seed),
            validation=Part.draw(data.validation, settings.validation_examples, seed),
        )
        self._recipe = _recipe(settings)
        self._fingerprint = fingerprint(model)
        self.model = quantise_model(
            model,
            (torch.zeros(2, *data.input_shape),),
            LearnedActivations(),
            rules,
            name=name,
            signed_input=signed_input(self._data, self._recipe),
        )
        self.model.to(this_process(options.get("device", "auto")).device)
        size = settings.batch_size
        calibrate(self.model, self._data.train, self._recipe.quantisation, size)
        with self.model.mode(Mode.FLOAT):
            self.float_accuracy = evaluate(self.model, self._data.validation).accuracy
        self._start = copy.deepcopy(self.model.state_dict())

    def reward(self, configuration: Configuration, *, float_activations: bool) -> float | None:
        """See `Evaluator`. A training that diverges is as bad as no correct example."""
        accuracy = self.accuracy(configuration, float_activations=float_activations)
        return None if accuracy is None else SCALE * (accuracy - self.float_accuracy)

    def accuracy(self, configuration: Configuration, *, float_activations: bool) -> float | None:
        """The validation accuracy after training; None if Ctrl-C has stopped it."""
        self.model.load_state_dict(self._start)
        self.model.apply_configuration(configuration)
        clusters = self._settings.weights == "kmeans"
        callbacks: list[Callback] = [Modes(not clusters, not float_activations)]
        callbacks += [ClusteredWeights()] if clusters else []
        try:
            done = train(
                self.model,
                self._data,
                self._recipe,
                groups={"thresholds": parameter_groups(self.model).thresholds},
                callbacks=callbacks,
                **self._options,
            )
        except DivergenceError:
            return 0.0
        if done.interrupted:
            return None
        return float(done.history[-1]["validation_accuracy"])

    def identity(self) -> Mapping[str, Any]:
        """See `Evaluator`."""
        return {
            "kind": "training",
            "initial_weights": self._fingerprint,
            "data": self._data.name,
            "examples": len(self._data.train),
            "validation_examples": len(self._data.validation),
        }


class LearnedActivations:
    """Learned thresholds for activations, and the largest magnitude per channel for weights."""

    def activation(self, group: ActivationGroup) -> Quantiser:
        """A learned threshold, one for all that adders link."""
        return TqtQuantiser(
            max(8, group.least),
            group.signed,
            threshold=threshold(group),
            observer=observer(group),
        )

    def weight(self, layer: WeightedLayer, activation: Quantiser) -> Quantiser:
        """A threshold that follows the weights."""
        return UniformQuantiser(8, True, channels=channels(layer, last_per_tensor=False))


class Modes(Callback):
    """Quantises weights or activations, or both."""

    def __init__(self, weights: bool, activations: bool) -> None:
        self._weights = Mode.QUANTISE if weights else Mode.FLOAT
        self._activations = Mode.QUANTISE if activations else Mode.FLOAT

    def start_of_epoch(self, state: TrainingState) -> None:
        """Set the mode of every quantiser."""
        model: QuantisedModel = state.model  # type: ignore[assignment]
        for quantiser in model.weight_quantisers.values():
            quantiser.mode = self._weights
        for quantiser in model.activation_quantisers.values():
            quantiser.mode = self._activations


def _recipe(settings: HaqSettings) -> Recipe:
    adam = OptimiserSettings("adam", settings.learning_rate)
    return Recipe(
        settings.epochs,
        settings.batch_size,
        {"weights": adam, "thresholds": adam},
        name="haq",
        algorithm="tqt",
        seed=settings.seed,
        quantisation=QuantisationSettings(activation_clip=settings.activation_clip),
    )
