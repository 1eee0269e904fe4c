"""The memory-driven rule: 32 policies of the authors' code, and what holds on every graph."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import InfeasibleError, InputError, Precision
from mpsolve.heuristics.memory_driven import memory_driven
from mpsolve.profiles.memory import peak_ram, rom_total
from mpsolve.profiles.networks import Network, Node, named_network
from mpsolve.profiles.networks.tensor_groups import least_bits
from tests.profiles.networks.graphs import graphs, layer, network

REFERENCE = Path(__file__).parents[1] / "data" / "memory_driven_reference.json"
#: Limits and tables with which the authors' code was run.
ROM, RAM = 2_048_000, 512_000
SCHEMES = {"MixPL": "folding-icn", "MixPC": "icn-channel"}
POLICIES: dict[str, tuple[list[int], list[int]]] = {
    name: (weights, activations)
    for name, (weights, activations) in json.loads(REFERENCE.read_text()).items()
}


def case(name: str) -> tuple[Network, str]:
    """The network and the scheme of a policy, such as ``224_1.0_MixPL``."""
    size, width, scheme = name.split("_")
    return named_network(f"mobilenet_v1_{width}_{size}"), SCHEMES[scheme]


def test_there_are_32_policies() -> None:
    """Four widths, four input sizes, two schemes."""
    assert len(POLICIES) == 32


@pytest.mark.parametrize("name", POLICIES)
def test_the_policies_of_the_authors_code(name: str) -> None:
    """Weights of all 28 layers and the 27 activations between them are cut alike."""
    net, scheme = case(name)
    found = memory_driven(net, ROM, RAM, scheme)
    weights, activations = POLICIES[name]
    assert [precision.b_wt for precision in found.values()] == weights
    assert [precision.b_in for precision in found.values()] == [8, *activations]


@pytest.mark.parametrize("name", POLICIES)
def test_the_policies_keep_both_limits(name: str) -> None:
    """As recorded they fit, by plain sums over the layers and by this library's functions."""
    net, scheme = case(name)
    weights, activations = POLICIES[name]
    widths = [8, *activations, 8]
    last = len(weights) - 1
    rom = 0.0
    for i, one in enumerate(net.layers):
        (kind,) = one.layer_types
        assert kind.inputs * widths[i] / 8 + kind.outputs * widths[i + 1] / 8 <= RAM
        channels = kind.out_channels
        rom += kind.weights * weights[i] / 8
        if scheme == "icn-channel":
            rom += 7 * channels + 4 if i == last else 10 * channels + 8
        elif i == last or weights[i] == widths[i + 1] == 8:
            rom += 4 * channels + 20
        else:
            rom += 9 * channels + 12
    assert rom <= ROM
    found = memory_driven(net, ROM, RAM, scheme)
    assert rom_total(net, found, scheme) == rom
    assert peak_ram(net, found).bytes <= RAM


def test_the_weights_of_a_policy() -> None:
    """Those recorded for MobileNetV1 224_1.0 per channel need 1,868,224 bytes by themselves."""
    net = named_network("mobilenet_v1")
    found = memory_driven(net, ROM, RAM)
    assert rom_total(net, found, "weights") == 1_868_224 + 4 * 1000


@pytest.mark.parametrize(
    "name",
    [
        "mobilenet_v2",
        "mobilenet_v2_192",
        "mobilenet_v2_160",
        "mnasnet_a1",
    ],
)
def test_networks_with_skip_tensors(name: str) -> None:
    """Adders keep eight bits, and the rule still fits both limits."""
    net = named_network(name)
    found = memory_driven(net, ROM, RAM)
    assert rom_total(net, found, "icn-channel") <= ROM
    assert peak_ram(net, found).bytes <= RAM
    for name, bits in least_bits(net).items():
        assert found[name].b_in >= bits


def test_a_skip_tensor_counts_where_it_is_live() -> None:
    """In MobileNetV2 192 the expansion of block 2 has 4 bits only because block 1 waits beside it.

    Its depthwise layer holds twice 144 x 48 x 48 and 24 x 48 x 48 elements: 718,848 bytes in 8
    bits, 552,960 with one of the two in 4 bits.
    """
    found = memory_driven(named_network("mobilenet_v2_192"), ram=RAM)
    assert (found["b2.dw"].b_in, found["b2.project"].b_in) == (4, 4)


def test_what_cannot_fit_is_said() -> None:
    """With the node and its bytes, or with what the weights need at least."""
    net = network(layer("a", "x", 1, 50), layer("b", "a", 50, 50), layer("c", "b", 50, 2))
    with pytest.raises(InfeasibleError, match="cannot fit b into 20 bytes of RAM: it ends at 26"):
        memory_driven(net, ram=20)
    with pytest.raises(
        InfeasibleError, match="cannot fit net into 600 bytes of ROM: with all weights in 2 bits"
    ):
        memory_driven(net, rom=600, scheme="weights")
    with pytest.raises(InputError, match="needs bit-widths"):
        memory_driven(net, bits=())


