"""Which activation tensors share a bit-width, and which keep at least eight bits.

The graph of a network restricts its precisions (Free Bits, sections 3.1 and 4.1; HAQ for
microcontrollers, section 3.3): layers that read the same tensor share b_in, the inputs and the
output of an adder keep eight bits with equal step size, and so does the input of the network.
Where a target offers 2, 4 and 8 bits, at least eight means exactly eight; 16 and 32 bits of a
target with floats pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.storage.components import components

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.network import Network

#: Operators whose output has the values, and so the bit-width, of their inputs.
VALUE_PRESERVING = ("pool", "reshape", "concat")
#: The bit-width of tensors that no layer reads, unless a rule asks for more: nobody chooses it.
DEFAULT_BITS = 8


@dataclass(frozen=True, slots=True)
class Rules:
    """What the graph asks of activations; each rule may be overridden.

    Attributes
    ----------
    input_bits
        Least bits of the network's inputs; None lets their readers choose.
    adder_bits
        Least bits of what adders read and write; None lets their readers choose.
    share_inputs
        Whether layers that read the same tensor share b_in. Otherwise the tensor is stored in
        the largest b_in of its readers, and each of them converts it.
    """

    input_bits: float | None = 8
    adder_bits: float | None = 8
    share_inputs: bool = True


@dataclass(frozen=True, slots=True)
class TensorGroup:
    """Activation tensors that have one bit-width.

    Attributes
    ----------
    tensors
        Their names, in network order.
    layers
        Names of the layers that read one of them, in network order: b_in of each is the
        bit-width (the largest b_in, where inputs are not shared). Without any, nobody chooses
        the bit-width, and it is ``least``.
    least
        The fewest bits that the tensors may have; 0 without such a rule, and `DEFAULT_BITS` if
        no layer reads them either.
    """

    tensors: tuple[str, ...]
    layers: tuple[str, ...]
    least: float


def tensor_groups(network: Network, rules: Rules | None = None) -> tuple[TensorGroup, ...]:
    """Partition the tensors of a network into groups of equal bit-width.

    `VALUE_PRESERVING` operators join what they read and write. If layers that read the same
    tensor share b_in, so do all tensors that one layer reads, as the calls of a shared layer do.
    Other operators write new values, whose bit-width has nothing to do with that of their inputs.

    Parameters
    ----------
    network
        The network.
    rules
        What to ask of activations; by default all of `Rules`.

    Returns
    -------
    The groups in the order of their first tensors: the inputs of the network, then the tensors
    that its nodes write. With ``share_inputs`` every layer reads from exactly one group.
    """
    rules = rules or Rules()
    tensors = (*network.inputs, *(node.output for node in network.nodes))
    readers = {
        layer.name: tuple(dict.fromkeys(node.inputs[0] for node in layer.nodes))
        for layer in network.layers
    }
    joined = [
        (*node.inputs, node.output)
        for node in network.nodes
        if node.operator in VALUE_PRESERVING and node.layer_type is None
    ]
    if rules.share_inputs:
        joined += readers.values()
    least = _least(network, rules)
    layers_of: dict[str, list[str]] = {}
    for layer, inputs in readers.items():
        for tensor in inputs:
            layers_of.setdefault(tensor, []).append(layer)
    order = {layer: position for position, layer in enumerate(readers)}
    return tuple(
        _group(members, layers_of, least, order) for members in components(tensors, joined)
    )


def _group(
    members: tuple[str, ...],
    layers_of: dict[str, list[str]],
    least: dict[str, float],
    order: dict[str, int],
) -> TensorGroup:
    layers = {layer for tensor in members for layer in layers_of.get(tensor, ())}
    bits = max(least.get(tensor, 0) for tensor in members)
    unread = DEFAULT_BITS if not layers else 0
    return TensorGroup(members, tuple(sorted(layers, key=order.__getitem__)), bits or unread)


def _least(network: Network, rules: Rules) -> dict[str, float]:
    """Tensor -> the most bits that a rule asks of it."""
    least: dict[str, float] = {}
    for tensor in network.inputs:
        least[tensor] = rules.input_bits or 0
    for node in network.adders:
        for tensor in (*node.inputs, node.output):
            least[tensor] = max(least.get(tensor, 0), rules.adder_bits or 0)
    return least


def input_labels(network: Network, rules: Rules | None = None) -> dict[str, str]:
    """Layer -> a label that it has in common with the layers that must share its b_in.

    The label is the name of the first tensor of their group, and empty for a layer that shares
    b_in with no other.
    """
    labels = dict.fromkeys((layer.name for layer in network.layers), "")
    if (rules or Rules()).share_inputs:
        for group in tensor_groups(network, rules):
            if len(group.layers) > 1:
                labels.update(dict.fromkeys(group.layers, group.tensors[0]))
    return labels


def least_bits(network: Network, rules: Rules | None = None) -> dict[str, float]:
    """Layer -> the fewest bits that its b_in may have; 0 where no rule asks for any."""
    least: dict[str, float] = dict.fromkeys((layer.name for layer in network.layers), 0)
    for group in tensor_groups(network, rules):
        for layer in group.layers:
            least[layer] = max(least[layer], group.least)
    return least


def tensor_bits(
    network: Network, configuration: Mapping[str, Precision], rules: Rules | None = None
) -> dict[str, float]:
    """Tensor -> the bit-width in which a configuration stores it.

    Raises
    ------
    InputError
        If the configuration lacks a layer of the network; the message names it.
    """
    bits: dict[str, float] = {}
    for group in tensor_groups(network, rules):
        for layer in group.layers:
            if layer not in configuration:
                raise InputError(
                    f"The configuration says nothing about layer {layer} of {network.name}."
                )
        width = max([group.least, *(configuration[layer].b_in for layer in group.layers)])
        bits.update(dict.fromkeys(group.tensors, width))
    return bits
