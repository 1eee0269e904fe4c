"""ONNX files: from PyTorch's exporter, from ONNX Runtime's quantiser, and written by hand."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization

from mpsolve.errors import InputError
from mpsolve.profiles.networks import LayerType, load_network, named_network, read_onnx
from tests.profiles.networks.helpers import content, skeleton
from tests.profiles.networks.torch_models import (
    ResNet8,
    TransformerBlock,
    mnasnet_a1,
    mobilenet_v2,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mpsolve.profiles.networks import Network


def export(model: torch.nn.Module, x: torch.Tensor, path: Path, **options: Any) -> None:
    """Write a model with its batch normalisation, by the exporter that needs nothing else."""
    mode = torch.onnx.TrainingMode.PRESERVE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            (x,),
            str(path),
            dynamo=False,
            training=mode,
            do_constant_folding=False,
            input_names=["x"],
            **options,
        )


def save(
    path: Path,
    nodes: list[onnx.NodeProto],
    shape: tuple[int | str, ...],
    weights: Mapping[str, tuple[int, ...]],
) -> Path:
    """Write a model with input ``x`` whose last node writes ``y``."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(np.zeros(dims, np.float32), name)
            for name, dims in weights.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(model, path)
    return path


def node(operator: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    """A node without a name; its inputs are separated by spaces."""
    return helper.make_node(operator, inputs.split(" "), output.split(" "), **attributes)


def nodes(network: Network) -> list[tuple[str, str, tuple[str, ...]]]:
    """Name, operator and inputs of every node."""
    return [(n.name, n.operator, n.inputs) for n in network.nodes]


@pytest.mark.parametrize(
    ("build", "shape", "name"),
    [
        (mobilenet_v2, (1, 3, 224, 224), "mobilenet_v2"),
        (mnasnet_a1, (1, 3, 96, 96), "mnasnet_a1_96"),
        (ResNet8, (1, 3, 32, 32), "resnet8"),
    ],
)
def test_exported_models_become_the_named_networks(
    build: Callable[[], torch.nn.Module], shape: tuple[int, ...], name: str, tmp_path: Path
) -> None:
    """Operators, layer types and connections are the same; the file names the network."""
    export(build(), torch.zeros(shape), tmp_path / "mine.onnx")
    network = load_network(str(tmp_path / "mine.onnx"))
    assert network.name == "mine"
    assert skeleton(network) == skeleton(named_network(name))


def test_layers_have_the_names_of_their_modules(tmp_path: Path) -> None:
    """The exporter hides the path in the names of the nodes."""
    export(ResNet8(), torch.zeros(1, 3, 32, 32), tmp_path / "mine.onnx")
    assert [name for name, _, _ in nodes(read_onnx(tmp_path / "mine.onnx"))][:8] == [
        "stem.0",
        "first.0.0",
        "second.0.0",
        "add",
        "first.1.0",
        "second.1.0",
        "shortcuts.0",
        "add#2",
    ]


def test_a_transformer_block(tmp_path: Path) -> None:
    """Weights are transposed and nameless here, and attention is written out."""
    export(TransformerBlock(), torch.zeros(1, 5, 32), tmp_path / "block.onnx", opset_version=17)
    network = read_onnx(tmp_path / "block.onnx")
    assert {layer.name: layer.layer_types[0] for layer in network.layers} == {
        name: LayerType("linear", i, o, (1, 5), (1, 5))
        for name, i, o in (
            *(("q", 32, 32), ("k", 32, 16), ("v", 32, 16), ("o", 32, 32)),
            *(("gate", 32, 48), ("up", 32, 48), ("down", 48, 32)),
        )
    }
    reads = {n.name: n.inputs for n in network.nodes}
    assert reads["q"] == reads["k"] == reads["v"]
    assert reads["gate"] == reads["up"]
    assert len(network.adders) == 2


class Calibration(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Two random images."""

    def __init__(self) -> None:
        self.images = [np.random.default_rng(i).random((1, 3, 32, 32)) for i in range(2)]

    def get_next(self) -> dict[str, Any] | None:
        return {"x": self.images.pop().astype(np.float32)} if self.images else None


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """ResNet8 with folded batch normalisation."""
    path = tmp_path / "plain.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = torch.zeros(1, 3, 32, 32)
        torch.onnx.export(ResNet8().eval(), (image,), str(path), dynamo=False, input_names=["x"])
    return path


@pytest.mark.parametrize("form", ["QDQ", "dynamic"])
def test_quantised_files_are_the_network_that_was_quantised(form: str, plain: Path) -> None:
    """Scales, zero points and casts vanish; only the order in the file is the quantiser's."""
    quantised = plain.with_name("quantised.onnx")
    if form == "QDQ":
        quantization.quantize_static(plain, quantised, Calibration(), per_channel=True)
    else:
        kind = quantization.QuantType.QUInt8
        quantization.quantize_dynamic(plain, quantised, weight_type=kind)
    network, original = read_onnx(quantised), read_onnx(plain)
    assert {n.name: n.layer_type for n in network.nodes} == {
        n.name: n.layer_type for n in original.nodes
    }
    assert {n.name: set(n.inputs) for n in network.nodes} == {
        n.name: set(n.inputs) for n in original.nodes
    }


def test_operators_of_other_domains_are_refused(plain: Path) -> None:
    """ONNX Runtime's integer adders have no shapes that ONNX could infer."""
    quantised = plain.with_name("quantised.onnx")
    form = quantization.QuantFormat.QOperator
    quantization.quantize_static(plain, quantised, Calibration(), quant_format=form)
    with pytest.raises(InputError, match=r"\(QLinearAdd\) is of the domain com\.microsoft"):
        read_onnx(quantised)


def test_integer_layers(tmp_path: Path) -> None:
    """QLinearConv has its weights fourth and its biases last."""
    graph = [
        node("QuantizeLinear", "x s z", "xq"),
        node("QLinearConv", "xq s z w s z s z b", "cq", pads=[1, 1, 1, 1]),
        node("QLinearConv", "cq s z w2 s z s z", "dq", group=4),
        node("DequantizeLinear", "dq s z", "y"),
    ]
    path = tmp_path / "integer.onnx"
    save(path, graph, (1, 3, 8, 8), {"s": ()})
    model = onnx.load(path)
    zeros = ("z", (), np.uint8), ("w", (4, 3, 3, 3), np.uint8), ("w2", (4, 1, 3, 3), np.uint8)
    for name, dims, dtype in (*zeros, ("b", (4,), np.int32)):
        model.graph.initializer.append(numpy_helper.from_array(np.zeros(dims, dtype), name))
    onnx.save(model, path)
    assert [layer.layer_types[0] for layer in read_onnx(path).layers] == [
        LayerType("conv", 3, 4, (8, 8), (8, 8), (3, 3), padding=(1, 1), bias=True),
        LayerType("dw", 4, 4, (8, 8), (6, 6), (3, 3), groups=4),
    ]


@pytest.mark.parametrize(
    ("attributes", "out", "padding"),
    [
        ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, (25, 5), (5, 1)),
        ({"pads": [4, 1, 5, 1], "strides": [2, 2]}, (25, 5), (5, 1)),
        ({"auto_pad": "VALID"}, (40, 7), (0, 0)),
        ({}, (40, 7), (0, 0)),
        ({"dilations": [2, 3], "pads": [0, 0, 0, 0]}, (31, 1), (0, 0)),
    ],
)
def test_paddings(
    attributes: dict[str, Any], out: tuple[int, int], padding: tuple[int, int], tmp_path: Path
) -> None:
    """The first layer of DS-CNN: one more row is padded below, and padding is counted as 5."""
    graph = [node("Conv", "x w", "y", **attributes)]
    network = read_onnx(save(tmp_path / "m.onnx", graph, (1, 1, 49, 10), {"w": (64, 1, 10, 4)}))
    layer_type = network.layers[0].layer_types[0]
    assert (layer_type.out_size, layer_type.padding) == (out, padding)
    assert layer_type.macs == 64 * 40 * out[0] * out[1]


def test_products_by_a_matrix(tmp_path: Path) -> None:
    """Gemm in both orientations, MatMul with a bias that is added, and transposed weights."""
    graph = [
        node("Gemm", "x a b", "h1", transB=1),
        node("Gemm", "h1 c", "h2"),
        node("MatMul", "h2 d", "h3"),
        node("Add", "h3 b", "h4"),
        node("Relu", "h4", "h5"),
        node("Transpose", "a", "at", perm=[1, 0]),
        node("MatMul", "h5 e", "y"),
    ]
    weights = {"a": (6, 4), "b": (6,), "c": (6, 5), "d": (5, 6), "e": (6, 3)}
    network = read_onnx(save(tmp_path / "m.onnx", graph, (1, 4), weights))
    assert [layer.layer_types[0] for layer in network.layers] == [
        LayerType("linear", 4, 6, bias=True),
        LayerType("linear", 6, 5),
        LayerType("linear", 5, 6, bias=True),
        LayerType("linear", 6, 3),
    ]


def test_equal_weights_are_one_layer(tmp_path: Path) -> None:
    """Directly, by Identity, or transposed."""
    graph = [
        node("MatMul", "x fc.weight", "h1"),
        node("Identity", "fc.weight", "same"),
        node("MatMul", "h1 same", "h2"),
        node("Transpose", "fc.weight", "turned", perm=[1, 0]),
        node("MatMul", "h2 turned", "y"),
    ]
    network = read_onnx(save(tmp_path / "m.onnx", graph, (1, 4), {"fc.weight": (4, 4)}))
    (layer,) = network.layers
    assert layer.name == "fc"
    assert [n.name for n in layer.nodes] == ["fc", "fc#2", "fc#3"]


def test_functions_and_operators(tmp_path: Path) -> None:
    """What belongs to a layer, what joins branches, and what nobody chooses a precision for."""
    graph = [
        node("Conv", "x w", "c"),
        helper.make_node("Constant", [], ["three"], value_float=3.0),
        node("Sigmoid", "c", "s"),
        node("Mul", "c s", "silu"),
        node("Mul", "silu three", "scaled"),
        node("Dropout", "scaled", "dropped mask"),
        node("MaxPool", "dropped", "p indices", kernel_shape=[2, 2], strides=[2, 2]),
        node("Resize", "p  scales", "up"),
        node("Concat", "up dropped", "cat", axis=1),
        node("Split", "cat", "left right", axis=1, num_outputs=2),
        node("Sub", "left right", "sum"),
        node("Softmax", "sum", "soft"),
        node("Mul", "soft sum", "m"),
        node("GlobalAveragePool", "m", "g"),
        node("Shape", "m", "size"),
        node("Flatten", "g", "y"),
    ]
    path = save(tmp_path / "m.onnx", graph, (1, 3, 8, 8), {"w": (4, 3, 1, 1)})
    model = onnx.load(path)
    scales = np.array([1, 1, 2, 2], np.float32)
    model.graph.initializer.append(numpy_helper.from_array(scales, "scales"))
    onnx.save(model, path)
    assert nodes(read_onnx(path)) == [
        ("pw", "pw", ("x",)),
        ("pool", "pool", ("pw",)),
        ("pool#2", "pool", ("pool",)),
        ("concat", "concat", ("pool#2", "pw")),
        ("reshape", "reshape", ("concat",)),
        ("reshape#2", "reshape", ("concat",)),
        ("add", "add", ("reshape", "reshape#2")),
        ("softmax", "other", ("add",)),
        ("mul", "mul", ("softmax", "add")),
        ("pool#3", "pool", ("mul",)),
    ]


def test_scopes_of_the_newer_exporter_name_layers(tmp_path: Path) -> None:
    """It numbers the nodes, and lists the modules around them beside."""
    graph = [node("MatMul", "x val_6", "h"), node("Add", "h x", "y")]
    path = save(tmp_path / "m.onnx", graph, (1, 4), {"val_6": (4, 4)})
    model = onnx.load(path)
    for written, name, scopes in zip(
        model.graph.node,
        ("node_linear_3", "node_add_1"),
        ("['', 'block', 'block.q', 'linear_3']", "['', 'block', 'add_1']"),
        strict=True,
    ):
        written.name = name
        entry = written.metadata_props.add()
        entry.key, entry.value = "pkg.torch.onnx.name_scopes", scopes
    onnx.save(model, path)
    assert [name for name, _, _ in nodes(read_onnx(path))] == ["block.q", "block.add"]


def test_weights_in_other_files_are_not_needed(tmp_path: Path) -> None:
    """Shapes are all that counts."""
    path = save(tmp_path / "m.onnx", [node("MatMul", "x w", "y")], (1, 64), {"w": (64, 64)})
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    (tmp_path / "w.bin").unlink()
    assert read_onnx(path).weights == 4096


def test_a_dynamic_batch_is_1(tmp_path: Path) -> None:
    """Other dynamic axes need a shape, which the message asks for."""
    graph = [node("Conv", "x w", "y")]
    weights = {"w": (4, 3, 3, 3)}
    batch = read_onnx(save(tmp_path / "m.onnx", graph, ("N", 3, 8, 8), weights))
    fixed = read_onnx(save(tmp_path / "m.onnx", graph, (1, 3, 8, 8), weights))
    several = read_onnx(save(tmp_path / "m.onnx", graph, (5, 3, 8, 8), weights))
    assert content(batch) == content(fixed) == content(several)
    path = save(tmp_path / "m.onnx", graph, ("N", 3, "H", "W"), weights)
    with pytest.raises(InputError) as caught:
        read_onnx(path)
    assert str(caught.value) == (
        f"{path}: the input x has the shape (N, 3, H, W); give its sizes, such as "
        "shapes={'x': (1, 3, 224, 224)}."
    )
    assert content(read_onnx(path, shapes={"x": (1, 3, 8, 8)})) == content(fixed)


def test_local_functions_are_read_through(tmp_path: Path) -> None:
    """Some exporters put every module into a function of the file."""
    opset = [helper.make_opsetid("", 21)]
    graph = [node("MatMul", "a w", "h"), node("Relu", "h", "b")]
    function = helper.make_function("mine", "Layer", ["a", "w"], ["b"], graph, opset)
    call = helper.make_node("Layer", ["x", "w"], ["y"], domain="mine")
    path = save(tmp_path / "m.onnx", [call], (1, 4), {"w": (4, 3)})
    model = onnx.load(path)
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("mine", 1))
    onnx.save(model, path)
    assert [layer.layer_types[0] for layer in read_onnx(path).layers] == [LayerType("linear", 4, 3)]


