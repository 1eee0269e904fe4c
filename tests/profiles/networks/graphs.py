"""Networks for the tests: the papers' networks from their CSV files, and small random graphs."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from mpsolve.profiles.networks import LayerType, Network, Node

DATA = Path(__file__).parents[2] / "data"
_OPERATOR = {"se_pool": "pool", "pool": "pool", "add": "add", "se_mul": "mul"}


@cache
def csv_network(stem: str) -> Network:
    """One of the networks of ``tests/data/networks``, such as ``mobilenet_v1_1.00_224``.

    The file has one row per node, with the rows that it reads; a row's number names its output.
    """
    with (DATA / "networks" / f"{stem}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    nodes = []
    tensors = {"input": (3, int(rows[0]["in_h"]), int(rows[0]["in_w"]))}
    names = {str(i): row["name"] for i, row in enumerate(rows)} | {"input": "input"}
    for row in rows:
        number = {key: int(row[key]) for key in row if key not in ("name", "kind", "producers")}
        inputs = tuple(names[producer] for producer in row["producers"].split(";"))
        tensors[row["name"]] = (number["out_ch"], number["out_h"], number["out_w"])
        if row["kind"] in _OPERATOR:
            nodes.append(Node(row["name"], _OPERATOR[row["kind"]], inputs, row["name"]))
            continue
        kind = "pw" if row["kind"] == "se_fc" else row["kind"]
        kernel = number["k"]
        layer_type = LayerType(
            kind,
            number["in_ch"],
            number["out_ch"],
            (number["in_h"], number["in_w"]),
            (number["out_h"], number["out_w"]),
            (kernel, kernel),
            (number["stride"], number["stride"]),
            (kernel // 2, kernel // 2),
            groups=number["groups"],
            bias=row["kind"] in ("se_fc", "linear"),
        )
        nodes.append(Node(row["name"], kind, inputs, row["name"], layer_type))
    return Network(stem, tuple(nodes), tensors, ("input",), (rows[-1]["name"],))


@cache
def mobilenet_v1(width: float, size: int) -> Network:
    """MobileNetV1 of any width and input size (Howard et al. 2017, Table 1)."""

    def channels(count: int) -> int:
        return int(count * width)

    read, height, nodes = "input", size, []
    tensors = {"input": (3, size, size)}

    def add(name: str, kind: str, count: int, kernel: int, stride: int) -> None:
        nonlocal read, height
        before, after = tensors[read][0], height // stride
        layer_type = LayerType(
            kind,
            before,
            count,
            (height, height),
            (after, after),
            (kernel, kernel),
            (stride, stride),
            (kernel // 2, kernel // 2),
            groups=before if kind == "dw" else 1,
        )
        nodes.append(Node(name, kind, (read,), name, layer_type))
        tensors[name] = (count, after, after)
        read, height = name, after

    add("conv0", "conv", channels(32), 3, 2)
    blocks = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
    for i, (count, stride) in enumerate([*blocks, *[(512, 1)] * 5, (1024, 2), (1024, 1)]):
        add(f"b{i}.dw", "dw", tensors[read][0], 3, stride)
        add(f"b{i}.pw", "pw", channels(count), 1, 1)
    tensors["pool"] = (tensors[read][0], 1, 1)
    nodes.append(Node("pool", "pool", (read,), "pool"))
    classifier = LayerType("linear", tensors["pool"][0], 1000, bias=True)
    nodes.append(Node("fc", "linear", ("pool",), "fc", classifier))
    tensors["fc"] = (1000, 1, 1)
    return Network(f"mobilenet_v1_{width:.2f}_{size}", tuple(nodes), tensors, ("input",), ("fc",))


def layer(
    name: str, read: str, channels: int = 1, out_channels: int = 1, size: int = 1, weights: str = ""
) -> Node:
    """A pointwise layer whose output has its name."""
    layer_type = LayerType("pw", channels, out_channels, (1, size), (1, size))
    return Node(name, "pw", (read,), name, layer_type, weights)


def network(
    *nodes: Node, outputs: tuple[str, ...] | None = None, inputs: tuple[str, ...] = ("x",)
) -> Network:
    """A network whose tensors are as large as its layers say, else of one element."""
    tensors = dict.fromkeys((*inputs, *(node.output for node in nodes)), (1, 1, 1))
    for node in nodes:
        if node.layer_type is not None:
            kind = node.layer_type
            tensors[node.inputs[0]] = (kind.in_channels, *kind.in_size)
            tensors[node.output] = (kind.out_channels, *kind.out_size)
    for node in nodes:
        if node.layer_type is None and tensors[node.output] == (1, 1, 1):
            tensors[node.output] = tensors[node.inputs[0]]
    return Network("net", nodes, tensors, inputs, outputs or (nodes[-1].output,))


@st.composite
def graphs(draw: st.DrawFn, most: int = 7) -> Network:
    """Random graphs of all operators, with tensors of one to some tens of elements."""
    elements = {f"x{i}": draw(st.integers(1, 9)) for i in range(draw(st.integers(1, 2)))}
    inputs = tuple(elements)
    nodes: list[Node] = []
    for i in range(draw(st.integers(1, most))):
        name, known = f"n{i}", list(elements)
        operator = draw(
            st.sampled_from(("pw", "pw", "pw", "add", "mul", "pool", "reshape", "concat", "other"))
        )
        read = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
        if i == 0 or operator == "pw":
            size = draw(st.integers(1, 9))
            elements[name] = size
            nodes.append(layer(name, read[0], elements[read[0]], size))
            continue
        if operator in ("pool", "reshape", "other"):
            read = read[:1]
        same = operator in ("reshape", "add", "mul")
        if operator in ("add", "mul"):
            read = [one for one in read if elements[one] == elements[read[0]]]
        size = sum(elements[one] for one in read) if operator == "concat" else elements[read[0]]
        elements[name] = size if same or operator == "concat" else draw(st.integers(1, 9))
        nodes.append(Node(name, operator, tuple(read), name))
    written = [node.output for node in nodes]
    count = draw(st.integers(1, 2))
    outputs = tuple(dict.fromkeys([written[-1], *draw(st.permutations(written))[: count - 1]]))
    tensors = {name: (size, 1, 1) for name, size in elements.items()}
    return Network("random", tuple(nodes), tensors, inputs, outputs)
