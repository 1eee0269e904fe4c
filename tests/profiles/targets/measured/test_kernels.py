"""Single layers: which kernel runs, and what it computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from mpsolve import Precision
from mpsolve.profiles.networks import LayerType
from mpsolve.profiles.targets.measured.ort.formats import FLOAT, INT8, WEIGHT_ONLY, candidates
from mpsolve.profiles.targets.measured.ort.kernels import bare, kernels, kernels_of, refusal
from mpsolve.profiles.targets.measured.ort.model import layer_model
from mpsolve.profiles.targets.measured.ort.offered import rounding, why_not
from mpsolve.profiles.targets.measured.ort.runtime import (
    bound,
    optimised,
    outputs,
    random_inputs,
    session,
)
from mpsolve.profiles.targets.measured.ort.train import COPIES, train
from tests.profiles.chain import conv, depthwise, linear
from tests.profiles.targets.measured.oracle import (
    constants,
    dequantise,
    float_layer,
    int8_layer,
)

if TYPE_CHECKING:
    from mpsolve.typing import NumberArray

LAYERS = {
    "conv": conv(3, 16, 9, stride=2),
    "conv of 5 channels": conv(5, 7, 6),
    "dw": depthwise(16, 8),
    "dw of stride 2": depthwise(24, 7, stride=2),
    "pw": conv(16, 32, 4, k=1),
    "grouped": LayerType("conv", 8, 12, (5, 5), (5, 5), (3, 3), padding=(1, 1), groups=4),
    "dilated": LayerType("conv", 4, 6, (9, 7), (5, 3), (3, 3), dilation=(2, 2)),
    "cut off": LayerType("conv", 4, 4, (6, 6), (3, 3), (3, 3), (2, 2)),
    "linear": linear(48, 10),
    "tokens": linear(32, 24, tokens=5),
}
linear_only = pytest.mark.parametrize("precision", WEIGHT_ONLY, ids=str)


def channels_first(
    values: NumberArray, layer_type: LayerType, *, written: bool = False
) -> NumberArray:
    """What a model reads or writes, as ``(C, H, W)``."""
    size = layer_type.out_size if written else layer_type.in_size
    if layer_type.kind == "linear":
        return values.T.reshape(-1, *size)
    return values[0]


def run(
    layer_type: LayerType, precision: Precision
) -> tuple[NumberArray, NumberArray, dict[str, NumberArray]]:
    """Input and output of a layer alone, and the constants of its model."""
    model = layer_model(layer_type, precision)
    ready = session(model)
    inputs = random_inputs(ready)
    (read,), (written,) = inputs.values(), outputs(ready, inputs).values()
    return (
        channels_first(read, layer_type),
        channels_first(written, layer_type, written=True),
        constants(model),
    )


@pytest.mark.parametrize("layer_type", LAYERS.values(), ids=LAYERS)
def test_float_layers(layer_type: LayerType) -> None:
    """A layer in float32 computes what NumPy computes in float64."""
    read, written, known = run(layer_type, FLOAT)
    expected = float_layer(read.astype(np.float64), layer_type, known, "layer0")
    np.testing.assert_allclose(written, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layer_type", LAYERS.values(), ids=LAYERS)
def test_int8_layers(layer_type: LayerType) -> None:
    """A layer in int8 computes the integer sums and rounds them once.

    Where the exact result lies within 1e-3 of the middle between two codes, the float32 multiplier
    of the kernel may take the other one.
    """
    read, written, known = run(layer_type, INT8)
    assert read.dtype == written.dtype == np.uint8
    expected = int8_layer(read, layer_type, known, "layer0")
    assert len(np.unique(expected)) > 5
    apart = written.astype(int) - expected
    assert np.abs(apart).max() <= 1
    assert np.count_nonzero(apart) <= 0.01 * apart.size


@linear_only
@pytest.mark.parametrize("layer_type", [LAYERS["linear"], LAYERS["tokens"]], ids=str)
def test_weight_only_layers(layer_type: LayerType, precision: Precision) -> None:
    """Weights of few bits are unpacked, scaled by block, and multiplied with the activations."""
    read, written, known = run(layer_type, precision)
    codes, scales = known["layer0_weights"], known["layer0_weights_scale"]
    bits = WEIGHT_ONLY[precision].bits
    matrix = np.zeros((layer_type.out_channels, layer_type.in_channels))
    for row in range(matrix.shape[0]):
        for column in range(matrix.shape[1]):
            block, place = divmod(column, 32)
            byte = int(codes[row, block, place * bits // 8])
            code = byte if bits == 8 else byte >> 4 if place % 2 else byte & 15
            matrix[row, column] = (code - 2 ** (bits - 1)) * scales[row, block]
    exact = np.einsum("oc,chw->ohw", matrix, read.astype(np.float64))
    exact += known["layer0_bias"][:, None, None]
    error = np.abs(written - exact).max() / exact.std()
    assert error < (0.1 if precision.b_in == 8 else 1e-4)


@pytest.mark.parametrize("bits", [4, 8])
def test_weight_only_formats_are_near_the_weights(bits: int) -> None:
    """A block's weights are off by half a step of its largest one at most."""
    layer_type = linear(70, 6)  # two blocks and a part of one
    (precision,) = (p for p, form in WEIGHT_ONLY.items() if form.bits == bits and not form.rounded)
    plain = constants(layer_model(layer_type, FLOAT))["layer0_weights"].T
    known = constants(layer_model(layer_type, precision))
    scales = known["layer0_weights_scale"]
    assert scales.shape == (6, 3)
    padded = np.pad(plain, ((0, 0), (0, 26))).reshape(6, 3, 32)
    steps = np.abs(padded).max(axis=2) / (2 ** (bits - 1) - 1)
    np.testing.assert_allclose(scales, steps, rtol=1e-6)
    read, written, _ = run(layer_type, precision)
    unquantised = np.einsum("oc,chw->ohw", plain, read) + known["layer0_bias"][:, None, None]
    bound_on_error = (np.abs(read[:, 0, 0]) @ np.repeat(steps / 2, 32, axis=1)[:, :70].T)[
        :, None, None
    ]
    assert (np.abs(written - unquantised) <= bound_on_error + 1e-4).all()


