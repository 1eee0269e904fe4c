"""The named networks against two independent derivations and the published totals."""

from __future__ import annotations

import csv
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from mpsolve.profiles.networks import Layer, named_network

DATA = Path(__file__).parents[2] / "data"
NETWORKS = sorted((DATA / "networks").glob("*.csv"), key=lambda path: path.name)
GEOMETRIES = sorted((DATA / "geometry").glob("*.csv"), key=lambda path: path.name)


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def square(pair: tuple[int, int]) -> int:
    """The one number that a pair repeats."""
    assert pair[0] == pair[1]
    return pair[0]


def facts(layer: Layer) -> dict[str, Any]:
    """What both derivations state about a layer."""
    (layer_type,) = layer.layer_types
    return {
        "in_ch": layer_type.in_channels,
        "out_ch": layer_type.out_channels,
        "k": square(layer_type.kernel),
        "stride": square(layer_type.stride),
        "in_h": layer_type.in_size[0],
        "in_w": layer_type.in_size[1],
        "out_h": layer_type.out_size[0],
        "out_w": layer_type.out_size[1],
        "groups": layer_type.groups,
        "macs": layer_type.macs,
    }


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_every_row_of_the_first_derivation(path: Path) -> None:
    """Names, order, geometry, MACs, parameters and producers of layers, adders and pools agree."""
    network = named_network(path.stem)
    kinds = {"se_pool": "pool", "se_fc": "pw", "se_mul": "mul"}
    expected = rows(path)
    assert [node.name for node in network.nodes] == [row["name"] for row in expected]
    for node, row in zip(network.nodes, expected, strict=True):
        assert node.operator == kinds.get(row["kind"], row["kind"]), node
        shape = tuple(int(row[column]) for column in ("out_ch", "out_h", "out_w"))
        assert network.tensors[node.output] == shape, node
        producers = [
            "input" if token == "input" else expected[int(token)]["name"]
            for token in row["producers"].split(";")
        ]
        assert list(node.inputs) == producers, node
        if node.layer_type is not None:
            layer = network.layer(node.name)
            assert facts(layer) == {name: int(row[name]) for name in facts(layer)}, node
            assert layer.weights + layer.biases == int(row["params"]), node


@pytest.mark.parametrize("path", GEOMETRIES, ids=lambda path: path.stem)
def test_every_row_of_the_second_derivation(path: Path) -> None:
    """The layers agree one by one; both list a shortcut after the layers beside it."""
    network = named_network(path.stem.replace("_1.0_", "_"))
    renamed = {"cin": "in_ch", "cout": "out_ch", "s": "stride", "g": "groups"}
    renamed |= {f"{axis}{side}": f"{side}_{axis}" for axis in "hw" for side in ("in", "out")}
    for layer, row in zip(network.layers, rows(path), strict=True):
        (layer_type,) = layer.layer_types
        assert layer_type.kind == {"fc": "linear"}.get(row["kind"], row["kind"]), layer
        known = {renamed.get(name, name): text for name, text in row.items()}
        assert facts(layer) == {name: int(known[name]) for name in facts(layer)}, layer
        assert square(layer_type.padding) == int(row["p"]), layer
        assert (layer.weights, layer.biases) == (int(row["weights"]), int(row["bias"])), layer


