"""A differentiable search, from a float model to a configuration (Free Bits, section 3.1)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Unpack, cast

import torch

from mpsolve.errors import InputError
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.training.calibration import StartQuantisation, signed_input
from mpsolve.training.callbacks import Callback
from mpsolve.training.evaluate import recalibrate
from mpsolve.training.experiment import Experiment
from mpsolve.training.options import METHODS, SearchKeywords, SearchOptions
from mpsolve.training.parameters import parameter_groups
from mpsolve.training.recipes import chosen_recipe
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

    from torch import Tensor, nn

    from mpsolve.model.configuration import Configuration
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.training.callbacks import TrainingState
    from mpsolve.training.data import DataSet
    from mpsolve.training.folder import RunFolder
    from mpsolve.training.options import Decomposition, Method, Regulariser
    from mpsolve.training.outcome import Trained
    from mpsolve.training.recipes import Recipe
    from mpsolve.training.wrapping.build import Build
    from mpsolve.training.wrapping.quantised_model import QuantisedModel

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
    **options: Unpack[SearchKeywords],
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
    options
        See `mpsolve.training.options.SearchOptions`. The folder also gets the configuration of the
        latest epoch.

    Raises
    ------
    InputError
        If these do not fit together.
    """
    asked = SearchOptions(**options)
    if method not in METHODS:
        raise InputError(f"There is no search {method!r}; there are {', '.join(METHODS)}.")
    recipe = chosen_recipe(recipe, METHODS[method], seed=asked.seed, purpose=method)
    if method == "edmips" and (asked.locked or asked.decomposition != "difference"):
        raise InputError("EdMIPS has no gates that could be locked or decomposed.")
    locked = _locked(recipe) if asked.locked is None else asked.locked
    strength = recipe.strengths[0] if strength is None else float(strength)
    if not 0 <= strength < float("inf"):
        raise InputError(f"A strength is a number from 0 on, not {strength}.")
    price, table = _price(method, asked.regulariser, asked.table), asked.table
    build, signed = _build(recipe, locked, asked.decomposition), signed_input(data, recipe)
    example = torch.zeros(2, *data.input_shape)
    quantised = quantise_model(
        model, (example,), build, asked.rules, name=asked.name, signed_input=signed
    )
    layers = quantised.layers(latencies_of(quantised.layers(), table) if table else None)
    settings = {
        "method": method,
        "strength": strength,
        "locked": locked,
        "decomposition": asked.decomposition,
        "regulariser": asked.regulariser,
        "table": table.source if table else None,
        "rules": asdict(asked.rules or Rules()),
        "signed_input": signed,
    }
    experiment = Experiment.begin("search", model, data, recipe, asked, settings)
    start = StartQuantisation(data.train, recipe)

    def extra_loss(_: nn.Module) -> Tensor:
        if not start.started:
            return torch.zeros(())
        return strength * price(layers)

    group = "gates" if method == "bayesian-bits" else "alphas"
    trained = experiment.train(
        quantised,
        groups={group: parameter_groups(quantised).gates},
        extra_loss=extra_loss,
        callbacks=[start, TellPrecisions(experiment.place)],
    )
    accuracy = None
    if not trained.interrupted:
        size = min(recipe.batch_size, len(data.train))
        recalibrate(quantised, data.train, batch_size=size, batches=RECALIBRATION)
        accuracy = experiment.finish(quantised, data.validation)
    found = extraction.configuration(layers)
    if experiment.place:
        experiment.place.write_configuration(found)
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
