"""Whole networks as one model: what they compute, and in which kernels."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve import Configuration, InputError, Precision, UnsupportedError
from mpsolve.profiles.networks import NetworkBuilder
from mpsolve.profiles.targets.measured.end_to_end import asked_for, network_call, running
from mpsolve.profiles.targets.measured.ort.formats import FLOAT, INT8, WEIGHT_ONLY
from mpsolve.profiles.targets.measured.ort.kernels import kernels
from mpsolve.profiles.targets.measured.ort.model import network_model, owners
from mpsolve.profiles.targets.measured.ort.runtime import (
    optimised,
    outputs,
    random_inputs,
    session,
)
from tests.profiles.targets.measured.networks import (
    CASES,
    configuration,
    every_operator,
    int8_nodes,
)
from tests.profiles.targets.measured.oracle import SCALE, compute

if TYPE_CHECKING:
    from mpsolve.profiles.networks import Network
    from mpsolve.typing import NumberArray


def run(
    network: Network, chosen: Configuration
) -> tuple[NumberArray, bytes, dict[str, NumberArray]]:
    """The only output of a network, its model, and its inputs as ``(C, H, W)``."""
    model = network_model(network, chosen)
    ready = session(model)
    inputs = random_inputs(ready)
    (written,) = outputs(ready, inputs).values()
    return written, model, {name: values[0].astype(np.float64) for name, values in inputs.items()}


@pytest.mark.parametrize("case", CASES)
def test_a_network_computes_the_composition_of_its_layers(case: str) -> None:
    """Node after node in NumPy, in float64 or in integers, gives the output of the whole model.

    Another processor may round a code that lies in the middle to the other side.
    """
    network = every_operator()
    written, model, inputs = run(network, configuration(case))
    expected = compute(network, int8_nodes(case), inputs, model)["last"].reshape(1, -1)
    apart = np.abs(written - expected)
    assert np.median(apart) < 1e-4
    assert apart.max() < (1e-4 if case == "all float32" else 1.01 * SCALE)


@pytest.mark.parametrize("case", CASES)
def test_every_layer_runs_in_its_precision(case: str) -> None:
    """As many integer kernels as layers in int8, and as many float kernels as others.

    "dw not" has a float layer between int8 layers, whose weights ONNX Runtime would quantise of
    its own accord.
    """
    network, chosen = every_operator(), configuration(case)
    found = Counter(kernels(optimised(network_model(network, chosen))))
    int8 = sum(precision == INT8 for precision in chosen.values())
    assert found["QLinearConv"] + found["QGemm"] == int8
    assert found["Conv"] + found["Gemm"] == len(chosen) - int8
    assert found["FusedConv"] == found["FusedGemm"] == found["MatMul"] == 0
    assert running(kernels(optimised(network_model(network, chosen)))) == asked_for(network, chosen)


def test_a_float_layer_that_would_be_quantised_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all its optimisations ONNX Runtime computes a float layer between int8 layers in int8.

    They are switched off; were they not, the network would be refused.
    """
    monkeypatch.setattr("mpsolve.profiles.targets.measured.ort.runtime.UNWANTED", ())
    net = NetworkBuilder("sandwich")
    x = net.input(8, 6, 6)
    for name in ("a", "b", "c"):
        x = net.pw(name, x, 8)
    sandwich = net.build(x)
    chosen = Configuration({"a": INT8, "b": FLOAT, "c": INT8})
    message = "sandwich: ONNX Runtime runs 3 int8 instead of 1 float32, 2 int8."
    with pytest.raises(UnsupportedError, match=re.escape(message)):
        network_call(sandwich, chosen)
    monkeypatch.undo()
    network_call(sandwich, chosen)()


def test_who_decides_about_a_tensor() -> None:
    """The layer that writes it; of an operator's inputs the largest, of equal ones the last."""
    found = owners(every_operator())
    by_hand = {
        "input": "",
        "add": "project",
        "mean": "project",
        "scaled": "project",
        "joined": "dw",
        "small": "head",
        "flat": "head",
    }
    layers = {layer.name: layer.name for layer in every_operator().layers}
    assert found == by_hand | layers