def test_a_product_plus_an_activation(tmp_path: Path) -> None:
    """Gemm of three tensors is a layer and an adder; of two it is no layer."""
    graph = [node("Gemm", "x w x", "h"), node("MatMul", "h t", "m"), node("Add", "m h", "y")]
    graph.insert(0, node("Transpose", "x", "t", perm=[1, 0]))
    network = read_onnx(save(tmp_path / "m.onnx", graph, (1, 4), {"w": (4, 4)}))
    assert nodes(network)[:2] == [("linear", "linear", ("x",)), ("add", "add", ("linear", "x"))]
    assert [n.operator for n in network.nodes if n.name == "matmul"] == ["other"]


@pytest.mark.parametrize(
    ("graph", "weights", "message"),
    [
        (
            [node("ConvTranspose", "x w", "y")],
            {"w": (3, 4, 2, 2)},
            r"node y \(ConvTranspose\) is neither a layer that is known nor free of weights",
        ),
        (
            [
                helper.make_node("Constant", [], ["s"], value_ints=[1, 3, 2, 4, 8]),
                node("Reshape", "x s", "h"),
                node("Conv", "h w", "y"),
            ],
            {"w": (4, 3, 2, 2, 2)},
            r"node y \(Conv\) has weights of shape \(4, 3, 2, 2, 2\), which are no layer's",
        ),
        (
            [node("MatMul", "w x", "y")],
            {"w": (8, 8)},
            r"node y \(MatMul\) has its weights on the left",
        ),
        (
            [node("MatMul", "x w", "y")],
            {"w": (3, 8, 8)},
            r"node y \(MatMul\) has weights of shape \(3, 8, 8\), which are no layer's",
        ),
        (
            [node("Einsum", "x w", "y", equation="bchw,cd->bdhw")],
            {"w": (3, 4)},
            r"node y \(Einsum\) has weights; only Conv, Gemm and MatMul are layers",
        ),
        ([node("Relu", "x", "y")], {}, "m has no layer with weights"),
        ([node("Relu", "w", "y")], {"w": (3,)}, "no output depends on an input"),
        ([node("NoSuchOp", "x", "y")], {}, "the shape of y cannot be inferred"),
    ],
)
def test_refusals(
    graph: list[onnx.NodeProto], weights: dict[str, tuple[int, ...]], message: str, tmp_path: Path
) -> None:
    """One sentence that names the node and what is wrong with it."""
    path = save(tmp_path / "m.onnx", graph, (1, 3, 8, 8), weights)
    with pytest.raises(InputError, match=message):
        read_onnx(path)


def test_wrong_shapes_are_refused(tmp_path: Path) -> None:
    """An input that is not there, and one with another number of axes."""
    path = save(tmp_path / "m.onnx", [node("MatMul", "x w", "y")], (1, "C"), {"w": (4, 4)})
    with pytest.raises(InputError, match="has no input 'image'; it has x"):
        read_onnx(path, shapes={"image": (1, 4)})
    with pytest.raises(InputError, match="the input x has 2 axes, not 3"):
        read_onnx(path, shapes={"x": (1, 4, 4)})
    with pytest.raises(InputError, match=r"the shape of y cannot be inferred.*[Ii]ncompatible"):
        read_onnx(path, shapes={"x": (1, 5)})


@pytest.mark.parametrize("data", [b"", b"no model", b"\x00\x01"])
def test_other_files_are_refused(data: bytes, tmp_path: Path) -> None:
    """Whatever they hold."""
    (tmp_path / "m.onnx").write_bytes(data)
    with pytest.raises(InputError, match=r"m\.onnx is not a readable ONNX file"):
        read_onnx(tmp_path / "m.onnx")
    with pytest.raises(InputError, match=r"none\.onnx: there is no such file"):
        read_onnx(tmp_path / "none.onnx")