#: Parameters with the scales and shifts of batch normalisation, as PyTorch counts them in models
#: written independently, and published multiply-accumulates: arXiv:1704.04861, tables 6 and 7;
#: arXiv:1801.04381, table 4; arXiv:1807.11626, table 1. For the ResNets both are torchvision's.
PUBLISHED = {
    "mobilenet_v1": (4_231_976, 569e6),
    "mobilenet_v1_192": (4_231_976, 418e6),
    "mobilenet_v1_160": (4_231_976, 290e6),
    "mobilenet_v1_0.75": (2_585_560, 325e6),
    "mobilenet_v2": (3_504_872, 300e6),
    "mnasnet_a1": (3_887_038, 312e6),
    "resnet18": (11_689_512, 1.81e9),
    "resnet34": (21_797_672, 3.66e9),
    "resnet50": (25_557_032, 4.09e9),
    "resnet101": (44_549_160, 7.80e9),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_totals(name: str) -> None:
    """Every convolution without bias has a scale and a shift per channel."""
    network = named_network(name)
    parameters, macs = PUBLISHED[name]
    normalised = [layer for layer in network.layers if not layer.biases]
    shifts = 2 * sum(layer.layer_types[0].out_channels for layer in normalised)
    assert network.parameters + shifts == parameters
    assert network.macs == pytest.approx(macs, rel=0.005)


#: Multiply-accumulates in thousands that Silicon Labs' MLTK reports for the MLPerf Tiny reference
#: networks (github.com/SiliconLabs/mltk, mltk/models/tinyml, "Total MACs"), and the size of the
#: integer models in kB (arXiv:2106.07597, table 1), which hold one byte per weight and more.
MLPERF_TINY = {
    "resnet8": (12_502, 96),
    "ds_cnn": (2_657, 52.5),
    "vww_mobilenet": (7_490, 325),
    "autoencoder": (264.192, 270),
}


@pytest.mark.parametrize("name", MLPERF_TINY)
def test_published_totals_of_mlperf_tiny(name: str) -> None:
    """The weights fill most of the published files, and every layer has biases."""
    network = named_network(name)
    thousands, kilobytes = MLPERF_TINY[name]
    assert network.macs / 1000 == pytest.approx(thousands, abs=0.5)
    assert 0.4 * kilobytes < network.weights / 1000 < kilobytes
    assert all(layer.biases for layer in network.layers)


def test_the_parameters_of_ds_cnn() -> None:
    """Keras counts 24,908 parameters: 4 more per normalised channel, in nine layers of 64."""
    assert named_network("ds_cnn").parameters + 4 * 9 * 64 == 24_908


def test_the_first_layer_of_ds_cnn_pads_what_keras_pads() -> None:
    """49 rows need 9 rows of padding, of which 5 lie on one side; 10 columns need 1 and 1."""
    layer_type = named_network("ds_cnn").layers[0].layer_types[0]
    assert (layer_type.kernel, layer_type.padding) == ((10, 4), (5, 1))
    assert layer_type.out_size == (25, 5)


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        # 44.8, 22.4, 33.6, 44.8, 89.6, 134.4, 224, 448 and 1792 channels.
        ("mobilenet_v2_1.4", [48, 24, 32, 48, 88, 136, 224, 448, 1792]),
        # 16, 8, 12 and 16 (which are one after rounding), 32, 48, 80, 160 and at least 1280.
        ("mobilenet_v2_0.5", [16, 8, 16, 32, 48, 80, 160, 1280]),
        # 24, 12, 18, 30, 60, 84, 120, 240 and 1280; 16 would be less than 90 % of 18.
        ("mnasnet_a1_0.75", [24, 16, 24, 32, 64, 88, 120, 240, 1280]),
    ],
)
def test_width_multipliers_round_to_multiples_of_8(name: str, channels: list[int]) -> None:
    """To the nearest, unless that is less than 90 %; the last layer never gets narrower."""
    network = named_network(name)
    projections = [layer.name for layer in network.layers if layer.name.endswith("project")]
    out = [
        network.layer(layer).layer_types[0].out_channels
        for layer in ("conv0", *projections, "conv_last")
    ]
    assert [value for value, _ in groupby(out)] == channels


def test_squeeze_and_excitation_is_a_branch_that_is_multiplied() -> None:
    """The product reads the depthwise layer twice: itself, and what two layers make of its mean."""
    network = named_network("mnasnet_a1")
    product = next(node for node in network.nodes if node.operator == "mul")
    assert product.inputs == ("b3.dw", "b3.se_fc2")
    reduce, expand = network.layer("b3.se_fc1"), network.layer("b3.se_fc2")
    assert (reduce.weights, reduce.biases) == (72 * 6, 6)  # a quarter of 24, which the block reads
    assert (expand.weights, expand.biases) == (6 * 72, 72)
