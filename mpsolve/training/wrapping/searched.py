"""Models whose precision is searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.training.search.bayesian_bits import BayesianBitsQuantiser
from mpsolve.training.search.choice import Fixed
from mpsolve.training.search.edmips import EdmipsQuantiser, Mixture
from mpsolve.training.search.gates import Gates
from mpsolve.training.wrapping.build import channels, observer, threshold, uniform

if TYPE_CHECKING:
    from mpsolve.training.options import Decomposition
    from mpsolve.training.quantisers.quantiser import Quantiser
    from mpsolve.training.search.choice import Choice
    from mpsolve.training.search.gates import HardConcrete
    from mpsolve.training.wrapping.groups import ActivationGroup, WeightedLayer


@dataclass(frozen=True)
class BayesianBits:
    """`BayesianBitsQuantiser` wherever there is a choice.

    Activations that may have one of the precisions only, such as those of adders, have a plain
    quantiser.

    Attributes
    ----------
    locked
        Let the same gates decide about an activation and the weights of all layers that read it
        (Free Bits, section 3.1). Where the activation has no choice, the weights have gates of
        their own.
    decomposition
        As in `BayesianBitsQuantiser`.
    precisions, initial, law
        As in `Gates`.
    last_per_tensor
        Give the weights of the last layer a single threshold.
    """

    locked: bool = False
    decomposition: Decomposition = "difference"
    precisions: tuple[int, ...] = (2, 4, 8)
    initial: float = 2.0
    law: HardConcrete | None = None
    last_per_tensor: bool = False

    def activation(self, group: ActivationGroup) -> Quantiser:
        """A constant threshold, one draw per element of the batch."""
        allowed = group.among(self.precisions)
        if len(allowed) == 1:
            return uniform(group, allowed[0])
        return BayesianBitsQuantiser.for_activations(
            Gates(allowed, initial=self.initial, law=self.law),
            group.signed,
            threshold=threshold(group),
            decomposition=self.decomposition,
            observer=observer(group),
        )

    def weight(self, layer: WeightedLayer, activation: Quantiser) -> Quantiser:
        """A threshold that follows the weights, one draw per tensor."""
        shared = choice(activation) if self.locked else None
        gates = (
            shared
            if isinstance(shared, Gates)
            else Gates(self.precisions, initial=self.initial, law=self.law)
        )
        count = channels(layer, self.last_per_tensor)
        return BayesianBitsQuantiser.for_weights(gates, count, decomposition=self.decomposition)


@dataclass(frozen=True)
class Edmips:
    """`EdmipsQuantiser` wherever there is a choice.

    Attributes
    ----------
    precisions, initial
        As in `Mixture`.
    last_per_tensor
        Give the weights of the last layer a single threshold.
    """

    precisions: tuple[int, ...] = (2, 4, 8)
    initial: float = 0.01
    last_per_tensor: bool = False

    def activation(self, group: ActivationGroup) -> Quantiser:
        """A constant threshold."""
        allowed = group.among(self.precisions)
        if len(allowed) == 1:
            return uniform(group, allowed[0])
        mixture = Mixture(allowed, initial=self.initial)
        start = threshold(group)
        return EdmipsQuantiser(mixture, group.signed, threshold=start, observer=observer(group))

    def weight(self, layer: WeightedLayer, activation: Quantiser) -> Quantiser:
        """A threshold that follows the weights."""
        mixture = Mixture(self.precisions, initial=self.initial)
        return EdmipsQuantiser(mixture, True, channels=channels(layer, self.last_per_tensor))


def choice(quantiser: Quantiser) -> Choice:
    """What decides about the precision of a quantiser."""
    if isinstance(quantiser, BayesianBitsQuantiser):
        return quantiser.gates
    if isinstance(quantiser, EdmipsQuantiser):
        return quantiser.mixture
    return Fixed(quantiser.grid.bits)