@pytest.mark.parametrize("precision", [FLOAT, INT8], ids=str)
@pytest.mark.parametrize("layer_type", LAYERS.values(), ids=LAYERS)
def test_the_kernel_that_runs(layer_type: LayerType, precision: Precision) -> None:
    """One kernel of the precision is left of a layer, and no quantisation beside it."""
    best = optimised(layer_model(layer_type, precision))
    (kernel,) = kernels(best)
    integer = ("QLinearConv", "QGemm")
    assert kernel in (integer if precision == INT8 else ("Conv", "FusedConv", "Gemm"))
    assert refusal(best, precision) == ""
    assert why_not(layer_type, precision) == ""


def test_a_layer_that_is_not_fused_is_refused() -> None:
    """A convolution between dequantisation and quantisation whose weights are float32 is no int8.

    ONNX Runtime computes it in float32, whatever surrounds it.
    """
    make, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        make.make_node("DequantizeLinear", ["x", "scale", "zero"], ["real"]),
        make.make_node("Conv", ["real", "weights"], ["sums"]),
        make.make_node("QuantizeLinear", ["sums", "scale", "zero"], ["y"]),
    ]
    values = {
        "scale": np.float32(0.1),
        "zero": np.uint8(128),
        "weights": np.ones((4, 4, 1, 1), np.float32),
    }
    graph = make.make_graph(
        nodes,
        "unfused",
        [make.make_tensor_value_info("x", kinds.UINT8, [1, 4, 8, 8])],
        [make.make_tensor_value_info("y", kinds.UINT8, [1, 4, 8, 8])],
        [onnx.numpy_helper.from_array(np.asarray(v), name) for name, v in values.items()],
    )
    opsets = [make.make_opsetid("", 18)]
    model = make.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    assert refusal(optimised(model), INT8) == (
        "ONNX Runtime runs DequantizeLinear, Conv, QuantizeLinear instead of one kernel"
    )


