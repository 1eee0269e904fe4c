"""A network that computes with integers alone: tensors, nodes, and the proof that they fit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from mpsolve.deploy.layers import Conv, Linear
from mpsolve.deploy.ranges import check_ranges
from mpsolve.errors import InputError
from mpsolve.model.configuration import Configuration
from mpsolve.model.precision import Precision
from mpsolve.storage.frozen import Picklable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.deploy.nodes import Node
    from mpsolve.deploy.tensor import Tensor

Layer: TypeAlias = Conv | Linear


@dataclass(frozen=True, eq=False)
class Graph(Picklable):
    """A directed acyclic graph of integer operators with one input and one output.

    Attributes
    ----------
    name
        The network.
    tensors
        All activation tensors, in any order.
    nodes
        The operators in an order in which they can be executed; files keep it.
    input, output
        Names of the tensors that the network reads and returns.

    Raises
    ------
    InputError
        If the parts do not fit together, or an accumulator could overflow; the message names the
        node.
    """

    name: str
    tensors: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    input: str
    output: str

    def __post_init__(self) -> None:
        for name in ("tensors", "nodes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _check_names(self, "node", [node.name for node in self.nodes])
        _check_names(self, "tensor", [tensor.name for tensor in self.tensors])
        self._check_order()
        for node in self.nodes:
            inputs, output = self.inputs_of(node), self[node.output]
            shape = node.output_shape(tuple(tensor.shape for tensor in inputs))
            if shape != output.shape:
                raise InputError(
                    f"{self.name}: node {node.name} yields the shape {shape}, but {output.name} "
                    f"has {output.shape}."
                )
            if wide := [tensor.name for tensor in inputs if tensor.bits > 8]:
                raise InputError(
                    f"{self.name}: node {node.name} reads {wide[0]}, which holds accumulators; "
                    "requantise them first."
                )
            check_ranges(node, inputs, output)

    def _check_order(self) -> None:
        known = {self.input}
        for node in self.nodes:
            if missing := [name for name in node.inputs if name not in known]:
                raise InputError(
                    f"{self.name}: node {node.name} reads {missing[0]}, which no node before it "
                    "writes; list the nodes in an order in which they can be executed."
                )
            if node.output in known:
                raise InputError(f"{self.name}: {node.output} is written twice ({node.name}).")
            known.add(node.output)
        if self.output not in known:
            raise InputError(f"{self.name}: no node writes its output {self.output}.")
        if spare := [tensor.name for tensor in self.tensors if tensor.name not in known]:
            raise InputError(f"{self.name}: no node writes the tensor {spare[0]}.")
        read = {self.output, *chain.from_iterable(node.inputs for node in self.nodes)}
        if unread := [name for name in (self.input, *self._written) if name not in read]:
            raise InputError(f"{self.name}: nobody reads the tensor {unread[0]}.")

    @property
    def _written(self) -> tuple[str, ...]:
        return tuple(node.output for node in self.nodes)

    @cached_property
    def _by_name(self) -> Mapping[str, Tensor]:
        return MappingProxyType({tensor.name: tensor for tensor in self.tensors})

    def __getitem__(self, name: str) -> Tensor:
        """The tensor of this name."""
        try:
            return self._by_name[name]
        except KeyError:
            raise InputError(f"{self.name} has no tensor {name!r}.") from None

    def inputs_of(self, node: Node) -> tuple[Tensor, ...]:
        """The tensors that a node reads."""
        return tuple(self[name] for name in node.inputs)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The nodes with weights."""
        return tuple(node for node in self.nodes if isinstance(node, Conv | Linear))

    def configuration(self) -> Configuration:
        """Layer -> precision, as the graph computes it."""
        return Configuration(
            {
                layer.name: Precision(self[layer.input].bits, layer.weight_bits)
                for layer in self.layers
            }
        )

    def __repr__(self) -> str:
        return f"<Graph {self.name}: {len(self.nodes)} nodes, {len(self.layers)} with weights>"


def _check_names(graph: Graph, what: str, names: list[str]) -> None:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise InputError(f"{graph.name}: two {what}s are named {twice[0]}.")