@pytest.mark.parametrize("precision", WEIGHT_ONLY, ids=str)
def test_linear_layers_of_few_bits(precision: Precision) -> None:
    """Tokens pass from a convolution through products with few bits per weight, and back."""
    net = NetworkBuilder("tokens")
    x = net.pw("embed", net.input(8, 4, 6), 64)
    x = net.linear("up", x, 96)
    x = net.linear("down", x, 64)
    network = net.build(net.pw("back", x, 8))
    plain = Configuration.homogeneous(["embed", "up", "down", "back"], FLOAT)
    few = Configuration({**plain, "up": precision, "down": precision})
    reference, _, _ = run(network, plain)
    written, model, _ = run(network, few)
    assert written.shape == (1, 8, 4, 6)
    assert running(kernels(optimised(model)))["weight-only"] == 2
    apart = (written - reference).std() / reference.std()
    assert 0 < apart < (0.2 if precision.name.startswith("w4") else 0.03)


def test_weights_that_two_nodes_share() -> None:
    """A layer that is called twice has one set of weights, in float32 and in int8."""
    net = NetworkBuilder("twice")
    x = net.linear("a", net.input(16), 16)
    x = net.linear("again", x, 16, layer="a")
    network = net.build(x)
    for precision, int8 in ((FLOAT, set[str]()), (INT8, {"a", "again"})):
        written, model, inputs = run(network, Configuration({"a": precision}))
        expected = compute(network, int8, inputs, model)["again"].reshape(1, -1)
        np.testing.assert_allclose(written, expected, atol=SCALE if int8 else 1e-5)


def test_sums_of_three() -> None:
    """An adder of three tensors in int8 rounds in between, since the kernel adds two."""
    net = NetworkBuilder("three")
    x = net.pw("a", net.input(8, 3, 3), 8)
    y, z = net.pw("b", x, 8), net.pw("c", x, 8)
    network = net.build(net.add("sum", x, y, z))
    chosen = Configuration.homogeneous("abc", INT8)
    written, model, inputs = run(network, chosen)
    values = compute(network, {"a", "b", "c"}, inputs, model)
    exact = (values["a"] + values["b"] + values["c"])[None]
    np.testing.assert_allclose(written, exact.clip(-8, 127 / 16), atol=SCALE)


def test_the_same_weights_every_time() -> None:
    """A model is a function of its arguments."""
    network, chosen = every_operator(), configuration("all int8")
    assert network_model(network, chosen) == network_model(network, chosen)
    assert network_model(network, chosen) != network_model(network, chosen, seed=1)


def test_what_cannot_be_built() -> None:
    """The message names the node or the layer and says what to do."""
    net = NetworkBuilder("odd")
    x = net.pw("a", net.input(4, 5, 5), 4)
    softmax = net.operator("soft", "other", (x,), (4, 5, 5))
    with pytest.raises(InputError, match="odd: node soft is of the kind other"):
        network_model(net.build(softmax), {"a": FLOAT})
    whole = NetworkBuilder("odd")
    x = whole.pw("a", whole.input(4, 5, 5), 4)
    network = whole.build(x)
    with pytest.raises(InputError, match="no precision for layer a"):
        network_model(network, {})
    with pytest.raises(InputError, match="Layer a cannot be built at 8b/4b: write 32b/32b, 8b/8b"):
        network_model(network, {"a": Precision(8, 4)})
    with pytest.raises(InputError, match="a linear layer, w8g32, w4g32, w8g32a8, w4g32a8"):
        network_model(network, {"a": next(iter(WEIGHT_ONLY))})
    pooled = whole.operator("p", "pool", (x,), (4, 4, 4))
    with pytest.raises(InputError, match="Node p: no windows of one size pool 5x5 to 4x4"):
        network_model(whole.build(pooled), {"a": FLOAT})
    apart = NetworkBuilder("odd")
    x = apart.pw("a", apart.input(4, 5, 5), 4)
    joined = apart.operator("j", "concat", (x, x), (4, 5, 5))
    with pytest.raises(InputError, match="Node j: its inputs do not join"):
        network_model(apart.build(joined), {"a": FLOAT})
    experts = NetworkBuilder("experts")
    x = experts.linear("e", experts.input(4), 4, share=0.5)
    with pytest.raises(InputError, match="layer e runs in a part of all inferences"):
        network_model(experts.build(x), {"e": FLOAT})
