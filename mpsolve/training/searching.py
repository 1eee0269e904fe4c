"""A differentiable search, from a float model to a configuration (Free Bits, section 3.1)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import torch

from mpsolve.errors import InputError
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.training.calibration import StartQuantisation, signed_input
from mpsolve.training.callbacks import Callback
from mpsolve.training.distributed import this_process
from mpsolve.training.evaluate import evaluate, recalibrate
from mpsolve.training.folder import fingerprint, open_folder, recipe_settings
from mpsolve.training.loop import train
from mpsolve.training.outcome import Stop
from mpsolve.training.parameters import parameter_groups
from mpsolve.training.recipes import load_recipe
from mpsolve.training.search import extraction
from mpsolve.training.search.gates import HardConcrete
from mpsolve.training.search.latencies import latencies_of
from mpsolve.training.search.regularisers import (
    bop_regulariser,
    edmips_cost,
    expected_bops,
    expected_latency,
)
from mpsolve.training.wrapping.searched import BayesianBits, Edmips
from mpsolve.training.wrapping.wrap import quantise_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike

    from torch import Tensor, nn

    from mpsolve.model.configuration import Configuration
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.training.callbacks import TrainingProgress, TrainingState
    from mpsolve.training.data import DataSet
    from mpsolve.training.folder import RunFolder
    from mpsolve.training.outcome import Trained
    from mpsolve.training.recipes import Recipe
    from mpsolve.training.search.bayesian_bits import Decomposition
    from mpsolve.training.wrapping.build import Build
    from mpsolve.training.wrapping.quantised_model import QuantisedModel

Method: TypeAlias = Literal["bayesian-bits", "edmips"]
Regulariser: TypeAlias = Literal["bop", "joint", "latency"]

METHODS = {"bayesian-bits": "bayesian_bits", "edmips": "edmips"}
#: Batches that the statistics of batch normalisation are measured on in the end, at most.
RECALIBRATION = 256
#: What a strength is multiplied with; ``bop`` is that of the paper of each method.
REGULARISERS = {"joint": expected_bops, "latency": expected_latency}
_BOP = {"bayesian-bits": bop_regulariser, "edmips": edmips_cost}


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What a search has found.

    Attributes
    ----------
    configuration
        The precision of every layer; the present one if the search was interrupted.
    relative_bops
        Its bit operations, relative to 8 bits everywhere.
    effective_bits
        The one bit-width that would cost as many.
    accuracy
        On the validation split, in that configuration and with statistics of batch normalisation
        that were measured in it; None if the search was interrupted.
    trained
        How training went.
    model
        The model that was searched.
    """

    configuration: Configuration
    relative_bops: float
    effective_bits: float
    accuracy: float | None
    trained: Trained
    model: QuantisedModel

    @property
    def history(self) -> tuple[Mapping[str, float], ...]:
        """What was recorded of every epoch, under stochastic gates."""
        return self.trained.history