def test_an_adder_that_cannot_be_cut() -> None:
    """The rule is not allowed to narrow what an adder reads, and says so instead of looping."""
    net = network(
        layer("a", "x", 1, 50),
        layer("b", "a", 50, 50),
        Node("add", "add", ("a", "b"), "add"),
        layer("c", "add", 50, 1),
    )
    with pytest.raises(InfeasibleError, match="cannot fit add into 149 bytes of RAM"):
        memory_driven(net, ram=149)
    assert memory_driven(net, ram=150)["c"].b_in == 8
    assert memory_driven(net, ram=100, in_place=("add",))["c"].b_in == 8


@settings(max_examples=150, deadline=None)
@given(graphs(), st.floats(0.2, 1.1), st.floats(0.2, 1.1))
def test_an_answer_keeps_its_limits(net: Network, rom: float, ram: float) -> None:
    """Whatever the graph, the rule keeps both limits and every least width, or refuses."""
    whole = memory_driven(net)
    limits = {
        "rom": int(rom * rom_total(net, whole, "icn")),
        "ram": int(ram * peak_ram(net, whole).bytes),
    }
    try:
        found = memory_driven(net, limits["rom"], limits["ram"], "icn")
    except InfeasibleError as error:
        assert error.cost in limits
        return
    assert rom_total(net, found, "icn") <= limits["rom"]
    assert peak_ram(net, found).bytes <= limits["ram"]
    for name, bits in least_bits(net).items():
        assert found[name].b_in >= bits


def fixed_tensors(net: Network) -> set[str]:
    """Tensors that nobody may cut: the network's input, and what adders read and write."""
    return {*net.inputs, *(t for node in net.adders for t in (*node.inputs, node.output))}


@settings(max_examples=150, deadline=None)
@given(graphs(), st.floats(0.2, 1.1), st.floats(0.2, 1.1), st.sampled_from([(2, 4, 8), (4, 8)]))
def test_what_is_never_cut(net: Network, rom: float, ram: float, bits: tuple[int, ...]) -> None:
    """Widths are those offered, tensors of fixed width keep 8 bits, layers of one tensor agree."""
    whole = memory_driven(net, bits=bits)
    assert {(p.b_in, p.b_wt) for p in whole.values()} == {(8, 8)}
    limits = int(rom * rom_total(net, whole, "icn")), int(ram * peak_ram(net, whole).bytes)
    try:
        found = memory_driven(net, *limits, "icn", bits=bits)
    except InfeasibleError:
        return
    fixed = fixed_tensors(net)
    read: dict[str, float] = {}
    for one in net.layers:
        assert found[one.name].b_in in bits
        assert found[one.name].b_wt in bits
        for node in one.nodes:
            assert read.setdefault(node.inputs[0], found[one.name].b_in) == found[one.name].b_in
            if node.inputs[0] in fixed:
                assert found[one.name].b_in == 8


@settings(max_examples=100, deadline=None)
@given(graphs(), st.floats(0.1, 1.1))
def test_the_rule_for_weights_refuses_only_what_cannot_fit(net: Network, part: float) -> None:
    """It cuts until nothing is left, so it fails where two bits everywhere exceed the ROM."""
    whole = memory_driven(net)
    limit = int(part * rom_total(net, whole, "icn"))
    narrow = {name: Precision(p.b_in, 2) for name, p in whole.items()}
    possible = rom_total(net, narrow, "icn") <= limit
    try:
        memory_driven(net, rom=limit, scheme="icn")
    except InfeasibleError as error:
        assert error.cost == "rom"
        assert not possible
    else:
        assert possible


def weights_by_hand(sizes: list[int], limit: int, delta: float) -> list[int] | None:
    """Algorithm 2 of the paper over weights alone: lists and integers, nothing of this library."""
    bits = [8] * len(sizes)
    while sum(-(-n * b // 8) for n, b in zip(sizes, bits, strict=True)) > limit:
        held = [-(-n * b // 8) for n, b in zip(sizes, bits, strict=True)]
        shares = [h / sum(held) if b > 2 else -1.0 for h, b in zip(held, bits, strict=True)]
        if max(shares) < 0:
            return None
        first = next(i for i, share in enumerate(shares) if share > max(shares) - delta)
        bits[first] //= 2
    return bits


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 60), min_size=2, max_size=7),
    st.floats(0.2, 1.1),
    st.sampled_from([0.0, 0.05, 0.2]),
)
def test_the_rule_for_weights_step_by_step(sizes: list[int], part: float, delta: float) -> None:
    """The first layer within delta of the largest share is cut, at any delta."""
    names = ["x", *(f"l{i}" for i in range(len(sizes) - 1))]
    net = network(
        *(layer(names[i + 1], names[i], sizes[i], sizes[i + 1]) for i in range(len(sizes) - 1))
    )
    weights = [one.weights for one in net.layers]
    limit = int(part * sum(weights))
    if delta == 0:  # equality would leave no layer
        delta = 1e-12
    expected = weights_by_hand(weights, limit, delta)
    try:
        found = memory_driven(net, rom=limit, scheme="weights", delta=delta)
    except InfeasibleError:
        assert expected is None
    else:
        assert [p.b_wt for p in found.values()] == expected
