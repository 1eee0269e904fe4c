"""The graph of a network, as far as the choice of precisions depends on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.storage.frozen import Picklable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.profiles.networks.layer_type import LayerType

#: Operators without weights. ``pool`` and ``reshape`` hand the values of one tensor on,
#: ``concat`` those of several, in unchanged precision; ``add`` and ``mul`` compute new values;
#: ``other`` is computed in a precision that nobody chooses, such as a softmax or attention.
OPERATORS = ("add", "mul", "pool", "reshape", "concat", "other")


@dataclass(frozen=True, slots=True)
class Node:
    """One operator: batch normalisation and activation belong to the layer before them.

    Attributes
    ----------
    name
        Name of the call, different for every node.
    operator
        The kind of its layer type, or one of `OPERATORS`.
    inputs
        Names of the tensors that it reads, without weights.
    output
        Name of the tensor that it writes.
    layer_type
        Its layer type if it has weights.
    layer
        Name of the layer whose weights it uses; several nodes may share one. By default ``name``.
    """

    name: str
    operator: str
    inputs: tuple[str, ...]
    output: str
    layer_type: LayerType | None = None
    layer: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        if self.layer_type is None:
            if self.operator not in OPERATORS:
                raise InputError(
                    f"Node {self.name}: {self.operator!r} is none of {', '.join(OPERATORS)} and "
                    "has no layer type."
                )
            return
        if self.operator != self.layer_type.kind:
            raise InputError(f"Node {self.name}: operator and layer type differ.")
        if len(self.inputs) != 1:
            raise InputError(f"Node {self.name}: a layer reads one tensor, not {self.inputs}.")
        if not self.layer:
            object.__setattr__(self, "layer", self.name)


@dataclass(frozen=True, slots=True)
class Layer:
    """One set of weights, for which one precision is chosen.

    Attributes
    ----------
    name
        Its name, which tables and configurations use.
    nodes
        The nodes that use the weights, in network order; most layers have one.
    share
        In which part of all inferences each node runs: ``k / n`` for one of ``n`` experts of
        which ``k`` are active, else 1.
    """

    name: str
    nodes: tuple[Node, ...]
    share: float = 1.0

    @property
    def layer_types(self) -> tuple[LayerType, ...]:
        """The layer type of each node."""
        return tuple(node.layer_type for node in self.nodes if node.layer_type is not None)

    @property
    def weights(self) -> int:
        """Number of weights, without biases."""
        return self.layer_types[0].weights

    @property
    def biases(self) -> int:
        """Number of biases."""
        return self.layer_types[0].biases

    @property
    def macs(self) -> float:
        """Mean number of multiply-accumulate operations per inference."""
        macs = sum(layer_type.macs for layer_type in self.layer_types)
        return macs if self.share == 1 else macs * self.share


@dataclass(frozen=True, eq=False)
class Network(Picklable):
    """A directed acyclic graph of operators and the tensors between them.

    Attributes
    ----------
    name
        The network, such as ``mobilenet_v2``.
    nodes
        The operators in an order in which they can be executed.
    tensors
        Name -> ``(channels, height, width)`` of every activation tensor.
    inputs, outputs
        Names of the tensors that the network reads and returns.
    shares
        Layer -> `Layer.share`, where it is not 1.
    source
        Where the network comes from, in one sentence.

    Raises
    ------
    InputError
        If the parts do not fit together; the message names the node.
    """

    name: str
    nodes: tuple[Node, ...]
    tensors: Mapping[str, tuple[int, int, int]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    shares: Mapping[str, float] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        for name in ("nodes", "inputs", "outputs"):
            set_(self, name, tuple(getattr(self, name)))
        for name in ("tensors", "shares"):
            set_(self, name, MappingProxyType(dict(getattr(self, name))))
        self._check_graph()
        self._check_layers()

    def _check_graph(self) -> None:
        names = Counter(node.name for node in self.nodes)
        if twice := [name for name, count in names.items() if count > 1]:
            raise InputError(f"{self.name}: node {twice[0]} occurs twice; name every node once.")
        written = set(self.inputs)
        for node in self.nodes:
            for tensor in (*node.inputs, node.output):
                if tensor not in self.tensors:
                    raise InputError(f"{self.name}: node {node.name}: {tensor} has no shape.")
            if missing := [tensor for tensor in node.inputs if tensor not in written]:
                raise InputError(
                    f"{self.name}: node {node.name} reads {missing[0]}, which no node before it "
                    "writes; list the nodes in an order in which they can be executed."
                )
            if node.output in written:
                raise InputError(f"{self.name}: {node.output} is written twice ({node.name}).")
            written.add(node.output)
        if missing := [tensor for tensor in self.outputs if tensor not in written]:
            raise InputError(f"{self.name}: the output {missing[0]} is written by no node.")

    def _check_layers(self) -> None:
        if not self.layers:
            raise InputError(f"{self.name} has no layer with weights, so no precision to choose.")
        for node in self.nodes:
            if node.layer_type is None:
                continue
            shapes = {
                node.inputs[0]: node.layer_type.inputs,
                node.output: node.layer_type.outputs,
            }
            for tensor, expected in shapes.items():
                if self.elements(tensor) != expected:
                    raise InputError(
                        f"{self.name}: node {node.name}: {tensor} has {self.elements(tensor)} "
                        f"elements, and the layer type {expected}."
                    )
        for layer in self.layers:
            if len({(t.weights, t.biases) for t in layer.layer_types}) > 1:
                raise InputError(
                    f"{self.name}: the nodes of layer {layer.name} differ in their weights."
                )
        for name in self.shares:
            self.layer(name)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in the order of their first nodes."""
        nodes: dict[str, list[Node]] = {}
        for node in self.nodes:
            if node.layer_type is not None:
                nodes.setdefault(node.layer, []).append(node)
        return tuple(
            Layer(name, tuple(own), self.shares.get(name, 1.0)) for name, own in nodes.items()
        )

    @cached_property
    def _by_name(self) -> dict[str, Layer]:
        return {layer.name: layer for layer in self.layers}

    def layer(self, name: str) -> Layer:
        """The layer of this name; unknown names are refused."""
        try:
            return self._by_name[name]
        except KeyError:
            raise InputError(f"{self.name} has no layer {name!r}.") from None

    @cached_property
    def layer_types(self) -> tuple[LayerType, ...]:
        """Every layer type once, in the order of their first nodes."""
        types = (node.layer_type for node in self.nodes)
        return tuple(dict.fromkeys(t for t in types if t is not None))

    @cached_property
    def consumers(self) -> Mapping[str, tuple[Node, ...]]:
        """Tensor -> the nodes that read it."""
        readers: dict[str, list[Node]] = {tensor: [] for tensor in self.tensors}
        for node in self.nodes:
            for tensor in dict.fromkeys(node.inputs):
                readers[tensor].append(node)
        return MappingProxyType({tensor: tuple(nodes) for tensor, nodes in readers.items()})

    @cached_property
    def producers(self) -> Mapping[str, Node]:
        """Tensor -> the node that writes it; inputs of the network have none."""
        return MappingProxyType({node.output: node for node in self.nodes})

    @property
    def adders(self) -> tuple[Node, ...]:
        """The nodes that add tensors."""
        return tuple(node for node in self.nodes if node.operator == "add")

    def elements(self, tensor: str) -> int:
        """Elements of a tensor."""
        return prod(self.tensors[tensor])

    @property
    def macs(self) -> float:
        """Mean number of multiply-accumulate operations per inference."""
        return sum(layer.macs for layer in self.layers)

    @property
    def weights(self) -> int:
        """Number of weights, without biases and batch normalisation."""
        return sum(layer.weights for layer in self.layers)

    @property
    def parameters(self) -> int:
        """Number of weights and biases, without batch normalisation."""
        return self.weights + sum(layer.biases for layer in self.layers)

    def __repr__(self) -> str:
        return (
            f"<Network {self.name}: {len(self.layers)} layers of {len(self.layer_types)} types, "
            f"{self.macs:,.0f} MACs, {self.parameters:,} parameters>"
        )
