"""What decides which quantisers a model gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mpsolve.training.quantisers.thresholds import RELU6
from mpsolve.training.quantisers.uniform import UniformQuantiser
from mpsolve.training.wrapping.observation import GroupThreshold

if TYPE_CHECKING:
    from mpsolve.training.quantisers.quantiser import Quantiser
    from mpsolve.training.wrapping.groups import ActivationGroup, WeightedLayer


class Build(Protocol):
    """Makes the quantisers of a model: first those of all activations, then those of weights."""

    def activation(self, group: ActivationGroup) -> Quantiser:
        """The quantiser of some activations."""
        ...

    def weight(self, layer: WeightedLayer, activation: Quantiser) -> Quantiser:
        """The quantiser of the weights of a layer, given that of its input activation."""
        ...


def channels(layer: WeightedLayer, last_per_tensor: bool) -> int | None:
    """How many thresholds the weights have: one per output channel, or None for a single one."""
    return None if layer.last and last_per_tensor else len(layer.weight)


def threshold(group: ActivationGroup) -> float:
    """The threshold of activations before anything has been observed."""
    return RELU6 if group.bound is None else group.bound


def observer(group: ActivationGroup) -> GroupThreshold | None:
    """What observes the threshold of activations; nothing where their bound is known."""
    return None if group.bound is not None else GroupThreshold(group.calls)


def uniform(group: ActivationGroup, bits: int) -> UniformQuantiser:
    """A quantiser of activations whose precision nobody searches."""
    return UniformQuantiser(
        bits, group.signed, threshold=threshold(group), observer=observer(group)
    )
