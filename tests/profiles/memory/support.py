"""Memory by the plainest reading of its definition, and all orders of execution."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mpsolve.profiles.networks import Network, Node


def original(net: Network, tensor: str) -> str:
    """What a tensor was reshaped from."""
    writer = net.producers.get(tensor)
    if writer is None or writer.operator != "reshape":
        return tensor
    return original(net, writer.inputs[0])


def live_sets(net: Network, order: Sequence[str]) -> list[tuple[str, set[str]]]:
    """Per node that computes something, the tensors that must exist while it runs.

    A tensor must exist from the node that writes it to the last that reads it or a reshaped form of
    it, and to the end if it is returned.
    """
    nodes = {node.name: node for node in net.nodes}
    sets = []
    for k, name in enumerate(order):
        node = nodes[name]
        if node.operator == "reshape":
            continue
        before = {nodes[n].output for n in order[:k]} | set(net.inputs)
        existing = {original(net, t) for t in before}
        later = [nodes[n] for n in order[k:] if nodes[n].operator != "reshape"]
        needed = {original(net, t) for n in later for t in n.inputs}
        needed |= {original(net, t) for t in net.outputs}
        sets.append((name, (existing & needed) | {node.output}))
    return sets


def all_orders(net: Network) -> Iterator[tuple[str, ...]]:
    """Every order in which the nodes can be executed."""

    def extend(
        done: tuple[str, ...], known: frozenset[str], left: list[Node]
    ) -> Iterator[tuple[str, ...]]:
        if not left:
            yield done
        for node in left:
            if known.issuperset(node.inputs):
                rest = [other for other in left if other is not node]
                yield from extend((*done, node.name), known | {node.output}, rest)

    yield from extend((), frozenset(net.inputs), list(net.nodes))
