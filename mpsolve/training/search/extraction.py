"""What a search has found: precisions, and what they cost."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import torch

from mpsolve.errors import InputError
from mpsolve.model.configuration import Configuration
from mpsolve.model.precision import Precision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpsolve.training.search.choice import Choice
    from mpsolve.training.search.layers import SearchedLayer


def precision(layer: SearchedLayer) -> Precision:
    """The precision that a layer would get now."""
    return Precision(layer.activation.bits(), layer.weight.bits())


def configuration(layers: Sequence[SearchedLayer]) -> Configuration:
    """The precisions that all layers would get now."""
    found = {layer.name: precision(layer) for layer in layers}
    if len(found) < len(layers):
        raise InputError("Two layers have one name; name every layer once.")
    return Configuration(found)


def relative_bops(layers: Sequence[SearchedLayer]) -> float:
    """The bit operations of that configuration, relative to 8 bits everywhere."""
    precisions = [precision(layer) for layer in layers]
    bops = sum(layer.macs * p.b_in * p.b_wt for layer, p in zip(layers, precisions, strict=True))
    return bops / (64 * sum(layer.macs for layer in layers))


def effective_bits(layers: Sequence[SearchedLayer]) -> float:
    """The one bit-width that would cost as many bit operations."""
    return 8 * sqrt(relative_bops(layers))


@torch.no_grad()
def expected_bits(layers: Sequence[SearchedLayer]) -> tuple[float, float]:
    """The expected bits of input activations and of weights, averaged over the MACs."""
    macs = sum(layer.macs for layer in layers)
    activations = sum(layer.macs * _expected(layer.activation) for layer in layers)
    weights = sum(layer.macs * _expected(layer.weight) for layer in layers)
    return activations / macs, weights / macs


def _expected(choice: Choice) -> float:
    return float(choice.mean(torch.tensor(choice.precisions, dtype=torch.float64)))
