"""What is written for DORY computes what the interpreter computes, as kernels would compute it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpsolve import InputError
from mpsolve.deploy import (
    AccumulatorRange,
    Add,
    Affine,
    Conv,
    Graph,
    Requant,
    Tensor,
    requantise,
)
from mpsolve.deploy.dory_emitter import to_dory
from mpsolve.deploy.dory_files import write_dory
from mpsolve.deploy.dory_rules import check, check_folder
from mpsolve.deploy.interpreter import run, run_all
from mpsolve.deploy.onnx_file import read_configuration
from tests.deploy.dory_kernels import Kernels, read_golden
from tests.deploy.networks import random_graph, random_images

if TYPE_CHECKING:
    from pathlib import Path

    from mpsolve.deploy.nodes import Node

pytest.importorskip("onnx")
shared_folder = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@shared_folder
@given(seed=st.integers(0, 2**32))
def test_kernels_reproduce_every_golden_file(seed: int, tmp_path: Path) -> None:
    """Of random networks with adders, depthwise layers, pools, strides and 2, 4 and 8 bits."""
    graph = random_graph(seed, deployable=True)
    folder = tmp_path / str(seed)
    images = random_images(graph, 1, seed)
    config = write_dory(graph, folder, images)
    assert check_folder(config) == ()
    kernels = Kernels(config)
    golden = sorted(folder.glob("out_layer*.txt"), key=lambda path: int(path.stem[9:]))
    assert len(golden) == len(kernels.written)
    for path, name in zip(golden, kernels.written, strict=True):
        np.testing.assert_array_equal(read_golden(path), kernels.values[name].ravel())
    output = run(graph, images)[0]
    expected = np.moveaxis(output, 0, -1) if output.ndim == 3 else output
    np.testing.assert_array_equal(kernels.values[kernels.output], expected)


@shared_folder
@given(seed=st.integers(0, 2**32))
def test_golden_files_hold_one_tensor_each_pixel_after_pixel(seed: int, tmp_path: Path) -> None:
    """All channels of the first pixel, then those of the one to its right."""
    graph = random_graph(seed, deployable=True)
    images = random_images(graph, 2, seed)
    folder = tmp_path / str(seed)
    write_dory(graph, folder, images)
    values = run_all(graph, images)
    first = graph.nodes[0].output
    lines = (folder / "out_1_layer0.txt").read_text().splitlines()
    channels, height, width = graph[first].shape
    assert lines[0] == f"# {first} (shape [{height}, {width}, {channels}]),"
    pixels = [
        f"{values[first][1, c, h, w]},"
        for h in range(height)
        for w in range(width)
        for c in range(channels)
    ]
    assert lines[1:] == pixels
    stored = read_golden(folder / "input_0.txt")
    np.testing.assert_array_equal(stored, images[0].transpose(1, 2, 0).ravel() % 256)


def test_the_configuration_names_what_lies_beside_it(tmp_path: Path) -> None:
    """The entries of DORY's examples, and no more."""
    graph = random_graph(3, deployable=True)
    path = write_dory(graph, tmp_path / "net", random_images(graph, 3), code_bytes=150_000)
    assert json.loads(path.read_text()) == {
        "BNRelu_bits": 32,
        "onnx_file": "random.onnx",
        "code reserved space": 150_000,
        "n_inputs": 3,
        "input_bits": graph["image"].bits,
        "input_signed": graph["image"].signed,
    }
    assert check_folder(path) == ()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_bits_are_read_back_in_both_ways(seed: int) -> None:
    """Annotations and DORY's own attributes say the same."""
    graph = random_graph(seed, deployable=True)
    model, _ = to_dory(graph)
    assert read_configuration(model) == graph.configuration()
    attributes = [
        a.i for node in model.graph.node for a in node.attribute if a.name == "weight_bits"
    ]
    assert attributes == [layer.weight_bits for layer in graph.layers]


def test_what_kernels_cannot_run_is_refused_with_all_reasons() -> None:
    """Before anything is written, one sentence each."""
    graph = random_graph(0)
    with pytest.raises(InputError, match="DORY cannot read random:\n") as error:
        to_dory(graph)
    assert len(str(error.value).splitlines()) > 2


def adder(first: Requant | None, second: Requant | None) -> Graph:
    """x -> conv -> a -> conv -> b, and a + b of 8 bits."""
    weights = np.ones((1, 1, 3, 3), np.int64)
    ranges = AccumulatorRange(np.array([0]), np.array([9 * 255]))
    requant = requantise(Affine(np.array([0.1]), np.array([0.0])), ranges, bits=8)
    nodes: list[Node] = [
        Conv("c1", "x", "a", weights, 8, requant, pads=(1, 1, 1, 1)),
        Conv("c2", "a", "b", weights, 8, requant, pads=(1, 1, 1, 1)),
        Add("add", ("a", "b"), "y", first, second),
    ]
    tensors = tuple(Tensor(name, (1, 4, 4), 8) for name in "xaby")
    return Graph("adder", tensors, tuple(nodes), "x", "y")


def test_adders_clip_to_their_inputs() -> None:
    """Kernels cannot clip a requantised input to other codes than its own; it would be wrong."""
    scale = Affine(np.array(0.5), np.array(0.0))
    narrow = requantise(scale, AccumulatorRange.between(0, 255), bits=4)
    with pytest.raises(InputError, match=r"Add Add_15: in1_n_levels is 16, but 14 has 8 bits"):
        to_dory(adder(None, narrow))
    own = requantise(scale, AccumulatorRange.between(0, 255), bits=8)
    model, _ = to_dory(adder(own, None))
    assert check(model) == ()


def test_the_later_input_of_an_adder_comes_first_with_its_own_numbers() -> None:
    """DORY swaps multipliers by number but not types; this order suits both."""
    half = Affine(np.array(0.5), np.array(0.0))
    own = requantise(half, AccumulatorRange.between(0, 255), bits=8)
    model, _ = to_dory(adder(own, None))
    node = next(
        node for node in model.graph.node if node.op_type == "Add" and len(node.attribute) > 2
    )
    values = {a.name: a.i for a in node.attribute}
    assert int(node.input[0]) > int(node.input[1])
    assert [values[f"in1_{what}"] for what in ("rq", "mul", "add", "shift")] == [0, 1, 0, 0]
    assert values["in2_rq"] == 1
    assert values["in2_mul"] == own.multiplier


def test_constants_beyond_double_precision_are_refused() -> None:
    """Rounded silently, they would compute something else."""
    ranges = AccumulatorRange(np.array([0]), np.array([255]))
    requant = Requant(np.array([2**54 + 1]), np.array([0]), 55, 8, False, ranges, 64)
    layer = Conv("conv", "x", "y", np.ones((1, 1, 1, 1), np.int64), 2, requant)
    tensors = (Tensor("x", (1, 1, 1), 8), Tensor("y", (1, 1, 1), 8))
    with pytest.raises(InputError, match=r"wide: a multiplier of 18014398509481985 is beyond"):
        to_dory(Graph("wide", tensors, (layer,), "x", "y"))


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """Not a traceback."""
    (tmp_path / "file").write_text("")
    graph = random_graph(3, deployable=True)
    with pytest.raises(InputError, match="cannot write the network: "):
        write_dory(graph, tmp_path / "file" / "net", random_images(graph))
