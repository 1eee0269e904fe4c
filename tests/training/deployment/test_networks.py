"""Whole networks: integers against the quantised model, ONNX Runtime and the kernels for DORY."""

from __future__ import annotations

import json
from functools import cache
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mpsolve import Configuration
from mpsolve.deploy import AccumulatorRange, Conv, Linear
from mpsolve.deploy.dory_rules import check_folder
from mpsolve.deploy.interpreter import run, run_all
from mpsolve.deploy.onnx_file import read_configuration
from mpsolve.deploy.onnxruntime_emitter import to_onnx
from mpsolve.training import agreement, export, integerise
from tests.deploy.dory_kernels import Kernels, read_golden
from tests.training.deployment.networks import MIXES, NETWORKS, images, quantised, randomise

if TYPE_CHECKING:
    from pathlib import Path

    from mpsolve.deploy import Graph
    from mpsolve.training.wrapping.quantised_model import QuantisedModel

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

CASES = [(name, mix) for name in NETWORKS for mix in MIXES]
every_network = pytest.mark.parametrize(("name", "mix"), CASES)
#: Bits -> shift -> share of outputs that differ by 1 from the float model: measured with random
#: layers of more than 500 products per output, which is more than in any layer here.
MISMATCH = {
    8: {16: 0.089, 19: 0.015, 22: 0.0015},
    4: {16: 0.0005, 19: 0.0},
    2: {12: 0.0},
}
#: Where single precision cannot tell on which side of half a step a number lies.
TIES = 5e-4


@cache
def model(name: str, mix: str, signed: bool = True) -> QuantisedModel:
    """A network of random weights and statistics in a mix of precisions."""
    x = images(32) if signed else images(32).abs()
    return quantised(randomise(NETWORKS[name](), seed=1), x, MIXES[mix], signed_input=signed)


def expected_rate(bits: int, shift: int) -> float:
    """The figure for the next lower shift that was measured."""
    return min(rate for known, rate in MISMATCH[bits].items() if known <= shift) + TIES


@every_network
def test_layers_differ_by_one_and_rarely(name: str, mix: str) -> None:
    """Given the model's codes, a layer is within 1 where |acc| < 2^(d+1) - 2, and mostly equal.

    A multiplier is rounded by 1/2 at most, an addend by 1, and both are worth 2^-d steps.
    """
    wrapped = model(name, mix)
    network = integerise(wrapped)
    found = agreement(network, wrapped, images(32))
    for node in network.graph.nodes:
        if not isinstance(node, Conv | Linear):
            continue
        differences = found[node.name].own
        assert differences.values > 0
        if node.requant is None:
            assert differences.largest <= 1
            continue
        reach = node.accumulators(network.graph.inputs_of(node))
        largest = max(-int(reach.low.min()), int(reach.high.max()))
        assert differences.largest <= ceil((largest / 2 + 1) / 2**node.requant.shift)
        expected = differences.values * expected_rate(node.requant.bits, node.requant.shift)
        assert differences.different <= expected + 3 * sqrt(expected)  # three deviations


@every_network
def test_sums_are_exact_and_means_round_up(name: str, mix: str) -> None:
    """Adders of equal steps are equal; means differ by 1 at most, where they end in one half."""
    wrapped = model(name, mix)
    network = integerise(wrapped)
    found = agreement(network, wrapped, images(32))
    for node in found.nodes:
        if "add" in node.node:
            assert node.own.largest == 0
        assert node.own.largest <= 1


@every_network
def test_onnxruntime_computes_every_tensor_exactly(name: str, mix: str) -> None:
    """Bit for bit, for codes of images and for the extreme codes."""
    network = integerise(model(name, mix))
    graph = network.graph
    tensor = graph[graph.input]
    codes = network.input_codes(images(6, seed=5))
    codes[-1] = tensor.low
    codes[-2] = tensor.high
    expected = run_all(graph, codes)
    for tensor_name, values in onnxruntime_tensors(graph, codes).items():
        np.testing.assert_array_equal(values, expected[tensor_name], err_msg=tensor_name)


def onnxruntime_tensors(graph: Graph, codes: Any) -> dict[str, Any]:
    """What ONNX Runtime computes for every tensor that a node writes."""
    written, names = to_onnx(graph), [node.output for node in graph.nodes]
    del written.graph.output[:]
    written.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        written.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    fed = codes.astype(np.int8 if graph[graph.input].signed else np.uint8)
    return dict(zip(names, session.run(names, {graph.input: fed}), strict=True))