@linear_only
def test_rounded_activations_show_in_the_result(precision: Precision) -> None:
    """A kernel that rounds its activations is a hundred times less exact than one that does not."""
    error = rounding(linear(64, 32), precision)
    assert error > 1e-2 if WEIGHT_ONLY[precision].rounded else error < 1e-4


def test_a_kernel_that_rounds_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for float32 activations is not given 8-bit ones, and the other way round."""
    monkeypatch.setattr(
        "mpsolve.profiles.targets.measured.ort.model.ACCURACY_LEVEL", {False: 4, True: 1}
    )
    reasons = {p: why_not(linear(64, 32), p) for p in WEIGHT_ONLY}
    for precision, reason in reasons.items():
        found = "in float32" if precision.b_in == 8 else "of 8 bits"
        assert reason == f"MatMulNBits computes with activations {found}"


def test_what_is_tried() -> None:
    """Weight-only formats are for matrix products; their scale is part of their bits."""
    assert candidates("conv") == candidates("dw") == candidates("pw") == (FLOAT, INT8)
    assert candidates("linear")[:2] == (FLOAT, INT8)
    bits = {p.name: (p.b_in, p.b_wt) for p in candidates("linear")[2:]}
    assert bits == {"w8g32": (32, 9), "w4g32": (32, 5), "w8g32a8": (8, 9), "w4g32a8": (8, 5)}
    assert all(Precision.parse(f"{p.name}:{p.b_in}/{p.b_wt}") == p for p in WEIGHT_ONLY)
    assert all(kernels_of(p) == {"MatMulNBits"} for p in WEIGHT_ONLY)


@pytest.mark.parametrize("precision", [FLOAT, INT8], ids=str)
@pytest.mark.parametrize("name", ["conv", "dw", "pw", "tokens"])
def test_a_train_runs_kernels_alone(name: str, precision: Precision) -> None:
    """Only copies of the kernel are left, each with weights of its own, and no change of layout.

    They read what the kernel reads in the whole model, and write what it writes there.
    """
    layer_type = LAYERS[name]
    best = optimised(layer_model(layer_type, precision, copies=3))
    inputs = random_inputs(session(best.SerializeToString(), optimise=False))
    whole = outputs(session(best.SerializeToString(), optimise=False), inputs)
    part = bare(best, inputs)
    operators = [node.op_type for node in onnx.load_from_string(part.model).graph.node]
    assert len(operators) == 3
    assert set(operators) <= kernels_of(precision)
    results = outputs(session(part.model, optimise=False), part.inputs)
    # Layouts differ and channels are padded with zeros, so only the values are compared.
    found = [frozenset(values.ravel().tolist()) for values in results.values()]
    for expected in whole.values():
        holders = [values for values in found if values.issuperset(expected.ravel().tolist())]
        assert len(holders) == 1
        found.remove(holders[0])


def test_how_many_copies_run() -> None:
    """As many as it takes to read the weights that were asked for, within limits."""
    layer_type = linear(1024, 1024)  # 4 MiB in float32, 1 MiB in int8
    assert train(layer_type, FLOAT, 6, 1).copies == 2
    assert train(layer_type, INT8, 6, 1).copies == 6
    assert train(layer_type, FLOAT, 0, 1).copies == 1
    assert train(linear(8, 8), FLOAT, 1, 1).copies == COPIES


def test_outputs_of_one_shape_share_their_place() -> None:
    """A call of many copies writes to one place, so that caches hold it as those of a network."""
    ready = session(layer_model(LAYERS["pw"], FLOAT, copies=4))
    call = bound(ready, random_inputs(ready))
    assert len(call.places) == 2
    before = call.places[1].numpy().copy()
    call()
    np.testing.assert_array_equal(call.places[1].numpy().shape, before.shape)


def test_codes_are_what_they_stand_for() -> None:
    """The oracle's own rounding: halves to even, and saturation at both ends."""
    read = dequantise(np.array([0, 1, 127, 128, 255], np.uint8))
    assert read.tolist() == [-8.0, -7.9375, -0.0625, 0.0, 7.9375]
