"""ROM as a cost: what the candidates of layers cost together, where tables depend on both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.model.pairwise import PairwiseTerm
from mpsolve.profiles.memory.rom import last_layers
from mpsolve.profiles.memory.schemes import scheme_named
from mpsolve.profiles.networks.tensor_groups import Rules, tensor_groups

if TYPE_CHECKING:
    from mpsolve.model.precision import Precision
    from mpsolve.model.problem import Problem
    from mpsolve.profiles.memory.schemes import Scheme
    from mpsolve.profiles.networks.network import Network, Node
    from mpsolve.profiles.networks.tensor_groups import TensorGroup


def rom_terms(
    problem: Problem, network: Network, scheme: str, cost: str = "rom", rules: Rules | None = None
) -> tuple[PairwiseTerm, ...]:
    """What the costs of layers count too much where outputs have eight bits, as pairwise terms.

    The bit-width of a layer's output is b_in of the first layer that reads its group. Where nobody
    chooses it, or the layer itself does, the term is put on any other layer, on which it does not
    depend. Where several layers read it with b_in of their own, the upper bound stays.

    Parameters
    ----------
    problem
        The problem that the terms are for; its ``cost`` is `mpsolve.profiles.memory.rom_costs`.
    network
        The network.
    scheme
        One of `mpsolve.profiles.memory.SCHEMES`; all but ``folding-icn`` need no term.
    cost
        The cost to which the terms add.
    rules
        What the graph asks of activations.
    """
    stored, rules = scheme_named(scheme), rules or Rules()
    group_of = {t: group for group in tensor_groups(network, rules) for t in group.tensors}
    last = last_layers(network)
    nodes = [node for layer in network.layers for node in layer.nodes if layer.name not in last]
    terms = [
        _term(problem, node, group_of[node.output], stored, cost)
        for node in nodes
        if rules.share_inputs or len(group_of[node.output].layers) < 2
    ]
    return tuple(term for term in terms if term.values.any())


def _term(
    problem: Problem, node: Node, group: TensorGroup, scheme: Scheme, cost: str
) -> PairwiseTerm:
    """The tables of a node, less what they are at most for the weights of its layer."""
    assert node.layer_type is not None  # nodes of layers have one
    channels = node.layer_type.out_channels
    reader = group.layers[0] if group.layers else ""
    other = reader
    if reader in ("", node.layer):
        other = next(name for name in problem.layers if name != node.layer)

    def spare(p: Precision, q: Precision) -> int:
        chosen = {"": group.least, node.layer: p.b_in}.get(reader, q.b_in)
        bits = max(chosen, group.least)
        most = scheme.table_bytes(channels, p.b_wt, None)
        return scheme.table_bytes(channels, p.b_wt, bits) - most

    return PairwiseTerm.from_rule(problem, node.layer, other, spare, cost, "requantisation")
