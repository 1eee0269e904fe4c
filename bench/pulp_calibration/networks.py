"""The layers of the two networks of Free Bits, and which of them read an 8-bit tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.profiles.networks import named_network
from mpsolve.profiles.networks.tensor_groups import least_bits

if TYPE_CHECKING:
    from mpsolve.profiles.networks import LayerType


@dataclass(frozen=True, slots=True)
class ProfiledLayer:
    """One layer as Free Bits profiles it.

    Attributes
    ----------
    layer_type
        Its layer type.
    eight_bits
        Whether its input always has 8 bits: the image, or a tensor that enters or leaves an adder.
    """

    layer_type: LayerType
    eight_bits: bool = False


def profiled_layers(name: str) -> tuple[ProfiledLayer, ...]:
    """The layers of a network that is known by name."""
    network = named_network(name)
    least = least_bits(network)
    return tuple(
        ProfiledLayer(layer.layer_types[0], least[layer.name] == 8) for layer in network.layers
    )