@every_network
def test_the_configuration_survives(name: str, mix: str, tmp_path: Path) -> None:
    """Model, graph, ONNX file and JSON say the same."""
    wrapped = model(name, mix)
    network = integerise(wrapped)
    assert network.graph.configuration() == wrapped.configuration == network.configuration
    path = export(network, tmp_path)
    assert Configuration.read(path) == wrapped.configuration
    entries = json.loads(path.read_text())
    assert read_configuration(tmp_path / entries["model"]) == wrapped.configuration
    quantiser = wrapped.activation_quantisers[wrapped.groups[0].name]
    assert entries["input"] == {
        "scale": float(quantiser.scale_for(images())),
        "bits": 8,
        "signed": True,
        "shape": [3, 8, 8],
    }


@every_network
def test_input_codes_are_those_of_the_quantiser(name: str, mix: str) -> None:
    """Also beyond the threshold."""
    wrapped = model(name, mix)
    x = 3 * images(8, seed=7)
    quantiser = wrapped.activation_quantisers[wrapped.groups[0].name]
    np.testing.assert_array_equal(integerise(wrapped).input_codes(x), quantiser.integers(x).numpy())


@pytest.mark.parametrize("name", NETWORKS)
def test_an_input_without_a_sign_has_twice_the_codes(name: str, tmp_path: Path) -> None:
    """Layers still differ by one and rarely, and ONNX Runtime computes the same."""
    wrapped, x = model(name, "mixed", False), images(32).abs()
    network = integerise(wrapped)
    tensor = network.graph[network.graph.input]
    assert (tensor.bits, tensor.signed, tensor.high) == (8, False, 255)
    assert network.input_scale == pytest.approx(float(x.max()) / 255)
    codes = network.input_codes(x)
    assert (codes.min(), codes.max()) == (np.rint(float(x.min()) / network.input_scale), 255)
    found = agreement(network, wrapped, x)
    assert all(entry.own.largest <= 1 for entry in found.nodes[:-1])
    assert found.class_rate >= 0.9
    entries = json.loads(export(network, tmp_path, images=x).read_text())
    assert entries["input"]["signed"] is False


DEPLOYABLE = [(*case, True) for case in CASES if case[0] in ("residual", "separable")]


@pytest.mark.parametrize(
    ("name", "mix", "signed"),
    [*DEPLOYABLE, ("residual", "mixed", False), ("separable", "8", False)],
)
def test_kernels_compute_what_is_written_for_dory(
    name: str, mix: str, signed: bool, tmp_path: Path
) -> None:
    """No rule is broken, and an interpreter of the file alone computes the golden activations."""
    wrapped = model(name, mix, signed)
    path = export(wrapped, tmp_path, "dory", images=images(1, seed=3))
    config = tmp_path / json.loads(path.read_text())["dory_configuration"]
    assert check_folder(config) == ()
    assert json.loads(config.read_text())["input_signed"] is signed
    kernels = Kernels(config)
    golden = sorted(tmp_path.glob("out_layer*.txt"), key=lambda file: int(file.stem[9:]))
    assert len(golden) == len(kernels.written)
    for file, written in zip(golden, kernels.written, strict=True):
        np.testing.assert_array_equal(read_golden(file), kernels.values[written].ravel())
    network = integerise(wrapped, clip="kernels")
    output = run(network.graph, network.input_codes(images(1, seed=3)))[0]
    np.testing.assert_array_equal(kernels.values[kernels.output], output)


def test_sixty_four_bits_are_closer() -> None:
    """The wider kernel has a larger shift in every layer, and hardly ever another code."""
    wrapped = model("residual", "8")
    narrow, wide = integerise(wrapped), integerise(wrapped, width=64)
    for first, second in zip(narrow.graph.layers, wide.graph.layers, strict=True):
        if first.requant is not None and second.requant is not None:
            assert second.requant.shift > first.requant.shift
            assert isinstance(second.requant.accumulators, AccumulatorRange)
    for node in agreement(wide, wrapped, images(32)).nodes:
        if node.node in wide.graph.configuration():
            assert node.own.rate <= TIES
