"""What searches add to the loss of the task: the price of precision.

Every function takes the layers of a network and returns a scalar, which is multiplied by the
strength of the regulariser and added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mpsolve.errors import InputError
from mpsolve.training.search.choice import Fixed
from mpsolve.training.search.gates import Gates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mpsolve.training.search.choice import Choice
    from mpsolve.training.search.layers import SearchedLayer


def bop_regulariser(layers: Sequence[SearchedLayer]) -> Tensor:
    """The regulariser of Bayesian Bits, as Free Bits uses it (section 3.1).

    R = sum_l lambda_l (sum_j b_j prod_{i <= j} q_i), over the gates of the weights and over those
    of the input activation of every layer l, with lambda_l = MACs_l / max_k MACs_k, precisions b_j
    above the lowest, and q_i = P(z_i > 0). An activation that several layers read has the sum of
    their terms, one of fixed precision has none; where one object decides about activation and
    weights it has both terms.

    Bayesian Bits adds the term of the lowest precision, a constant.
    """
    most = _most_macs(layers)
    terms = [
        layer.macs / most * _price(choice)
        for layer in layers
        for choice in (layer.activation, layer.weight)
        if not isinstance(choice, Fixed)
    ]
    return sum(terms, torch.zeros(()))


def _price(choice: Choice) -> Tensor:
    """The precisions that the gates may reach, each weighted with the probability that they do."""
    if not isinstance(choice, Gates):
        raise InputError("The regulariser of Bayesian Bits needs gates; see expected_bops.")
    reach = choice.reach()
    return reach @ reach.new_tensor(choice.precisions[1:])


def expected_bops(layers: Sequence[SearchedLayer]) -> Tensor:
    """The expected bit operations, activation and weights taken together.

    sum_l lambda_l sum_ij P(a_l = i) P(w_l = j) i j, with lambda_l = MACs_l / max_k MACs_k. It
    differs from `bop_regulariser` in that the price of bits depends on those of the other operand.
    """
    return _bops(layers, _most_macs(layers))


def edmips_cost(layers: Sequence[SearchedLayer]) -> Tensor:
    """The cost of EdMIPS: `expected_bops`, relative to the first searched layer."""
    for layer in layers:
        if not (isinstance(layer.activation, Fixed) and isinstance(layer.weight, Fixed)):
            return _bops(layers, layer.macs)
    raise InputError("No layer is searched, so that there is no first one.")


def expected_latency(layers: Sequence[SearchedLayer]) -> Tensor:
    """The expected latency above the least.

    sum_l sum_ij P(a_l = i) P(w_l = j) (latency_ij - min latency_l) / max latency, the maximum
    being that of all layers. Latencies need not increase with precision, and the regulariser
    follows them where they do not. It comes from the code behind Free Bits, not from the paper.

    Raises
    ------
    InputError
        If a layer has no latencies.
    """
    tables = []
    for layer in _checked(layers):
        if not isinstance(layer.latencies, torch.Tensor):
            raise InputError(f"Layer {layer.name} has no latencies.")
        tables.append(layer.latencies)
    most = max(float(table.max()) for table in tables)
    terms = [
        layer.mean((table - table.min()) / most)
        for layer, table in zip(layers, tables, strict=True)
    ]
    return sum(terms, torch.zeros(()))


def _bops(layers: Sequence[SearchedLayer], reference: float) -> Tensor:
    terms = [layer.macs / reference * layer.mean(layer.bit_operations()) for layer in layers]
    return sum(terms, torch.zeros(()))


def _most_macs(layers: Sequence[SearchedLayer]) -> float:
    return max(layer.macs for layer in _checked(layers))


def _checked(layers: Sequence[SearchedLayer]) -> Sequence[SearchedLayer]:
    if not layers:
        raise InputError("A regulariser needs at least one layer.")
    return layers
