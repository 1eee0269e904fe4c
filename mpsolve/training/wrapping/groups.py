"""Which activations of a network share one quantiser."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.profiles.networks.tensor_groups import VALUE_PRESERVING, TensorGroup, tensor_groups

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.networks.tensor_groups import Rules


@dataclass(frozen=True, slots=True)
class ActivationGroup:
    """Activations with one bit-width and one step size, thus with one quantiser.

    Attributes
    ----------
    name
        That of the first tensor.
    tensors
        Names of the tensors of the network, in its order, that a layer or an adder reads, at once
        or after pools, reshapes and concatenations.
    layers
        Names of the layers that read one of them, in network order; b_in of each is the bit-width.
    least
        The fewest bits that they may have.
    signed
        Whether one of them may be negative.
    bound
        The largest value of all of them, such as 6 after ReLU6; None where nothing bounds them.
    calls
        How many times the quantiser is called in one inference.
    """

    name: str
    tensors: tuple[str, ...]
    layers: tuple[str, ...]
    least: int
    signed: bool = True
    bound: float | None = None
    calls: int = 1

    def bits(self, configuration: Mapping[str, Precision]) -> int:
        """The bit-width in a configuration.

        Raises
        ------
        InputError
            If its layers disagree, or if it has fewer bits than the group may have.
        """
        asked = {layer: configuration[layer].b_in for layer in self.layers}
        if not asked:
            return self.least
        first, bits = next(iter(asked.items()))
        for layer, other in asked.items():
            if other != bits:
                raise InputError(
                    f"Layers {first} and {layer} read activations of one quantiser, {self.name}, "
                    f"so that b_in cannot be {bits} in one and {other} in the other; give them "
                    "the same."
                )
        if bits < self.least:
            raise InputError(
                f"Layer {first} reads {self.name}, which has at least {self.least} bits, "
                f"so that its b_in cannot be {bits}; raise it, or lower --adder-bits or "
                "--input-bits (Rules)."
            )
        return whole_bits(bits, f"Layer {first}: b_in")

    def among(self, precisions: tuple[int, ...]) -> tuple[int, ...]:
        """The precisions that the group may have; the fewest bits allowed if all have fewer."""
        return tuple(bits for bits in precisions if bits >= self.least) or (self.least,)


@dataclass(frozen=True, eq=False)
class WeightedLayer:
    """A layer whose weights are quantised.

    Attributes
    ----------
    name
        Its name in the network.
    weight
        ``(C_out, ...)`` weights in float.
    group
        The activations that it reads.
    last
        Whether it is the last layer of the network.
    """

    name: str
    weight: nn.Parameter
    group: ActivationGroup
    last: bool


def whole_bits(bits: float, what: str) -> int:
    """A bit-width of an integer grid."""
    if bits != int(bits):
        raise InputError(f"{what} must be a whole number of bits, not {bits}.")
    return int(bits)


def activation_groups(network: Network, rules: Rules) -> tuple[ActivationGroup, ...]:
    """The tensor groups that somebody reads, those of an adder joined to share a step size.

    Adders are free to rescale what they read, and join nothing, where ``rules.adder_bits`` is
    None. Tensors that reach no layer and no adder, such as the outputs of the network, are in no
    group: they stay floats.

    Raises
    ------
    InputError
        If layers that read the same tensor may have different b_in.
    """
    if not rules.share_inputs:
        raise InputError(
            "A tensor has one quantiser, so that its readers share b_in: set share_inputs."
        )
    groups = list(tensor_groups(network, rules))
    if rules.adder_bits is not None:
        for adder in network.adders:
            groups = _joined(groups, {*adder.inputs, adder.output})
    read = _read(network)
    tensors = [*network.inputs, *(node.output for node in network.nodes)]
    found = []
    for group in groups:
        members = tuple(tensor for tensor in tensors if tensor in read.intersection(group.tensors))
        layers = tuple(layer.name for layer in network.layers if layer.name in group.layers)
        if members:
            found.append(ActivationGroup(members[0], members, layers, ceil(group.least)))
    return tuple(sorted(found, key=lambda group: tensors.index(group.name)))


def _joined(groups: list[TensorGroup], tensors: set[str]) -> list[TensorGroup]:
    """The groups that have one of the tensors as one group."""
    some = [group for group in groups if tensors.intersection(group.tensors)]
    joined = TensorGroup(
        tuple(tensor for group in some for tensor in group.tensors),
        tuple(dict.fromkeys(layer for group in some for layer in group.layers)),
        max(group.least for group in some),
    )
    return [joined, *(group for group in groups if group not in some)]


def _read(network: Network) -> set[str]:
    """The tensors that a layer or an adder reads, at once or after their values were handed on."""
    read: set[str] = set()
    for node in reversed(network.nodes):
        handed_on = node.operator in VALUE_PRESERVING and node.output in read
        if node.layer_type is not None or node.operator == "add" or handed_on:
            read.update(node.inputs)
    return read


def described(
    group: ActivationGroup, signed: bool, bound: float | None, calls: int
) -> ActivationGroup:
    """A group with what the graph of the model tells about its values."""
    return replace(group, signed=signed, bound=None if signed else bound, calls=calls)
