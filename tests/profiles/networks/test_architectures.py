"""The named networks against two independent derivations and the published totals."""

from __future__ import annotations

import csv
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
