"""Where quantisers stand in the graph of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.training.wrapping.groups import ActivationGroup, activation_groups, described
from mpsolve.training.wrapping.values import input_of, weight_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import fx

    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.networks.tensor_groups import Rules
    from mpsolve.training.wrapping.values import Values

#: The submodule that holds all quantisers.
HOME = "quantisers"


@dataclass(frozen=True)
class Placement:
    """Where quantisers belong.

    Attributes
    ----------
    groups
        The groups of activations in network order.
    sources
        Node -> the name of the group of the values that it computes.
    calls
        Layer -> the nodes that call it, in network order.
    """

    groups: tuple[ActivationGroup, ...]
    sources: Mapping[fx.Node, str]
    calls: Mapping[str, tuple[fx.Node, ...]]


def place(network: Network, values: Values, rules: Rules) -> Placement:
    """Find the values that each group of tensors stands for.

    The graph of torch.export, of which the network is made, tells layers, adders and groups; the
    traced graph can be changed. Both list the same layers and adders in the same order.

    Raises
    ------
    InputError
        If they do not, or if the rules cannot be followed.
    """
    layers = [node for node in network.nodes if node.layer_type is not None]
    calls, adders = list(values.layers()), values.adders()
    names = [name for name, _ in calls]
    if names != [node.layer for node in layers] or len(adders) != len(network.adders):
        raise InputError(
            f"{network.name}: torch.fx and torch.export see different networks: "
            f"{_difference(names, [node.layer for node in layers])}, "
            f"{len(adders)} and {len(network.adders)} adders."
        )
    readings = [
        (input_of(call), node.inputs[0]) for (_, call), node in zip(calls, layers, strict=True)
    ]
    for adder, node in zip(adders, network.adders, strict=True):
        readings += zip(values.inputs(adder), node.inputs, strict=False)
    groups = activation_groups(network, rules)
    group_of = {tensor: group.name for group in groups for tensor in group.tensors}
    sources: dict[fx.Node, str] = {}
    for value, tensor in readings:
        for source in values.sources(value):
            if sources.setdefault(source, group_of[tensor]) != group_of[tensor]:
                raise InputError(
                    f"{network.name}: {source.name} would belong to both {sources[source]} and "
                    f"{group_of[tensor]}, which have quantisers of their own."
                )
    by_layer: dict[str, list[fx.Node]] = {}
    for name, call in calls:
        by_layer.setdefault(name, []).append(call)
    return Placement(
        tuple(_described(group, sources, values) for group in groups),
        sources,
        {name: tuple(nodes) for name, nodes in by_layer.items()},
    )


def insert(values: Values, placement: Placement, activations: Mapping[str, str]) -> None:
    """Quantise the values of every group where they are computed.

    Parameters
    ----------
    values
        The graph, which is changed.
    placement
        Where the quantisers belong.
    activations
        Group -> the path of its quantiser.
    """
    graph = values.program.graph
    first = next(node for node in graph.nodes if node.op != "placeholder")
    for source, group in placement.sources.items():
        before = first if source.op == "placeholder" else source.next
        with graph.inserting_before(before):
            quantised = graph.call_module(activations[group], (source,))
        for user in list(source.users):
            if user is not quantised:
                user.replace_input_with(source, quantised)


def insert_weights(values: Values, placement: Placement, quantisers: Mapping[str, str]) -> None:
    """Quantise the weights of every layer before its first call; layer -> path of a quantiser."""
    graph = values.program.graph
    for layer, calls in placement.calls.items():
        weight = weight_of(calls[0])
        assert weight is not None
        with graph.inserting_before(calls[0]):
            quantised = graph.call_module(quantisers[layer], (weight,))
        for call in calls:
            own = weight_of(call)
            assert own is not None
            call.replace_input_with(own, quantised)


def _described(
    group: ActivationGroup, sources: Mapping[fx.Node, str], values: Values
) -> ActivationGroup:
    own = [source for source, name in sources.items() if name == group.name]
    bounds = [values.bound(source) for source in own]
    known = [bound for bound in bounds if bound is not None]
    return described(
        group,
        signed=any(values.is_signed(source) for source in own),
        bound=max(known) if known and len(known) == len(bounds) else None,
        calls=len(own),
    )


def _difference(traced: list[str], exported: list[str]) -> str:
    """The first layers that differ."""
    for position in range(max(len(traced), len(exported))):
        a, b = ("".join(names[position : position + 1]) for names in (traced, exported))
        if a != b:
            return f"layer {position + 1} is {a or 'missing'} and {b or 'missing'}"
    return "the same layers"
