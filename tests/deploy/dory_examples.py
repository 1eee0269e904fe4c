"""Files that keep every rule of DORY: one of ours, one as quantlib exports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.deploy import (
    AccumulatorRange,
    Add,
    Affine,
    AveragePool,
    Conv,
    Flatten,
    Graph,
    Linear,
    MaxPool,
    Requant,
    Tensor,
    requantise,
)

if TYPE_CHECKING:
    from mpsolve.deploy.nodes import Node


def conforming_graph() -> Graph:
    """Every kind of node: strided, depthwise, residual, pooled, flat, with and without bias."""
    rng = np.random.default_rng(0)
    tensors = [Tensor("x", (4, 8, 8), 8, True)]
    nodes: list[Node] = []

    def scaled(accumulators: AccumulatorRange, bits: int) -> Requant:
        shape = accumulators.low.shape
        slope = np.full(shape, 2**bits / float((accumulators.high - accumulators.low).max()))
        return requantise(Affine(slope, np.zeros(shape)), accumulators, bits=bits)

    def conv(name: str, weights: tuple[int, ...], bits: int, out: int, **options: Any) -> None:
        top = tensors[-1]
        limit = 1 << bits - 1
        numbers = rng.integers(-limit, limit, weights)
        accumulators = AccumulatorRange.worst_case(numbers, top, options.get("bias"))
        requant = scaled(accumulators, out)
        node = Conv(name, top.name, f"{name}_out", numbers, bits, requant, **options)
        add(node, node.output_shape((top.shape,)), out)

    def add(node: Node, shape: tuple[int, ...], bits: int, signed: bool = False) -> None:
        nodes.append(node)
        tensors.append(Tensor(node.output, shape, bits, signed))

    conv("stem", (8, 4, 3, 3), 4, 8, stride=(2, 2), pads=(1, 1, 1, 1), bias=np.arange(8))
    skip = tensors[-1]
    conv("dw", (8, 1, 3, 3), 4, 4, groups=8, pads=(1, 1, 1, 1))
    conv("pw", (8, 8, 1, 1), 2, 8)
    rescale = scaled(AccumulatorRange.between(0, 255), 8)
    add(Add("add", (skip.name, "pw_out"), "sum", first=rescale), (8, 4, 4), 8)
    add(MaxPool("max", "sum", "max_out", (2, 2), (2, 2)), (8, 2, 2), 8)
    mean = AveragePool("mean", "max_out", "mean_out", (2, 2))
    quarter = scaled(mean.accumulators((tensors[-1],)), 8)
    add(AveragePool("mean", "max_out", "mean_out", (2, 2), requant=quarter), (8, 1, 1), 8)
    add(Flatten("flat", "mean_out", "flat_out"), (8,), 8)
    hidden = rng.integers(-8, 8, (8, 8))
    wide = AccumulatorRange.worst_case(hidden, tensors[-1])
    add(Linear("hidden", "flat_out", "h", hidden, 4, scaled(wide, 8)), (8,), 8)
    add(Linear("fc", "h", "y", rng.integers(-8, 8, (4, 8)), 8, None, np.arange(4)), (4,), 32, True)
    return Graph("net", tuple(tensors), tuple(nodes), "x", "y")


def exported_by_quantlib() -> Any:
    """Hand-written as torch and quantlib write it: float constants (C, 1, 1), a global pool."""
    import onnx

    make: Any = onnx.helper.make_node
    array = onnx.numpy_helper.from_array
    rng = np.random.default_rng(0)

    def floats(values: Any) -> Any:
        return np.asarray(values, np.float32)

    constants = {
        "conv.weight": rng.integers(-8, 8, (16, 3, 3, 3)),
        "conv.mul": np.full((16, 1, 1), 4000),
        "conv.add": np.full((16, 1, 1), 2**18),
        "pool.mul": np.array(64 * 4000),
        "pool.add": np.array(2**18),
        "fc.weight": rng.integers(-128, 128, (10, 16)),
        "fc.bias": rng.integers(-999, 999, 10),
    }
    nodes = [
        make(
            "Conv",
            ["input.1", "conv.weight"],
            ["17"],
            **{"kernel_shape": [3, 3], "strides": [1, 1], "dilations": [1, 1], "group": 1},
            **{"pads": [1, 1, 1, 1], "weight_bits": 4, "bias_bits": 32},
        ),
        make("Mul", ["17", "conv.mul"], ["18"], mult_bits=32),
        make("Add", ["18", "conv.add"], ["19"], add_bits=32),
        make("Constant", [], ["20"], value=array(floats(2**19))),
        make("Div", ["19", "20"], ["21"]),
        make("Floor", ["21"], ["22"]),
        make("Clip", ["22"], ["23"], min=0.0, max=255.0, out_bits=8),
        make("GlobalAveragePool", ["23"], ["24"], name="GlobalAveragePool_7"),
        make("Mul", ["24", "pool.mul"], ["25"], mult_bits=32),
        make("Add", ["25", "pool.add"], ["26"], add_bits=32),
        make("Constant", [], ["27"], value=array(floats(2**19))),
        make("Div", ["26", "27"], ["28"]),
        make("Floor", ["28"], ["29"]),
        make("Clip", ["29"], ["30"], min=0.0, max=255.0, out_bits=8),
        make("Constant", [], ["31"], value=array(np.array([1, 16]))),
        make("Reshape", ["30", "31"], ["32"]),
        make(
            "Gemm",
            ["32", "fc.weight", "fc.bias"],
            ["33"],
            **{"alpha": 1.0, "beta": 1.0, "transB": 1, "weight_bits": 8, "bias_bits": 32},
        ),
    ]
    info, single = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "exported",
        [info("input.1", single, [1, 3, 8, 8]), info("conv.mul", single, [16, 1, 1])],
        [info("33", single, [1, 10])],
        [array(floats(values), name) for name, values in constants.items()],
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 10)])
