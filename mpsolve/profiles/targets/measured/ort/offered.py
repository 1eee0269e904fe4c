"""Whether ONNX Runtime computes a layer in the precision that it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import UnsupportedError
from mpsolve.profiles.targets.measured.ort.formats import WEIGHT_ONLY
from mpsolve.profiles.targets.measured.ort.kernels import refusal
from mpsolve.profiles.targets.measured.ort.model import alone, layer_model
from mpsolve.profiles.targets.measured.ort.runtime import (
    optimised,
    outputs,
    random_inputs,
    session,
)
from mpsolve.profiles.targets.measured.ort.weights import (
    dequantised_blocks,
    per_block,
    random_weights,
)

if TYPE_CHECKING:
    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.layer_type import LayerType

#: Largest error, in standard deviations of the result. Products in float32 stay below 1e-5,
#: activations rounded to 8 bits exceed 1e-2.
ROUNDED = 1e-3
#: Bytes of weights; a serialised model has less than 2 GiB.
LARGEST_MODEL = 2**31 - 2**24


def why_not(layer_type: LayerType, precision: Precision, threads: int = 1) -> str:
    """Why a layer type is not offered in a precision; "" if it is.

    The optimised model must consist of the kernel of that precision. Whether a kernel for
    weights of few bits rounds its activations is not to be seen there, but in its results.
    """
    if layer_type.weights * precision.b_wt / 8 > LARGEST_MODEL:
        return "a model of this size cannot be stored in one piece"
    model = layer_model(layer_type, precision)
    try:
        best = optimised(model, threads)
    except UnsupportedError as error:
        return str(error)
    if why := refusal(best, precision):
        return why
    form = WEIGHT_ONLY.get(precision)
    if form is None:
        return ""
    rounded = rounding(layer_type, precision, threads) > ROUNDED
    if rounded is form.rounded:
        return ""
    return f"MatMulNBits computes with activations {'of 8 bits' if rounded else 'in float32'}"


def rounding(layer_type: LayerType, precision: Precision, threads: int = 1) -> float:
    """Largest error of a product with weights of few bits, in standard deviations of it."""
    layer = alone(layer_type).layers[0].name
    weights = random_weights(layer, layer_type, 0)
    rows = weights.matrix.reshape(layer_type.out_channels, -1)
    matrix = dequantised_blocks(*per_block(rows, WEIGHT_ONLY[precision].bits), rows.shape[1])
    run = session(layer_model(layer_type, precision), threads)
    inputs = random_inputs(run)
    (read,) = inputs.values()
    (result,) = outputs(run, inputs).values()
    exact = read.astype(np.float64) @ matrix.T + weights.bias
    return float(np.abs(result - exact).max() / exact.std())
