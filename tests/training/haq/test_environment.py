"""What the agent sees, what its actions mean, and what is lowered until it fits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import Configuration, InfeasibleError, Precision
from mpsolve.heuristics.memory_driven import memory_driven
from mpsolve.profiles.memory import SCHEMES, peak_ram, rom_total
from mpsolve.profiles.memory.packing import packed_bytes
from mpsolve.profiles.networks import Network, NetworkBuilder, named_network
from mpsolve.profiles.networks.tensor_groups import Rules, least_bits, tensor_groups
from mpsolve.training.haq.environment.environment import Environment
from mpsolve.training.haq.environment.memory import Memory
from tests.profiles.networks.graphs import graphs
from tests.training.haq.toy import BITS, WEIGHTS, eight, residual


def memory(
    network: Network, rom: int | None = None, ram: int | None = None, scheme: str = "weights"
) -> Memory:
    """With 2, 4 and 8 bits and the usual rules."""
    return Memory(network, BITS, rom, ram, scheme, Rules())


def three() -> Network:
    """A strided convolution, a depthwise one and a linear layer."""
    net = NetworkBuilder("three")
    x = net.conv("conv", net.input(3, 8, 8), 4, kernel=3, stride=2)
    x = net.dw("dw", x, kernel=5)
    return net.build(net.linear("fc", net.global_pool("pool", x), 10))


def test_states_by_hand() -> None:
    """Of three layers, every column from its least to its greatest value.

    conv: not depthwise, 3 -> 4 channels, stride 2, kernel 3, 108 weights, 64 positions. dw: 4 -> 4,
    1, 5, 100, 16. fc: 4 -> 10, stride 0, kernel 1, 40, 1.
    """
    env = Environment(memory(three()))
    assert [(s.operand, s.layer) for s in env.steps] == [
        ("weight", 0),  # the input of the network keeps 8 bits
        ("weight", 1),
        ("activation", 1),
        ("weight", 2),
        ("activation", 2),
    ]
    assert env.states == 10
    first = [0, 0, 0, 1, 0.5, 1, 1, 0, 1, 1]
    assert env.state(0, None).tolist() == pytest.approx(first)
    depthwise = [1, 1, 0, 0.5, 1, 60 / 68, 15 / 63, 0.5]
    assert env.state(1, 2).tolist() == pytest.approx([*depthwise, 0.25, 1])
    assert env.state(2, 4).tolist() == pytest.approx([*depthwise, 0.5, 0])
    assert env.state(4, 8).tolist() == pytest.approx([0, 1, 1, 0, 0, 0, 0, 1, 1, 0])


def test_one_operand_needs_no_flag() -> None:
    """The state has nine numbers, and is made anew: nothing that one episode did stays."""
    env = Environment(memory(three()), ("weight",))
    assert env.states == 9
    before = env.state(1, 8).tolist()
    env.state(1, 2)
    assert env.state(1, 8).tolist() == before


@pytest.mark.parametrize(
    ("action", "bits"),
    [(0, 2), (0.32, 2), (0.35, 4), (0.5, 4), (0.65, 4), (0.68, 8), (1, 8)],
)
def test_actions_have_equal_parts(action: float, bits: int) -> None:
    """A third for each of 2, 4 and 8 bits."""
    assert Environment(memory(three())).bits(0, action) == bits


def test_what_is_fixed_is_no_decision() -> None:
    """The network's input, and activations that an adder reads or writes."""
    env = Environment(memory(residual()))
    layers = ["stem", "dw", "squeeze", "fc"]
    assert [(s.operand, layers[s.layer]) for s in env.steps] == [
        ("weight", "stem"),
        ("weight", "dw"),  # reads what the adder reads
        ("weight", "squeeze"),
        ("activation", "squeeze"),
        ("weight", "fc"),  # reads the output of the adder, pooled
    ]
    found = env.configuration([8, 8, 8, 2, 8])
    assert [p.b_in for p in found.values()] == [8, 8, 2, 8]


def test_weights_alone_keep_activations_widest() -> None:
    """And activations alone keep the weights that were found."""
    net = three()
    weights = Environment(memory(net), ("weight",))
    assert weights.configuration([2, 4, 8]) == {"conv": P(8, 2), "dw": P(8, 4), "fc": P(8, 8)}
    found = weights.configuration([2, 4, 8])
    activations = Environment(memory(net), ("activation",), found)
    assert activations.configuration([4, 2]) == {"conv": P(8, 2), "dw": P(4, 4), "fc": P(2, 8)}


def P(b_in: int, b_wt: int) -> Precision:
    """A precision."""
    return Precision(b_in, b_wt)


def test_the_largest_weights_are_cut_first() -> None:
    """By hand: 4048 bytes of weights in 8 bits, cut to at most 2000.

    2048 of l6 to 1024 and, since it is still the largest, to 512; then l7 and l4 come next.
    """
    net = eight()
    env = Environment(memory(net, rom=2000), ("weight",))
    assert sum(WEIGHTS) == 4048
    found = env.configuration([8] * 8)
    # 4048 - 1024 = 3024; l6 is still the largest: 3024 - 512 = 2512; l7 640 -> 320: 2192;
    # l4 and l6 have 512 each, and the first is cut: 2192 - 256 = 1936.
    assert [p.b_wt for p in found.values()] == [8, 8, 8, 8, 4, 8, 2, 4]
    assert rom_total(net, found, "weights") == 1936


