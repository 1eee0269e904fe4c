"""Which activation tensors are in memory while each node runs (M2 of HAQ for microcontrollers).

Beside what a node reads and writes, memory holds every tensor that a later node still needs, such
as the input of a residual branch (HAQ for microcontrollers, section 3.1). A reshape copies
nothing: its output is another name of its input. The network's outputs stay until the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mpsolve.profiles.networks.network import Network, Node

#: Operators that may write their output over an input, element by element.
IN_PLACE = ("add", "mul")


@dataclass(frozen=True, slots=True)
class Moment:
    """What is in memory at one moment.

    Attributes
    ----------
    node
        Name of the node that runs.
    tensors
        Names of the tensors, in the order in which they were written; a tensor and its reshaped
        form are one and have the name of the first.
    """

    node: str
    tensors: tuple[str, ...]


def live_tensors(
    network: Network, order: Sequence[str] | None = None, in_place: Collection[str] = ()
) -> tuple[Moment, ...]:
    """The moments of one inference, node by node.

    Parameters
    ----------
    network
        The network.
    order
        Names of all nodes in the order of their execution; by default that of the network.
    in_place
        Which of `IN_PLACE` write their output over the first input of its size that nothing needs
        later. Such a node has two moments, with the input and with the output in that place,
        since their bit-widths may differ.

    Raises
    ------
    InputError
        If the nodes cannot be executed in this order, or an operator cannot work in place.
    """
    check_in_place(in_place)
    nodes = ordered_nodes(network, order)
    owner = owners(network)
    last_use = {owner[tensor]: len(nodes) for tensor in network.outputs}
    for position, node in enumerate(nodes):
        for tensor in node.inputs if node.operator != "reshape" else ():
            last_use[owner[tensor]] = max(last_use.get(owner[tensor], 0), position)
    moments = []
    held = [tensor for tensor in network.inputs if tensor in last_use]
    for position, node in enumerate(nodes):
        if node.operator == "reshape":
            continue
        place = _place(network, node, owner, last_use, position) if in_place else None
        if place is not None and node.operator in in_place:
            moments.append(Moment(node.name, tuple(held)))
            held.remove(place)
        held.append(node.output)
        moments.append(Moment(node.name, tuple(held)))
        held = [tensor for tensor in held if last_use.get(tensor, -1) > position]
    return tuple(moments)


def _place(
    network: Network, node: Node, owner: dict[str, str], last_use: dict[str, int], position: int
) -> str | None:
    """The memory of an input that the output may take."""
    for tensor in node.inputs:
        same_size = network.elements(tensor) == network.elements(node.output)
        if same_size and last_use[owner[tensor]] == position:
            return owner[tensor]
    return None


def owners(network: Network) -> dict[str, str]:
    """Tensor -> the tensor whose memory it is: itself, or what it was reshaped from."""
    owner = {tensor: tensor for tensor in network.inputs}
    for node in network.nodes:
        owner[node.output] = owner[node.inputs[0]] if node.operator == "reshape" else node.output
    return owner


def check_in_place(operators: Collection[str]) -> None:
    """Refuse operators that need their inputs until their output is complete."""
    if wrong := [operator for operator in operators if operator not in IN_PLACE]:
        raise InputError(f"{wrong[0]!r} cannot work in place; {' and '.join(IN_PLACE)} can.")


def ordered_nodes(network: Network, order: Sequence[str] | None) -> tuple[Node, ...]:
    """The nodes in an order of execution, which is checked."""
    if order is None:
        return network.nodes
    nodes = {node.name: node for node in network.nodes}
    if sorted(order) != sorted(nodes):
        raise InputError(f"The order must name each of the {len(nodes)} nodes once.")
    known = set(network.inputs)
    for name in order:
        for tensor in nodes[name].inputs:
            if tensor not in known:
                raise InputError(f"The order runs {name} before what it reads, {tensor}.")
        known.add(nodes[name].output)
    return tuple(nodes[name] for name in order)
