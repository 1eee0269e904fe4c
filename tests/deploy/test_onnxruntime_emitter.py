"""The file for ONNX Runtime computes what the interpreter computes, bit by bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import InputError
from mpsolve.deploy import (
    AccumulatorRange,
    Affine,
    Conv,
    Graph,
    Linear,
    Requant,
    Tensor,
    requantise,
)
from mpsolve.deploy.interpreter import run_all
from mpsolve.deploy.onnx_file import read_configuration
from mpsolve.deploy.onnxruntime_emitter import to_onnx, write_onnx
from tests.deploy.networks import random_graph, random_images

if TYPE_CHECKING:
    from pathlib import Path

    from mpsolve.typing import IntArray

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def all_tensors(model: Any, graph: Graph, images: IntArray) -> dict[str, Any]:
    """What ONNX Runtime computes for every tensor of the graph."""
    names = [node.output for node in graph.nodes]
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    signed = graph[graph.input].signed
    fed = {graph.input: images.astype(np.int8 if signed else np.uint8)}
    return dict(zip(names, session.run(names, fed), strict=True))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_every_tensor_of_random_networks_is_equal(seed: int) -> None:
    """Residual, depthwise, grouped and strided, 2 to 8 bits, of either sign, with all pools."""
    graph = random_graph(seed)
    images = random_images(graph)
    expected = run_all(graph, images)
    for name, values in all_tensors(to_onnx(graph), graph, images).items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_the_largest_products_do_not_saturate() -> None:
    """Sums of 2 x 255 x 127 exceed 16 bits, in which some processors would add them."""
    image = Tensor("x", (64,), 8)
    weights = np.stack([np.full(64, 127), np.full(64, -128)])
    layer = Linear("fc", "x", "y", weights, 8)
    graph = Graph("extreme", (image, Tensor("y", (2,), 32, True)), (layer,), "x", "y")
    images = np.full((1, 64), 255)
    values = all_tensors(to_onnx(graph), graph, images)["y"]
    np.testing.assert_array_equal(values, [[64 * 255 * 127, -64 * 255 * 128]])


def test_no_operand_has_a_sign() -> None:
    """ONNX Runtime computes products of unsigned numbers exactly on every processor."""
    for seed in range(20):
        model = to_onnx(random_graph(seed))
        types = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
        for node in model.graph.node:
            if node.op_type in ("ConvInteger", "MatMulInteger"):
                weights = node.input[1]
                assert types[weights] == onnx.TensorProto.UINT8


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_file_is_a_valid_model_from_which_the_bits_are_read_back(seed: int) -> None:
    """The bits of every layer survive the way into a file and out of it."""
    graph = random_graph(seed)
    model = to_onnx(graph)
    onnx.checker.check_model(model, full_check=True)
    read = read_configuration(model)
    expected = {
        node.name: (graph[node.input].bits, node.weight_bits)
        for node in graph.nodes
        if isinstance(node, Conv | Linear)
    }
    assert {name: (p.b_in, p.b_wt) for name, p in read.items()} == expected
    assert read == graph.configuration()


def test_files(tmp_path: Path) -> None:
    """A file on disk is read like the model; what is none is refused in one sentence."""
    graph = random_graph(1)
    write_onnx(graph, tmp_path / "net.onnx")
    assert read_configuration(tmp_path / "net.onnx") == graph.configuration()
    (tmp_path / "text.onnx").write_text("not a model")
    with pytest.raises(InputError, match=r"text\.onnx: not an ONNX file"):
        read_configuration(tmp_path / "text.onnx")
    with pytest.raises(InputError, match=r"none\.onnx: cannot read the model: No such file"):
        read_configuration(tmp_path / "none.onnx")
    with pytest.raises(InputError, match="no operator says how many bits it has"):
        read_configuration(onnx.ModelProto())


def test_products_beyond_double_precision_are_refused() -> None:
    """2^53 + 1 is no double: a result may be rounded the wrong way."""
    image = Tensor("x", (1, 1, 1), 8)
    ranges = AccumulatorRange(np.array([0]), np.array([255]))
    requant = Requant(np.array([2**46]), np.array([1]), 46, 8, False, ranges, 64)
    layer = Conv("conv", "x", "y", np.ones((1, 1, 1, 1), np.int64), 2, requant)
    graph = Graph("wide", (image, Tensor("y", (1, 1, 1), 8)), (layer,), "x", "y")
    with pytest.raises(InputError, match=r"Node conv: k acc \+ l reaches .* beyond the 2\^53"):
        to_onnx(graph)


def test_ties_are_rounded_up() -> None:
    """1/2 and -1/2 of a step become 1 and 0, as in the kernels; torch rounds both to 0."""
    image = Tensor("x", (1, 1, 2), 4, True)
    accumulators = AccumulatorRange.worst_case(np.ones((1, 1, 1, 1), np.int64), image)
    requant = requantise(
        Affine(np.array([0.5]), np.array([0.0])), accumulators, bits=4, signed=True
    )
    layer = Conv("conv", "x", "y", np.ones((1, 1, 1, 1), np.int64), 2, requant)
    graph = Graph("ties", (image, Tensor("y", (1, 1, 2), 4, True)), (layer,), "x", "y")
    images = np.array([[[[1, -1]]]])
    np.testing.assert_array_equal(run_all(graph, images)["y"], [[[[1, 0]]]])
    np.testing.assert_array_equal(all_tensors(to_onnx(graph), graph, images)["y"], [[[[1, 0]]]])