def test_what_fits_is_left_alone() -> None:
    """Whatever the agent chose."""
    env = Environment(memory(eight(), rom=4048, ram=10**6), ("weight",))
    chosen = [2, 4, 8, 2, 4, 8, 2, 4]
    assert [p.b_wt for p in env.configuration(chosen).values()] == chosen


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2_160", "mobilenet_v2", "mnasnet_a1"])
def test_activations_are_cut_as_by_the_memory_driven_rule(name: str) -> None:
    """From 8 bits everywhere, within the limits of HAQ for microcontrollers."""
    net = named_network(name)
    limited = Memory(net, BITS, 2_048_000, 512_000, "icn-channel", Rules())
    b_wt = dict.fromkeys((layer.name for layer in net.layers), 8)
    found = limited.fitted(b_wt, {})
    rule = memory_driven(net, 2_048_000, 512_000)
    assert [p.b_in for p in found.values()] == [p.b_in for p in rule.values()]
    assert rom_total(net, found, "icn-channel") <= 2_048_000


def plainest(
    net: Network, b_wt: dict[str, int], b_in: Configuration, rom: int, scheme: str
) -> dict[str, int]:
    """The rule for the ROM, with all bytes counted anew after every cut."""
    left = dict(b_wt)

    def total() -> int:
        return rom_total(net, {n: Precision(b_in[n].b_in, b) for n, b in left.items()}, scheme)

    while total() > rom:
        able = [layer for layer in net.layers if left[layer.name] > 2]
        sizes = [packed_bytes(layer.weights, left[layer.name]) for layer in able]
        left[able[sizes.index(max(sizes))].name] //= 2
    return left


@settings(max_examples=150, deadline=None)
@given(graphs(), st.floats(0, 1.1), st.floats(0, 1.1), st.sampled_from(sorted(SCHEMES)), st.data())
def test_a_configuration_fits_or_nothing_does(
    net: Network, rom_part: float, ram_part: float, scheme: str, data: st.DataObject
) -> None:
    """Never below two bits, never above what was chosen, and what is fixed stays as it is."""
    least, rules = least_bits(net), Rules()
    names = [layer.name for layer in net.layers]
    widest = Configuration({n: Precision(max(8, least[n]), 8) for n in names})
    narrow = Configuration({n: Precision(least[n] or 2, 2) for n in names})
    roms = [rom_total(net, c, scheme) for c in (narrow, widest)]
    rams = [peak_ram(net, c).bytes for c in (narrow, widest)]
    rom = int(roms[0] + rom_part * (roms[1] - roms[0]) * 1.2 - 1)
    ram = int(rams[0] + ram_part * (rams[1] - rams[0]) * 1.2 - 1)
    fits = roms[0] <= rom and rams[0] <= ram
    if not fits:
        with pytest.raises(InfeasibleError, match="does not fit into") as caught:
            memory(net, rom, ram, scheme)
        assert caught.value.least in (roms[0], rams[0])
        return
    limited = memory(net, rom, ram, scheme)
    env = Environment(limited)
    chosen = [data.draw(st.sampled_from(step.bits)) for step in env.steps]
    found = env.configuration(chosen)
    assert rom_total(net, found, scheme) <= rom
    assert peak_ram(net, found).bytes <= ram
    assert limited.used(found) == (rom_total(net, found, scheme), peak_ram(net, found).bytes)
    asked = Environment(memory(net)).configuration(chosen)
    for name in names:
        assert found[name].b_wt in BITS
        assert max(2, least[name]) <= found[name].b_in <= asked[name].b_in
        assert found[name].b_wt <= asked[name].b_wt
    adders = {t for n in net.adders for t in (*n.inputs, n.output)} | set(net.inputs)
    for group in tensor_groups(net, rules):
        if adders.intersection(group.tensors):
            assert all(found[name].b_in == 8 for name in group.layers)
    b_wt = {name: int(asked[name].b_wt) for name in names}
    assert {n: p.b_wt for n, p in found.items()} == plainest(net, b_wt, found, rom, scheme)
    if env.configuration(chosen) != asked:
        kept = rom_total(net, asked, scheme) > rom or peak_ram(net, asked).bytes > ram
        assert kept


def test_a_skip_tensor_is_cut_where_nothing_else_can_be() -> None:
    """Beside a layer whose own input and output are in two bits already.

    ``wide`` (400 elements) waits while ``b`` reads 80 and writes 80: 400 + 20 + 20 bytes when the
    memory-driven rule has no input or output left to cut. In 4 bits it takes 200.
    """
    net = NetworkBuilder("skip")
    x = net.input(1, 1, 4)
    wide = net.pw("wide", x, 100)
    c = net.pw("c", net.pw("b", net.pw("a", x, 20), 20), 1)
    built = net.build(c, net.pw("last", wide, 1))
    with pytest.raises(InfeasibleError, match="cannot fit b into 430 bytes of RAM"):
        memory_driven(built, ram=430)
    found = memory(built, ram=430).fitted(dict.fromkeys(("wide", "a", "b", "c", "last"), 8), {})
    assert {name: p.b_in for name, p in found.items()} == {
        "wide": 8,
        "a": 8,
        "b": 2,
        "c": 2,
        "last": 4,
    }


def test_what_cannot_fit_is_said() -> None:
    """With the node that needs the most, or the layer whose weights do."""
    with pytest.raises(InfeasibleError, match=r"512 bytes of RAM: .* node add needs 768") as caught:
        memory(residual(), ram=512)
    assert caught.value.conflict.constraints == ("RAM of add",)
    with pytest.raises(InfeasibleError, match=r"1,012, of which 512 are of node l6") as caught:
        memory(eight(), rom=1000)
    assert (caught.value.cost, caught.value.layers) == ("rom", ("l6",))
