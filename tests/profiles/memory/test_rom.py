"""ROM: the published size of MobileNetV1, the tables of every scheme by hand."""

from __future__ import annotations

import pytest

from mpsolve import Configuration, InputError, Precision
from mpsolve.profiles.memory import SCHEMES, rom_bytes, rom_total
from mpsolve.profiles.networks import LayerType, Node, named_network
from tests.profiles.networks.graphs import layer, network

CANDIDATES = [Precision(b_in, b_wt) for b_in in (4, 8) for b_wt in (2, 8)]


def test_mobilenet_v1_in_8_bits_has_4_2_megabytes() -> None:
    """4,209,088 weights and the biases of the classifier, of which the paper counts 4.24 M."""
    net = named_network("mobilenet_v1")
    whole = Configuration.homogeneous([one.name for one in net.layers], "8b/8b")
    assert rom_total(net, whole, "weights") == 4_209_088 + 4 * 1000
    halved = Configuration.homogeneous(whole, "8b/4b")
    assert rom_total(net, halved, "weights") == 4_209_088 // 2 + 4 * 1000


@pytest.mark.parametrize(
    ("scheme", "tables"),
    [
        ("weights", 0),
        ("folding", 4 * 7 + 20),
        ("icn", 9 * 7 + 12),
        ("icn-channel", 10 * 7 + 8),
        ("quantlib", 11 * 7 + 2),
    ],
)
def test_tables_of_a_layer(scheme: str, tables: int) -> None:
    """35 weights of 2 bits take 9 bytes; the tables depend on the 7 output channels."""
    net = network(layer("a", "x", 5, 7), layer("b", "a", 7, 3))
    assert rom_bytes(net, "a", Precision(8, 2), scheme) == 9 + tables


@pytest.mark.parametrize(
    ("scheme", "tables"),
    [
        ("weights", 12),
        ("folding", 4 * 3 + 20),
        ("icn", 4 * 3 + 20),
        ("folding-icn", 4 * 3 + 20),
        ("icn-channel", 7 * 3 + 4),
        ("quantlib", 11 * 3 + 2),
    ],
)
def test_tables_of_the_last_layer(scheme: str, tables: int) -> None:
    """The last layer returns accumulators; its 3 biases have 32 bits."""
    classifier = LayerType("linear", 7, 3, bias=True)
    net = network(
        layer("a", "x", 5, 7),
        Node("fc", "linear", ("a",), "fc", classifier),
        Node("softmax", "other", ("fc",), "softmax"),
    )
    assert rom_bytes(net, "fc", Precision(8, 8), scheme) == 21 + tables


def test_folding_where_it_is_possible() -> None:
    """Eight bits of weights and output are folded; unknown outputs count with the larger table."""
    net = network(layer("a", "x", 5, 7), layer("b", "a", 7, 3))
    folded, normalised = 4 * 7 + 20, 9 * 7 + 12
    sizes = {
        (b_wt, out): rom_bytes(net, "a", Precision(8, b_wt), "folding-icn", out)
        for b_wt in (4, 8)
        for out in (4, 8, None)
    }
    assert sizes == {
        (8, 8): 35 + folded,
        (8, 4): 35 + normalised,
        (8, None): 35 + normalised,
        (4, 8): 18 + normalised,
        (4, 4): 18 + normalised,
        (4, None): 18 + normalised,
    }
    single = network(layer("a", "x", 5, 1), layer("b", "a", 1, 3))
    assert rom_bytes(single, "a", Precision(8, 8), "folding-icn") == 5 + 24  # 9 + 12 is less


def test_shared_weights_are_stored_once_and_their_tables_for_every_call() -> None:
    """Each call has its own requantisation."""
    net = network(
        layer("a", "x", 2, 2, weights="shared"),
        layer("b", "a", 2, 2, weights="shared"),
        layer("c", "b", 2, 1),
    )
    assert rom_bytes(net, "shared", Precision(8, 8), "icn") == 4 + 2 * (9 * 2 + 12)


def test_unknown_schemes_are_refused() -> None:
    """The message lists those there are."""
    net = network(layer("a", "x"))
    with pytest.raises(InputError, match="no scheme 'pl' of tables; there are weights, folding"):
        rom_bytes(net, "a", Precision(8, 8), "pl")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_sums_of_the_papers_networks(scheme: str) -> None:
    """Total channels and weights come straight from the layer table."""
    net = named_network("mnasnet_a1")
    whole = Configuration.homogeneous([one.name for one in net.layers], "8b/8b")
    inner = [one for one in net.layers if one.name != "fc"]
    channels = sum(one.layer_types[0].out_channels for one in inner)
    tables = {
        "weights": 4 * (1000 + sum(one.biases for one in inner)),
        "folding": 4 * channels + 20 * 65 + 4020,
        "icn": 9 * channels + 12 * 65 + 4020,
        "folding-icn": 4 * channels + 20 * 65 + 4020,
        "icn-channel": 10 * channels + 8 * 65 + 7004,
        "quantlib": 11 * channels + 2 * 65 + 11002,
    }
    assert len(inner) == 65
    assert rom_total(net, whole, scheme) == 3_848_312 + tables[scheme]
