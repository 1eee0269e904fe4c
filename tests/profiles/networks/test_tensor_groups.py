"""Groups of tensors: worked graphs, the papers' networks, and closure by brute force."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve.profiles.networks import Network, Node, named_network
from mpsolve.profiles.networks.tensor_groups import (
    Rules,
    TensorGroup,
    input_labels,
    least_bits,
    tensor_groups,
)
from tests.profiles.networks.graphs import graphs, layer, network


def test_a_chain_has_one_group_per_tensor() -> None:
    """The input keeps eight bits, hidden tensors are free, and nobody chooses the output."""
    chain = network(layer("a", "x"), layer("b", "a"))
    assert tensor_groups(chain) == (
        TensorGroup(("x",), ("a",), 8),
        TensorGroup(("a",), ("b",), 0),
        TensorGroup(("b",), (), 8),
    )


def test_layers_that_read_one_tensor_share_its_bits_across_value_preserving_operators() -> None:
    """A pool, a reshape and a concatenation hand values on without changing their bits."""
    graph = network(
        layer("a", "x"),
        layer("b", "a"),
        layer("c", "a"),
        Node("p", "pool", ("b",), "p"),
        Node("cat", "concat", ("p", "c"), "cat"),
        Node("flat", "reshape", ("cat",), "flat"),
        layer("fc", "flat"),
    )
    assert tensor_groups(graph) == (
        TensorGroup(("x",), ("a",), 8),
        TensorGroup(("a",), ("b", "c"), 0),
        TensorGroup(("b", "c", "p", "cat", "flat"), ("fc",), 0),
        TensorGroup(("fc",), (), 8),
    )
    assert input_labels(graph) == {"a": "", "b": "a", "c": "a", "fc": ""}
    assert least_bits(graph) == {"a": 8, "b": 0, "c": 0, "fc": 0}


def test_what_adders_read_and_write_has_eight_bits_at_least() -> None:
    """The rule reaches every layer that reads an adder's input or output, and no further."""
    graph = network(
        layer("a", "x"),
        layer("b", "a"),
        layer("c", "b"),
        Node("add", "add", ("a", "c"), "add"),
        layer("d", "add"),
        layer("e", "d"),
    )
    assert least_bits(graph) == {"a": 8, "b": 8, "c": 0, "d": 8, "e": 0}
    free = Rules(input_bits=None, adder_bits=None)
    assert set(least_bits(graph, free).values()) == {0}
    assert least_bits(graph, Rules(input_bits=4, adder_bits=16)) == {
        "a": 4,
        "b": 16,
        "c": 0,
        "d": 16,
        "e": 0,
    }


def test_the_strictest_rule_counts() -> None:
    """A tensor that is the network's input and an adder's keeps what either rule asks for."""
    graph = network(layer("a", "x"), Node("add", "add", ("x", "a"), "add"), layer("b", "add"))
    assert tensor_groups(graph, Rules(input_bits=16, adder_bits=8))[0].least == 16
    assert tensor_groups(graph, Rules(input_bits=4, adder_bits=8))[0].least == 8


def test_a_tensor_that_a_product_alone_reads_is_nobodys_choice() -> None:
    """The scales of squeeze and excitation have eight bits; the product is a new value."""
    graph = network(
        layer("a", "x"),
        Node("squeeze", "pool", ("a",), "squeeze"),
        layer("excite", "squeeze"),
        Node("scale", "mul", ("a", "excite"), "scale"),
        layer("b", "scale"),
    )
    assert tensor_groups(graph)[1:4] == (
        TensorGroup(("a", "squeeze"), ("excite",), 0),
        TensorGroup(("excite",), (), 8),
        TensorGroup(("scale",), ("b",), 0),
    )


def test_a_shared_layer_ties_what_its_calls_read() -> None:
    """One layer has one b_in, so all tensors that its nodes read have it, and their readers."""
    graph = network(
        layer("a", "x"),
        layer("one", "a", weights="shared"),
        layer("b", "a"),
        layer("c", "one"),
        layer("two", "c", weights="shared"),
        layer("d", "c"),
    )
    assert tensor_groups(graph)[1] == TensorGroup(("a", "c"), ("shared", "b", "d"), 0)
    assert input_labels(graph)["d"] == "a"
    apart = tensor_groups(graph, Rules(share_inputs=False))
    assert TensorGroup(("a",), ("shared", "b"), 0) in apart
    assert TensorGroup(("c",), ("shared", "d"), 0) in apart
    assert set(input_labels(graph, Rules(share_inputs=False)).values()) == {""}


def test_the_papers_networks() -> None:
    """In MobileNetV2 the expansions behind residual stages read eight bits, beside the first layer.

    A stage of n blocks has n - 1 adders, and n expansions read what these read and write: those of
    its other blocks and that of the next stage. The stages have 2, 3, 4, 3 and 3 blocks.
    """
    assert sum(map(bool, least_bits(named_network("mobilenet_v1")).values())) == 1
    bits = least_bits(named_network("mobilenet_v2_160"))
    fixed = {name for name, least in bits.items() if least}
    assert len(fixed) == 1 + 2 + 3 + 4 + 3 + 3
    assert {name.partition(".")[2] for name in fixed} == {"", "expand"}
    assert "b1.expand" not in fixed
    assert "b2.expand" in fixed


def test_squeeze_and_excitation_of_mnasnet() -> None:
    """The squeezing layer chooses the width of the tensor that is squeezed and scaled."""
    groups = tensor_groups(named_network("mnasnet_a1"))
    assert TensorGroup(("b3.dw", "b3.se_pool"), ("b3.se_fc1",), 0) in groups
    assert TensorGroup(("b3.se_fc2",), (), 8) in groups
    assert TensorGroup(("b3.se_mul",), ("b3.project",), 0) in groups


def closure(net: Network, share: bool) -> set[frozenset[str]]:
    """The partition by relabelling until nothing changes."""
    label = {t: t for t in (*net.inputs, *(n.output for n in net.nodes))}
    joined = [
        {*n.inputs, n.output} for n in net.nodes if n.operator in ("pool", "reshape", "concat")
    ]
    if share:
        joined += [{n.inputs[0] for n in one.nodes} for one in net.layers]
    changed = True
    while changed:
        changed = False
        for tensors in joined:
            least = min(label[t] for t in tensors)
            for tensor in tensors:
                changed |= label[tensor] != least
                label[tensor] = least
    parts: dict[str, set[str]] = {}
    for tensor, name in label.items():
        parts.setdefault(name, set()).add(tensor)
    return {frozenset(part) for part in parts.values()}


@settings(max_examples=200, deadline=None)
@given(graphs(), st.booleans())
def test_groups_are_a_partition(net: Network, share: bool) -> None:
    """Every tensor is in one group, and groups are the closure of what joins two tensors."""
    groups = tensor_groups(net, Rules(share_inputs=share))
    assert {frozenset(group.tensors) for group in groups} == closure(net, share)
    tensors = list(itertools.chain.from_iterable(group.tensors for group in groups))
    assert len(tensors) == len(set(tensors))
    for group in groups:
        read = {n.layer for t in group.tensors for n in net.consumers[t] if n.layer_type}
        assert set(group.layers) == read
        touched = any(
            tensor in net.inputs
            or any(n.operator == "add" for n in net.consumers[tensor])
            or (tensor in net.producers and net.producers[tensor].operator == "add")
            for tensor in group.tensors
        )
        assert group.least == (8 if touched or not read else 0)
