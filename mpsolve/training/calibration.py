"""When quantisation starts, and with which thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from mpsolve.errors import InputError
from mpsolve.training.callbacks import Callback
from mpsolve.training.data.order import slices
from mpsolve.training.quantisers.quantiser import Mode
from mpsolve.training.recipes.recipe import MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from mpsolve.training.callbacks import TrainingState
    from mpsolve.training.data import DataSet, Split
    from mpsolve.training.recipes import QuantisationSettings, Recipe
    from mpsolve.training.wrapping.groups import ActivationGroup
    from mpsolve.training.wrapping.quantised_model import QuantisedModel

#: Batches that thresholds are observed on: with the decay 0.9, more would hardly count.
BATCHES = 32


class StartQuantisation(Callback):
    """Trains in float up to an epoch, then sets thresholds and quantises.

    Parameters
    ----------
    split
        The examples that thresholds are observed on.
    recipe
        When, and how thresholds begin.

    Attributes
    ----------
    started
        Whether the present epoch is quantised.

    Raises
    ------
    InputError
        If no epoch would be quantised.
    """

    def __init__(self, split: Split, recipe: Recipe) -> None:
        start = recipe.quantisation.start_epoch
        if 0 < recipe.epochs <= start:
            raise InputError(
                f"{recipe.name or 'The recipe'} trains {recipe.epochs} epochs and quantises from "
                f"epoch {start} on, counted from 0, which never comes: train longer, or lower "
                "quantisation.start_epoch."
            )
        self._split = split
        self._recipe = recipe
        self.started = False

    def start_of_epoch(self, state: TrainingState) -> None:
        """Choose the mode of all quantisers; thresholds begin where quantisation does."""
        model = cast("QuantisedModel", state.model)
        start = self._recipe.quantisation.start_epoch
        if state.epoch == start and not state.resumed:
            self.calibrate(model)
        self.started = state.epoch >= start
        model.set_mode(Mode.QUANTISE if self.started else Mode.FLOAT)

    def calibrate(self, model: QuantisedModel) -> None:
        """Set all thresholds to those that quantisation begins with."""
        calibrate(model, self._split, self._recipe.quantisation, self._recipe.batch_size)


def calibrate(
    model: QuantisedModel,
    split: Split,
    settings: QuantisationSettings,
    batch_size: int,
    batches: int = BATCHES,
) -> None:
    """Set the thresholds of a model to those that quantisation begins with.

    Weights get their largest magnitudes. What adders read and write gets ``adder_clip``, every
    other activation ``activation_clip``, but never more than bounds it, such as 6 after ReLU6.
    The input of the network, and what is to be ``max``, gets the moving average of the largest
    magnitudes of some batches, or its bound if it has one.

    Parameters
    ----------
    model
        The model, in the precision that it has.
    split
        Examples, of which random ones are taken without augmentation.
    settings
        The clipping bounds.
    batch_size, batches
        How many examples, at most.
    """
    device = next(model.parameters()).device
    model.observe(inputs.to(device) for inputs in _inputs(split, batch_size, batches))
    for group in model.groups:
        clip = _clip(group, model, settings)
        if clip != MAX:
            bounded = min(float(clip), float("inf") if group.bound is None else group.bound)
            model.activation_quantisers[group.name].set_threshold(bounded)
    model.initialise_weights()


def signed_input(data: DataSet, recipe: Recipe) -> bool:
    """Whether codes of the network's input need a sign.

    Parameters
    ----------
    data
        What the network reads. If pixels cannot be negative once they are normalised, the examples
        that thresholds are observed on must not be negative either.
    recipe
        Its ``quantisation.signed_input`` overrides the data.
    """
    if recipe.quantisation.signed_input is not None:
        return recipe.quantisation.signed_input
    return needs_sign(data, _inputs(data.train, recipe.batch_size, BATCHES))


def needs_sign(data: DataSet, batches: Iterable[Tensor]) -> bool:
    """Whether normalised pixels may be negative, or some inputs are."""
    return data.normalisation.signed or any(bool((inputs < 0).any()) for inputs in batches)


def _inputs(split: Split, batch_size: int, batches: int) -> Iterator[Tensor]:
    """Random examples, always the same, without augmentation."""
    order = np.random.default_rng(0).permutation(len(split))
    for inputs, _ in split.batches(slices(order, batch_size)[:batches]):
        yield inputs


def _clip(
    group: ActivationGroup, model: QuantisedModel, settings: QuantisationSettings
) -> float | str:
    adders = {t for node in model.network.adders for t in (*node.inputs, node.output)}
    if adders.intersection(group.tensors):
        return settings.adder_clip
    if set(model.network.inputs).intersection(group.tensors):
        return MAX
    return settings.activation_clip