def search_precisions(
    model: nn.Module,
    data: DataSet,
    method: Method = "bayesian-bits",
    strength: float | None = None,
    *,
    recipe: Recipe | str,
    locked: bool | None = None,
    decomposition: Decomposition = "difference",
    regulariser: Regulariser = "bop",
    table: LatencyTable | None = None,
    rules: Rules | None = None,
    folder: str | PathLike[str] | None = None,
    seed: int | None = None,
    name: str = "",
    progress: Callable[[TrainingProgress], None] | None = None,
    checkpoint_batches: int | None = None,
    device: str = "auto",
    workers: int = 0,
) -> SearchResult:
    """Search the precision of every layer while the model trains.

    Parameters
    ----------
    model
        The trained float model, which is left as it is.
    data
        The data set.
    method
        Stochastic gates (Bayesian Bits) or mixtures (EdMIPS).
    strength
        The weight of the regulariser; by default the first of the recipe.
    recipe
        How to train, or the name or file of a recipe.
    locked
        Let a layer and its input share gates; by default as the recipe says.
    decomposition
        As in `BayesianBitsQuantiser`.
    regulariser
        ``bop`` is that of the method's paper, ``joint`` `expected_bops`, and ``latency``
        `expected_latency`, which needs a table.
    table
        Latencies of every layer in every precision.
    rules
        What to ask of activations.
    folder
        Where to keep the run: its settings, checkpoint and metrics, and the configuration of the
        latest epoch. If there is a run with the same settings, it goes on.
    seed
        Of everything random, instead of the recipe's.
    name
        How the model is called in the records.
    progress, checkpoint_batches, device, workers
        As in `train`.

    Raises
    ------
    InputError
        If these do not fit together.
    """
    recipe = load_recipe(recipe) if isinstance(recipe, str) else recipe
    recipe = recipe if seed is None else replace(recipe, seed=seed)
    if method not in METHODS:
        raise InputError(f"There is no search {method!r}; there are {', '.join(METHODS)}.")
    if recipe.algorithm != METHODS[method]:
        raise InputError(f"{recipe.name} is a recipe for {recipe.algorithm}, not for {method}.")
    if method == "edmips" and (locked or decomposition != "difference"):
        raise InputError("EdMIPS has no gates that could be locked or decomposed.")
    locked = _locked(recipe) if locked is None else locked
    strength = recipe.strengths[0] if strength is None else float(strength)
    if not 0 <= strength < float("inf"):
        raise InputError(f"A strength is a number from 0 on, not {strength}.")
    price = _price(method, regulariser, table)
    build, signed = _build(recipe, locked, decomposition), signed_input(data, recipe)
    quantised = quantise_model(
        model, (_example(data),), build, rules, name=name, signed_input=signed
    )
    layers = quantised.layers(latencies_of(quantised.layers(), table) if table else None)
    settings = {
        "command": "search",
        "model": name or type(model).__name__,
        "initial_weights": fingerprint(model),
        "data": data.name,
        "method": method,
        "strength": strength,
        "locked": locked,
        "decomposition": decomposition,
        "regulariser": regulariser,
        "table": table.source if table else None,
        "rules": asdict(rules or Rules()),
        "signed_input": signed,
        "recipe": recipe_settings(recipe),
    }
    place = folder and open_folder(folder, settings, first=this_process(device).first)
    start = StartQuantisation(data.train, recipe)

    def extra_loss(_: nn.Module) -> Tensor:
        if not start.started:
            return torch.zeros(())
        return strength * price(layers)

    group = "gates" if method == "bayesian-bits" else "alphas"
    trained = train(
        quantised,
        data,
        recipe,
        groups={group: parameter_groups(quantised).gates},
        extra_loss=extra_loss,
        callbacks=[start, TellPrecisions(place or None)],
        checkpoint=place.checkpoint if place else None,
        checkpoint_batches=checkpoint_batches,
        recorders=[place.recorder] if place else (),
        progress=progress,
        device=device,
        workers=workers,
    )
    accuracy = None
    if trained.stopped is not Stop.INTERRUPTED:
        size = min(recipe.batch_size, len(data.train))
        recalibrate(quantised, data.train, batch_size=size, batches=RECALIBRATION)
        accuracy = evaluate(quantised, data.validation, batch_size=recipe.batch_size).accuracy
    found = extraction.configuration(layers)
    if place:
        place.write_configuration(found)
        if accuracy is not None:
            place.write_weights(quantised)
    return SearchResult(
        found,
        extraction.relative_bops(layers),
        extraction.effective_bits(layers),
        accuracy,
        trained,
        quantised,
    )


class TellPrecisions(Callback):
    """Adds to the figures of every epoch what the configuration costs, and writes it."""

    def __init__(self, folder: RunFolder | None) -> None:
        self._folder = folder

    def end_of_epoch(self, state: TrainingState) -> None:
        """See `TellPrecisions`."""
        layers = cast("QuantisedModel", state.model).layers()
        activations, weights = extraction.expected_bits(layers)
        state.figures["relative_bops"] = extraction.relative_bops(layers)
        state.figures["effective_bits"] = extraction.effective_bits(layers)
        state.figures["expected_bits.activations"] = activations
        state.figures["expected_bits.weights"] = weights
        if self._folder:
            self._folder.write_configuration(extraction.configuration(layers))


def _example(data: DataSet) -> Tensor:
    return torch.zeros(2, *data.input_shape)


def _price(
    method: Method, regulariser: Regulariser, table: LatencyTable | None
) -> Callable[..., Tensor]:
    if regulariser == "bop":
        chosen = _BOP[method]
    elif regulariser in REGULARISERS:
        chosen = REGULARISERS[regulariser]
    else:
        raise InputError(f"There is no regulariser {regulariser!r}; there are bop, joint, latency.")
    if (regulariser == "latency") != (table is not None):
        raise InputError("The regulariser latency needs a latency table, and no other takes one.")
    return chosen


def _build(recipe: Recipe, locked: bool, decomposition: Decomposition) -> Build:
    if recipe.edmips:
        return Edmips(initial=recipe.edmips.initial_alpha)
    settings = recipe.bayesian_bits
    assert settings  # a recipe for bayesian_bits has them
    law = HardConcrete(temperature=settings.temperature)
    return BayesianBits(locked, decomposition, initial=settings.gate_init, law=law)


def _locked(recipe: Recipe) -> bool:
    return recipe.bayesian_bits is not None and recipe.bayesian_bits.locked
