"""Executes a file for DORY as PULP-NN's kernels would, from nothing but the file.

It knows no graph: bits and signs come from attributes and the configuration, multipliers from
constants, and tensors lie as (H, W, C).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from mpsolve.typing import IntArray

Codes = tuple[int, bool]


def clip(values: IntArray, codes: Codes) -> IntArray:
    """clip8, clips8 and so on."""
    bits, signed = codes
    low = -(2 ** (bits - 1)) if signed else 0
    return np.minimum(np.maximum(values, low), low + 2**bits - 1)


def read_golden(path: Path) -> IntArray:
    """The numbers of a text file, as DORY reads them."""
    return np.loadtxt(path, delimiter=",", dtype=np.int64, usecols=[0])


class Kernels:
    """All tensors that kernels compute, by name, from input.txt."""

    def __init__(self, config_path: Path, input_name: str = "input.txt") -> None:
        import onnx
        from onnx import numpy_helper

        config = json.loads(config_path.read_text())
        graph = onnx.load(str(config_path.parent / config["onnx_file"])).graph
        self.numbers = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        self.codes: dict[str, Codes] = {}
        self.values: dict[str, IntArray] = {}
        self.written: list[str] = []
        name, shape = graph.input[0].name, graph.input[0].type.tensor_type.shape.dim
        read = np.loadtxt(
            config_path.parent / input_name, delimiter=",", dtype=np.uint8, usecols=[0]
        )
        self.codes[name] = (config["input_bits"], config["input_signed"])
        if config["input_signed"]:
            read = read.astype(np.int8)
        sizes = [d.dim_value for d in shape[1:]]
        self.values[name] = read.astype(np.int64).reshape(*sizes[1:], sizes[0])
        self.pending: dict[str, IntArray] = {}
        for node in graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type == "Constant":
                self.numbers[node.output[0]] = numpy_helper.to_array(attributes["value"])
            else:
                getattr(self, node.op_type.lower())(list(node.input), node.output[0], attributes)
        self.output = graph.output[0].name

    def store(self, name: str, values: IntArray, codes: Codes) -> None:
        """A finished tensor."""
        self.values[name], self.codes[name] = values, codes
        self.written.append(name)

    def integers(self, name: str) -> IntArray:
        """A constant, which must hold integers of 32 bits."""
        values = self.numbers[name]
        assert (values == values.astype(np.int32)).all()
        return values.astype(np.int64)

    def conv(self, inputs: list[str], output: str, a: dict[str, Any]) -> None:
        """Sums of products per output channel."""
        image, weights = self.values[inputs[0]], self.integers(inputs[1])
        top, left, bottom, right = a["pads"]
        image = np.pad(image, ((top, bottom), (left, right), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(image, a["kernel_shape"], axis=(0, 1))
        windows = windows[:: a["strides"][0], :: a["strides"][1]]
        if a["group"] == 1:
            total = np.einsum("hwcrs,ocrs->hwo", windows, weights)
        else:
            total = np.einsum("hwcrs,crs->hwc", windows, weights[:, 0])
        self.accumulate(inputs, output, total)

    def matmul(self, inputs: list[str], output: str, a: dict[str, Any]) -> None:
        """One sum of products per output."""
        total = self.values[inputs[0]] @ self.integers(inputs[1])
        self.accumulate(inputs, output, total)

    gemm = matmul

    def accumulate(self, inputs: list[str], output: str, total: IntArray) -> None:
        """32-bit accumulators, begun with the bias."""
        total = total + (self.integers(inputs[2]) if len(inputs) > 2 else 0)
        assert np.abs(total).max() < 2**31
        self.store(output, total, (32, True))

    def averagepool(self, inputs: list[str], output: str, a: dict[str, Any]) -> None:
        """The sum is kept for a requantisation, and divided in case that none follows."""
        assert "pads" not in a
        image, area = self.values[inputs[0]], int(np.prod(a["kernel_shape"]))
        windows = np.lib.stride_tricks.sliding_window_view(image, a["kernel_shape"], axis=(0, 1))
        self.pending[output] = windows[:: a["strides"][0], :: a["strides"][1]].sum((3, 4))
        self.numbers[f"area of {output}"] = np.array(area)
        self.store(output, self.pending[output] // area, self.codes[inputs[0]])

    def maxpool(self, inputs: list[str], output: str, a: dict[str, Any]) -> None:
        """Pixels outside the image do not take part."""
        top, left, bottom, right = a["pads"]
        border = ((top, bottom), (left, right), (0, 0))
        image = np.pad(self.values[inputs[0]], border, constant_values=-(2**40))
        windows = np.lib.stride_tricks.sliding_window_view(image, a["kernel_shape"], axis=(0, 1))
        largest = windows[:: a["strides"][0], :: a["strides"][1]].max((3, 4))
        self.store(output, largest, self.codes[inputs[0]])

    def mul(self, inputs: list[str], output: str, a: dict[str, Any]) -> None:
        """k acc, where pools divide k by the area first."""
        multiplier = self.integers(inputs[1])
        self.written.remove(inputs[0])
        if inputs[0] in self.pending:
            accumulators = self.pending[inputs[0]]
            area = self.numbers[f"area of {inputs[0]}"]
            multiplier = multiplier // area
        else:
            accumulators = self.values[inputs[0]]
            multiplier = multiplier.reshape(-1)
        self.values[output] = multiplier * accumulators
        assert np.abs(self.values[output]).max() < 2**31

    def add(self, inputs: list[str], output: str, a: dict[str, Any]) -> None:
        """The addend of a requantisation, or a residual addition."""
        if inputs[1] in self.numbers:
            self.values[output] = self.values[inputs[0]] + self.integers(inputs[1]).reshape(-1)
            assert np.abs(self.values[output]).max() < 2**31
            return
        total = np.zeros(1, np.int64)
        for place, name in zip(("in1", "in2"), inputs, strict=True):
            product = self.values[name] * a[f"{place}_mul"] + a[f"{place}_add"]
            total = total + clip(product >> a[f"{place}_shift"], self.codes[name])
        total = (total * a["out_mul"] + a["out_add"]) >> a["out_shift"]
        codes = int(np.log2(a["out_n_levels"])), bool(a["out_signed"])
        self.store(output, clip(total, codes), codes)

    def div(self, inputs: list[str], output: str, a: dict[str, Any]) -> None:
        """An arithmetic shift, which rounds down."""
        self.values[output] = self.values[inputs[0]] >> int(np.log2(self.numbers[inputs[1]]))

    def floor(self, inputs: list[str], output: str, a: dict[str, Any]) -> None:
        """The shift has done it."""
        self.values[output] = self.values[inputs[0]]

    def clip(self, inputs: list[str], output: str, a: dict[str, Any]) -> None:
        """To all codes of the output."""
        codes = a["out_bits"], a["min"] < 0
        assert clip(np.array([a["min"] - 1, a["max"] + 1]), codes).tolist() == [a["min"], a["max"]]
        self.store(output, clip(self.values[inputs[0]], codes), codes)

    def flatten(self, inputs: list[str], output: str, a: dict[str, Any]) -> None:
        """Weights expect channels first."""
        self.codes[output] = self.codes[inputs[0]]
        self.values[output] = np.moveaxis(self.values[inputs[0]], -1, 0).ravel()
