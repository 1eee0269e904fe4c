"""Models in a precision that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.model.precision import Precision
from mpsolve.training.quantisers.tqt import TqtQuantiser
from mpsolve.training.quantisers.uniform import UniformQuantiser
from mpsolve.training.wrapping.build import channels, observer, threshold, uniform
from mpsolve.training.wrapping.groups import whole_bits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.training.quantisers.quantiser import Quantiser
    from mpsolve.training.wrapping.groups import ActivationGroup, WeightedLayer

EIGHT = Precision(8, 8)


@dataclass(frozen=True)
class FixedPrecision:
    """`UniformQuantiser` everywhere: the thresholds of weights are their largest magnitudes.

    Those of activations are 6 after ReLU6 and are otherwise to be observed; until then they are 6
    as well.

    Attributes
    ----------
    configuration
        The precision of every layer; None for 8 bits everywhere.
    last_per_tensor
        Give the weights of the last layer a single threshold.
    """

    configuration: Mapping[str, Precision] | None = None
    last_per_tensor: bool = False

    def activation(self, group: ActivationGroup) -> Quantiser:
        """A constant threshold."""
        return uniform(group, group_bits(group, self.configuration))

    def weight(self, layer: WeightedLayer, activation: Quantiser) -> Quantiser:
        """A threshold that follows the weights."""
        count = channels(layer, self.last_per_tensor)
        return UniformQuantiser(layer_bits(layer.name, self.configuration), True, channels=count)


@dataclass(frozen=True)
class Tqt:
    """`TqtQuantiser` everywhere: thresholds are learned, from the values of `FixedPrecision` on.

    Attributes
    ----------
    configuration, last_per_tensor
        As in `FixedPrecision`.
    power_of_two, normed
        As in `TqtQuantiser`.
    """

    configuration: Mapping[str, Precision] | None = None
    last_per_tensor: bool = False
    power_of_two: bool = False
    normed: bool = False

    def activation(self, group: ActivationGroup) -> Quantiser:
        """A learned threshold, one for all that adders link."""
        return TqtQuantiser(
            group_bits(group, self.configuration),
            group.signed,
            threshold=threshold(group),
            power_of_two=self.power_of_two,
            normed=self.normed,
            observer=observer(group),
        )

    def weight(self, layer: WeightedLayer, activation: Quantiser) -> Quantiser:
        """Learned thresholds."""
        quantiser = TqtQuantiser(
            layer_bits(layer.name, self.configuration),
            True,
            channels=channels(layer, self.last_per_tensor),
            power_of_two=self.power_of_two,
            normed=self.normed,
        )
        quantiser.initialise(layer.weight)
        return quantiser


def group_bits(group: ActivationGroup, configuration: Mapping[str, Precision] | None) -> int:
    """The bit-width of activations; 8 without a configuration, if that is allowed."""
    for layer in group.layers:
        _precision(layer, configuration)
    if configuration is None:
        return max(8, group.least)
    return group.bits(configuration)


def layer_bits(layer: str, configuration: Mapping[str, Precision] | None) -> int:
    """The bit-width of the weights of a layer; 8 without a configuration."""
    return whole_bits(_precision(layer, configuration).b_wt, f"Layer {layer}: b_wt")


def _precision(layer: str, configuration: Mapping[str, Precision] | None) -> Precision:
    if configuration is None:
        return EIGHT
    if layer not in configuration:
        raise InputError(f"The configuration says nothing about layer {layer}.")
    return configuration[layer]
