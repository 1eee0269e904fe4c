"""What a reader notes while it walks through the graph of a framework, and the network of it.

Frameworks have an operator for every batch normalisation, activation and cast. Here they are
functions that are computed while a tensor is written: a `Value` is a tensor and the functions
since. If everybody reads a tensor after the same functions, the functions disappear. If some read
it before and others after them, as in a residual network with pre-activation, the result of the
functions is a tensor of its own, which an ``other`` operator writes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from mpsolve.profiles.networks.builder import NetworkBuilder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.profiles.networks.network import Network

Shape: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor after some functions of each of its elements.

    Attributes
    ----------
    writer
        Position of the operator or input that writes the tensor.
    functions
        What tells these functions from others; empty if there are none.
    """

    writer: int
    functions: tuple[object, ...] = ()


@dataclass(slots=True)
class _Operation:
    """An operator or an input, and the shape of the tensor that it writes."""

    name: str
    operator: str
    inputs: tuple[Value, ...]
    shape: Shape
    layer_type: LayerType | None = None
    weights: str = ""


@dataclass(slots=True)
class Trace:
    """The operators of a network in the order in which they are executed."""

    _operations: list[_Operation] = field(default_factory=list)

    def input(self, name: str, shape: Shape) -> Value:
        """A tensor that the network reads."""
        return self._note(_Operation(name, "input", (), shape))

    def layer(self, name: str, x: Value, layer_type: LayerType, weights: str) -> Value:
        """An operator with weights, and the name of the parameter that holds them."""
        shape = (layer_type.out_channels, *layer_type.out_size)
        return self._note(_Operation(name, layer_type.kind, (x,), shape, layer_type, weights))

    def operator(self, name: str, operator: str, inputs: Iterable[Value], shape: Shape) -> Value:
        """An operator without weights; see `Node`."""
        return self._note(_Operation(name, operator, tuple(inputs), shape))

    def function(self, label: str, details: object, inputs: Sequence[Value]) -> Value:
        """A function of every element of one tensor, which all the inputs come from.

        Parameters
        ----------
        label
            What people call the function, such as ``relu``.
        details
            What else tells it from others.
        inputs
            The arguments; several if the function was written as ``x * sigmoid(x)``.
        """
        (writer,) = {value.writer for value in inputs}
        return Value(writer, (label, details, *(value.functions for value in inputs)))

    def with_bias(self, x: Value, size: int) -> bool:
        """Give a layer without bias one of this size, if it can be what was added to ``x``."""
        operation = self._operations[x.writer]
        layer_type = operation.layer_type
        if x.functions or not layer_type or layer_type.bias or size != layer_type.out_channels:
            return False
        operation.layer_type = replace(layer_type, bias=True)
        return True

    def before_reshape(self, value: Value) -> Value:
        """What a value was before it was rearranged, if that is how it was written."""
        operation = self._operations[value.writer]
        rearranged = operation.operator == "reshape" and not value.functions
        return operation.inputs[0] if rearranged else value

    def shape(self, value: Value) -> Shape:
        """Channels, height and width."""
        return self._operations[value.writer].shape

    def build(self, name: str, outputs: Sequence[Value], source: str) -> Network:
        """The network that computes these values, without operators that do not contribute."""
        versions = self._versions(outputs)
        net = NetworkBuilder(name, source)
        names = _Names()
        tensors: dict[Value, str] = {}
        layers: dict[str, str] = {}
        for writer, values in versions.items():
            operation = self._operations[writer]
            inputs = [tensors[value] for value in operation.inputs]
            tensor = _emit(net, names.unused(operation.name), operation, inputs, layers)
            for value in values:
                tensors[value] = tensor
                if value.functions and len(values) > 1:
                    own = names.unused(f"{tensor}.{value.functions[0]}")
                    tensors[value] = net.operator(own, "other", (tensor,), operation.shape)
        return net.build(*dict.fromkeys(tensors[value] for value in outputs))

    def _versions(self, outputs: Sequence[Value]) -> dict[int, list[Value]]:
        """Of every operator that contributes, in order, what is read of its tensor."""
        read = dict.fromkeys(outputs)
        needed = {value.writer for value in outputs}
        for writer in range(len(self._operations) - 1, -1, -1):
            if writer in needed:
                read |= dict.fromkeys(self._operations[writer].inputs)
                needed.update(value.writer for value in self._operations[writer].inputs)
        versions: dict[int, list[Value]] = {writer: [] for writer in sorted(needed)}
        for value in read:
            versions[value.writer].append(value)
        return versions

    def _note(self, operation: _Operation) -> Value:
        self._operations.append(operation)
        return Value(len(self._operations) - 1)


class _Names:
    """Makes names unique: the second ``fc`` is called ``fc#2``."""

    def __init__(self) -> None:
        self._uses: Counter[str] = Counter()

    def unused(self, name: str) -> str:
        self._uses[name] += 1
        return name if self._uses[name] == 1 else self.unused(f"{name}#{self._uses[name]}")


def _emit(
    net: NetworkBuilder,
    name: str,
    operation: _Operation,
    inputs: Sequence[str],
    layers: dict[str, str],
) -> str:
    """Build one operator; the first one with some weights gives its name to the layer."""
    if operation.operator == "input":
        return net.input(*operation.shape, name=name)
    if operation.layer_type is None:
        return net.operator(name, operation.operator, inputs, operation.shape)
    layer = layers.setdefault(operation.weights, name)
    return net.layer(name, inputs[0], operation.layer_type, layer=layer)
