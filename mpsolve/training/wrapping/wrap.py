"""Quantise a model without rewriting it."""

from __future__ import annotations

import copy
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from torch import nn

from mpsolve.errors import InputError
from mpsolve.profiles.networks.readers.torch_program import from_torch
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.training.wrapping.groups import WeightedLayer
from mpsolve.training.wrapping.insertion import HOME, insert, insert_weights, place
from mpsolve.training.wrapping.quantised_model import QuantisedModel, key
from mpsolve.training.wrapping.tracing import shapes, trace
from mpsolve.training.wrapping.values import Values, parameter_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpsolve.training.wrapping.build import Build


def quantise_model(
    model: nn.Module,
    example_inputs: Sequence[Any],
    build: Build,
    rules: Rules | None = None,
    *,
    name: str = "",
    signed_input: bool = True,
) -> QuantisedModel:
    """A copy of a model with quantisers in it.

    Every layer has a quantiser of its weights, which are quantised as they are, with batch
    normalisation left alone. Activations are quantised where they are computed, after batch
    normalisation and activation; those of one `ActivationGroup` have one quantiser. What nobody
    reads as a layer or an adder stays a float. Maxima, reshapes and concatenations hand quantised
    values on; means are computed in float and quantised again by the quantiser of their input.

    Parameters
    ----------
    model
        The model, which is left as it is.
    example_inputs
        Its arguments; their first axes are the batch.
    build
        Which quantisers: `FixedPrecision`, `Tqt`, `BayesianBits`, `Edmips` or one's own.
    rules
        What to ask of activations; ``share_inputs`` must be set.
    name
        Name of the network, by default that of the class.
    signed_input
        Whether what the model reads may be negative; without a sign, 8 bits have 256 codes for it
        instead of 128.

    Raises
    ------
    InputError
        If torch.fx cannot trace the model, or torch.export not export it, or both see different
        layers.
    """
    network = from_torch(model, example_inputs, name=name)
    program = trace(copy.deepcopy(model))
    if hasattr(program, HOME):
        raise InputError(f"{network.name} has a module called {HOME}; give it another name.")
    values = Values(program, *shapes(program, tuple(example_inputs)), signed_input)
    placement = place(network, values, rules or Rules())
    quantisers = nn.ModuleDict()
    program.add_module(HOME, quantisers)
    for group in placement.groups:
        quantisers[key("activations", group.name)] = build.activation(group)
    group_of = {layer: group for group in placement.groups for layer in group.layers}
    weights = {layer: parameter_of(calls[0]) for layer, calls in placement.calls.items()}
    last = network.layers[-1].name
    for layer, calls in placement.calls.items():
        group = group_of[layer]
        weight = attrgetter(weights[layer])(program)
        described = WeightedLayer(layer, weight, group, layer == last)
        activation = quantisers[key("activations", group.name)]
        quantisers[key("weights", layer)] = build.weight(described, activation)  # type: ignore[arg-type]
    insert(values, placement, {g.name: _at("activations", g.name) for g in placement.groups})
    insert_weights(values, placement, {layer: _at("weights", layer) for layer in placement.calls})
    program.graph.lint()
    program.recompile()
    quantisers.to(next(program.parameters()).device).train(model.training)
    return QuantisedModel(program, network, placement.groups, weights)


def _at(operand: str, name: str) -> str:
    return f"{HOME}.{key(operand, name)}"
