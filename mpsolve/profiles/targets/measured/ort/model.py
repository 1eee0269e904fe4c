"""A network, or a single layer, as an ONNX model with the precision of each layer.

Layers in int8 are written with quantisation and dequantisation around a float operator (QDQ),
which ONNX Runtime fuses into one integer kernel. A tensor is held as its *owner* writes it: the
output of a layer belongs to the layer; the output of an operator without weights belongs to the
owner of its largest input, of equally large ones of the one that was written last, and the
operator is computed as the owner computes. Where a node reads a tensor in another form, the tensor
is quantised or dequantised.

Batch normalisation is folded into weights and bias. Activation functions are left out: in int8 a
rectifier is the lower end of the output range, and in floating point it is fused with the layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError
from mpsolve.profiles.networks.network import Network, Node
from mpsolve.profiles.targets.measured.ort.formats import FLOAT, INT8, WEIGHT_ONLY
from mpsolve.profiles.targets.measured.ort.graph import SCALE, Form, Graph
from mpsolve.profiles.targets.measured.ort.operators import operator
from mpsolve.profiles.targets.measured.ort.weights import (
    BLOCK,
    per_block,
    per_channel,
    random_weights,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.profiles.targets.measured.ort.weights import Weights

#: MatMulNBits: compute in float32, or with activations rounded to int8.
ACCURACY_LEVEL = {False: 1, True: 4}


def layer_model(
    layer_type: LayerType, precision: Precision, copies: int = 1, seed: int = 0
) -> bytes:
    """The model of one layer, or of several that read one input, each with weights of its own.

    Inputs and outputs are in the layer's own form.
    """
    network = alone(layer_type, copies)
    configuration = dict.fromkeys((layer.name for layer in network.layers), precision)
    return network_model(network, configuration, seed, own_forms=True)


def alone(layer_type: LayerType, copies: int = 1) -> Network:
    """The network of copies of a layer that read one input."""
    nodes = tuple(
        Node(f"layer{i}", layer_type.kind, ("input",), f"output{i}", layer_type)
        for i in range(copies)
    )
    tensors = {"input": (layer_type.in_channels, *layer_type.in_size)}
    shape = (layer_type.out_channels, *layer_type.out_size)
    tensors |= {node.output: shape for node in nodes}
    outputs = tuple(node.output for node in nodes)
    return Network(str(layer_type), nodes, tensors, ("input",), outputs)


def network_model(
    network: Network,
    configuration: Mapping[str, Precision],
    seed: int = 0,
    *,
    own_forms: bool = False,
) -> bytes:
    """The model of a whole network.

    Parameters
    ----------
    network
        Any graph without ``other`` operators.
    configuration
        Layer -> precision.
    seed
        Of the random weights.
    own_forms
        Whether the inputs and outputs of the model are held as the nodes read and write them,
        instead of as float32.

    Raises
    ------
    InputError
        If an operator or a precision cannot be expressed; the message names the node.
    """
    check(network, configuration)
    graph = Graph(network.tensors)
    owned_by = owners(network)
    for tensor in network.inputs:
        readers = network.consumers[tensor]
        form = _form(readers[0], owned_by, configuration) if own_forms and readers else Form()
        graph.enter(tensor, form)
    for node in network.nodes:
        form = _form(node, owned_by, configuration)
        if node.layer_type is not None:
            weights = random_weights(node.layer, node.layer_type, seed)
            value = _layer(graph, node, node.layer_type, configuration[node.layer], weights, form)
        else:
            value, form = operator(graph, network, node, form)
        graph.write(node.output, value, form)
    for tensor in network.outputs:
        graph.leave(tensor, None if own_forms else Form(rows=graph.form(tensor).rows))
    return graph.model(network.name)


def check(network: Network, configuration: Mapping[str, Precision]) -> None:
    """Refuse what cannot be expressed."""
    if network.shares:
        raise InputError(
            f"{network.name}: layer {next(iter(network.shares))} runs in a part of all inferences, "
            "and a built network runs every layer every time."
        )
    for node in network.nodes:
        if node.operator == "other":
            raise InputError(
                f"{network.name}: node {node.name} is of the kind other, which says nothing about "
                "what it computes; only networks without such nodes can be built."
            )
    for layer in network.layers:
        precision = configuration.get(layer.name)
        if precision is None:
            raise InputError(f"The configuration has no precision for layer {layer.name}.")
        linear = layer.nodes[0].operator == "linear"
        if precision not in (FLOAT, INT8) and not (linear and precision in WEIGHT_ONLY):
            raise InputError(
                f"Layer {layer.name} cannot be built at {precision}: write 32b/32b, 8b/8b or, for "
                f"a linear layer, {', '.join(map(str, WEIGHT_ONLY))}."
            )


def owners(network: Network) -> dict[str, str]:
    """Tensor -> the layer that decides how it is held; "" for what no layer decides."""
    owned_by = dict.fromkeys(network.inputs, "")
    written = {tensor: i for i, tensor in enumerate((*network.inputs, *network.producers))}
    for node in network.nodes:
        leader = max(node.inputs, key=lambda t: (network.elements(t), written[t]))
        owned_by[node.output] = node.layer or owned_by[leader]
    return owned_by


def _form(node: Node, owned_by: Mapping[str, str], configuration: Mapping[str, Precision]) -> Form:
    """The form in which a node reads and writes."""
    owner = owned_by[node.output]
    return Form(owner != "" and configuration[owner] == INT8, node.operator == "linear")


def _layer(
    graph: Graph,
    node: Node,
    layer_type: LayerType,
    precision: Precision,
    weights: Weights,
    form: Form,
) -> str:
    read = graph.read(node.inputs[0], form)
    if node.operator == "linear":
        return _linear(graph, node, precision, weights, read)
    if form.quantised:
        codes, scales = per_channel(weights.matrix)
        matrix = graph.dequantised(f"{node.layer}_weights", codes, scales, 0)
        bias = _int32_bias(graph, node.layer, weights, scales)
    else:
        matrix = graph.constant(f"{node.layer}_weights", weights.matrix)
        bias = graph.constant(f"{node.layer}_bias", weights.bias)
    return graph.node(
        "Conv",
        [read, matrix, bias],
        kernel_shape=list(layer_type.kernel),
        strides=list(layer_type.stride),
        dilations=list(layer_type.dilation),
        pads=_pads(layer_type),
        group=layer_type.groups,
    )


def _linear(graph: Graph, node: Node, precision: Precision, weights: Weights, read: str) -> str:
    matrix = weights.matrix.reshape(len(weights.bias), -1)  # (N, K)
    name = f"{node.layer}_weights"
    if precision == INT8:
        codes, scales = per_channel(matrix)
        turned = graph.dequantised(name, np.ascontiguousarray(codes.T), scales, 1)
        bias = _int32_bias(graph, node.layer, weights, scales)
        return graph.node("Gemm", [read, turned, bias])
    bias = graph.constant(f"{node.layer}_bias", weights.bias)
    if precision == FLOAT:
        turned = graph.constant(name, np.ascontiguousarray(matrix.T))
        return graph.node("Gemm", [read, turned, bias])
    form = WEIGHT_ONLY[precision]
    codes, scales = per_block(matrix, form.bits)
    inputs = [graph.constant(name, codes), graph.constant(f"{name}_scale", scales)]
    return graph.node(
        "MatMulNBits",
        [read, *inputs, "", "", bias],
        domain="com.microsoft",
        K=matrix.shape[1],
        N=matrix.shape[0],
        bits=form.bits,
        block_size=BLOCK,
        accuracy_level=ACCURACY_LEVEL[form.rounded],
    )


def _int32_bias(graph: Graph, layer: str, weights: Weights, scales: np.ndarray) -> str:
    step = SCALE * scales
    codes = np.rint(weights.bias / step).astype(np.int32)
    return graph.dequantised(f"{layer}_bias", codes, step, 0)


def _pads(layer_type: LayerType) -> list[int]:
    """Padding at the beginning, as stated, and at the end, as the output size needs it."""
    ends = [
        max(0, (out - 1) * s + d * (k - 1) + 1 - size - p)
        for out, s, d, k, size, p in zip(
            layer_type.out_size,
            layer_type.stride,
            layer_type.dilation,
            layer_type.kernel,
            layer_type.in_size,
            layer_type.padding,
            strict=True,
        )
    ]
    return [*layer_type.padding, *ends]
