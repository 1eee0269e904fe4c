"""Tensors between layers of different precision, and what it takes to convert them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.profiles.networks.builder import NetworkBuilder
from mpsolve.profiles.networks.layer_type import LayerType
from mpsolve.profiles.targets.measured.ort.formats import FLOAT, INT8
from mpsolve.profiles.targets.measured.ort.kernels import KERNELS, before
from mpsolve.profiles.targets.measured.ort.model import network_model, owners
from mpsolve.profiles.targets.measured.ort.runtime import bound, optimised, random_inputs, session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.targets.measured.ort.runtime import Call

#: Channels of the far ends of the two layers between which a conversion is looked for.
CHANNELS = 16


@dataclass(frozen=True, slots=True)
class TensorType:
    """What the cost of a conversion depends on.

    Attributes
    ----------
    channels, size
        Its shape.
    rows
        Whether matrix products use it, instead of convolutions.
    outer
        Whether one side of it is an end of the network, where it is in the usual layout.
    """

    channels: int
    size: tuple[int, int]
    rows: bool = False
    outer: bool = False

    def __str__(self) -> str:
        layout = ("outer-" if self.outer else "") + ("rows" if self.rows else "tensor")
        return f"{layout}-{self.channels}-{self.size[0]}x{self.size[1]}"


@dataclass(frozen=True, slots=True)
class Conversion:
    """Bringing a tensor into the form that its reader needs.

    Attributes
    ----------
    tensor
        Its name.
    tensor_type
        Its type.
    writer, reader
        The layers that decide how it is written and how it is read; "" for the network's ends,
        which are in float32.
    """

    tensor: str
    tensor_type: TensorType
    writer: str
    reader: str

    def to(self, configuration: Mapping[str, Precision]) -> Precision | None:
        """The precision into which the tensor is converted, FLOAT or INT8; None if it stays."""
        written, read = (
            INT8 if layer and configuration[layer] == INT8 else FLOAT
            for layer in (self.writer, self.reader)
        )
        return None if written == read else read


def conversions(network: Network) -> tuple[Conversion, ...]:
    """Every tensor with each of the layers that decide how it is read, once."""
    owned_by = owners(network)
    found: dict[Conversion, None] = {}
    for node in network.nodes:
        for tensor in node.inputs:
            _add(found, network, tensor, owned_by[tensor], owned_by[node.output])
    for tensor in network.outputs:
        _add(found, network, tensor, owned_by[tensor], "")
    return tuple(found)


def needed(
    found: tuple[Conversion, ...], configuration: Mapping[str, Precision]
) -> dict[tuple[str, Precision], TensorType]:
    """The tensors that a configuration converts, and into what; several readers share one."""
    into = ((c, c.to(configuration)) for c in found)
    return {(c.tensor, to): c.tensor_type for c, to in into if to is not None}


def _add(
    found: dict[Conversion, None], network: Network, tensor: str, writer: str, reader: str
) -> None:
    if writer != reader:
        channels, *size = network.tensors[tensor]
        ends = {node.operator for node in network.consumers[tensor]}
        if tensor in network.producers:
            ends.add(network.producers[tensor].operator)
        outer = not (writer and reader)
        tensor_type = TensorType(channels, (size[0], size[1]), "linear" in ends, outer)
        found[Conversion(tensor, tensor_type, writer, reader)] = None


def conversion_call(tensor: TensorType, to: Precision, threads: int = 1) -> Call:
    """A call that converts a tensor between two layers, with all that goes with it."""
    network, configuration = _around(tensor, to)
    model = network_model(network, configuration, own_forms=not tensor.outer)
    best = optimised(model, threads)
    ends = [node for node in best.graph.node if node.op_type in KERNELS]
    read = best.graph.input[0].name if tensor.outer and to == INT8 else ends[0].output[0]
    written = best.graph.output[0].name if tensor.outer and to == FLOAT else ends[-1].input[0]
    inputs = random_inputs(session(best.SerializeToString(), optimise=False))
    part = before(best, read, written, inputs)
    return bound(session(part.model, threads, optimise=False), part.inputs)


def _around(tensor: TensorType, to: Precision) -> tuple[Network, dict[str, Precision]]:
    """A layer before the tensor and one behind it, or one of them at an end of a network."""
    kind = "linear" if tensor.rows else "pw"
    other = FLOAT if to == INT8 else INT8
    sides = [(other, CHANNELS, tensor.channels), (to, tensor.channels, CHANNELS)]
    if tensor.outer:
        sides = sides[1:] if to == INT8 else sides[:1]
    net = NetworkBuilder(str(tensor))
    x = net.input(sides[0][1], *tensor.size)
    for i, (_, channels, features) in enumerate(sides):
        layer_type = LayerType(kind, channels, features, tensor.size, tensor.size)
        x = net.layer(f"layer{i}", x, layer_type)
    return net.build(x), {f"layer{i}": precision for i, (precision, *_) in enumerate(sides)}
