"""Which parameters an optimiser should treat alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.training.quantisers.tqt import TqtQuantiser
from mpsolve.training.search.edmips import Mixture
from mpsolve.training.search.gates import Gates

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class ParameterGroups:
    """The parameters of a model, each once, however many modules share it.

    Attributes
    ----------
    network
        Weights, biases and batch normalisation.
    thresholds
        Logarithms of thresholds: without weight decay, which would pull thresholds to 1.
    gates
        Parameters of gates and mixtures: without weight decay, which would pull them to their
        least certain state.
    """

    network: tuple[nn.Parameter, ...]
    thresholds: tuple[nn.Parameter, ...]
    gates: tuple[nn.Parameter, ...]


def parameter_groups(model: nn.Module) -> ParameterGroups:
    """Sort the parameters of a model by what they mean.

    Examples
    --------
    >>> from torch import nn
    >>> groups = parameter_groups(nn.Sequential(nn.Linear(2, 2), TqtQuantiser(8, signed=False)))
    >>> len(groups.network), len(groups.thresholds), len(groups.gates)
    (2, 1, 0)
    """
    thresholds: dict[int, nn.Parameter] = {}
    gates: dict[int, nn.Parameter] = {}
    for module in model.modules():
        if isinstance(module, TqtQuantiser):
            thresholds[id(module.log2_threshold)] = module.log2_threshold
        elif isinstance(module, Gates):
            gates[id(module.phi)] = module.phi
        elif isinstance(module, Mixture):
            gates[id(module.alpha)] = module.alpha
    others = [p for p in model.parameters() if id(p) not in thresholds and id(p) not in gates]
    return ParameterGroups(tuple(others), tuple(thresholds.values()), tuple(gates.values()))
