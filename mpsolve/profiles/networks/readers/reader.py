"""What the readers of all frameworks share: one call of an operator after the other.

A framework translates its operators to `Call`; what a call contributes to the network, if
anything, is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import prod
from typing import TYPE_CHECKING

from mpsolve.profiles.networks.readers.shapes import tensor_shape, without_batch
from mpsolve.profiles.networks.readers.trace import Trace, Value

if TYPE_CHECKING:
    from mpsolve.profiles.networks.layer_type import LayerType


class Role(StrEnum):
    """What an operator without weights does."""

    IDENTITY = "identity"
    """Hands the same values on, perhaps in another type."""
    FUNCTION = "function"
    """Computes every element from one: it belongs to the operator before it."""
    ADD = "add"
    """Adds tensors; of one tensor and constants it is a function."""
    MUL = "mul"
    """Multiplies tensors; of one tensor and constants it is a function."""
    COMBINATION = "combination"
    """Combines tensors otherwise; of one tensor and constants it is a function."""
    POOL = "pool"
    """Means or maxima over positions; over channels, it is any other operator."""
    RESHAPE = "reshape"
    """Hands values on in another order or number."""
    SWAP = "swap"
    """Reorders axes."""
    CONCAT = "concat"
    """Puts tensors one after the other."""
    OTHER = "other"
    """Anything else."""


ELEMENTWISE = (Role.FUNCTION, Role.ADD, Role.MUL, Role.COMBINATION)


@dataclass(frozen=True, slots=True)
class Constant:
    """Weights, or anything else that does not depend on the inputs of the network.

    Attributes
    ----------
    name
        The parameter that it is made of; a part of one is ``parameter[part]``.
    dims
        Its shape.
    """

    name: str
    dims: tuple[int, ...] = ()

    @property
    def whole(self) -> str:
        """The parameter that it is, or is a part of."""
        return self.name.partition("[")[0]

    @property
    def is_matrix(self) -> bool:
        """Whether more than one axis is longer than 1."""
        return sum(size > 1 for size in self.dims) > 1


@dataclass(frozen=True, slots=True)
class Activation:
    """A value that depends on the inputs of the network.

    Attributes
    ----------
    value
        The value.
    dims
        Its shape in the framework, with the batch.
    channels_first
        Of three axes, whether the second are channels, as in a signal, and not the third.
    """

    value: Value
    dims: tuple[int, ...]
    channels_first: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One use of an operator without weights.

    Attributes
    ----------
    operator
        What the framework calls it, for labels.
    role
        What it does.
    inputs
        Its arguments, of which one is an activation at least.
    dims
        Shape of its output with the batch.
    path
        The module that it belongs to, if that is known.
    details
        What tells it from other calls of the same operator with the same activations.
    """

    operator: str
    role: Role
    inputs: tuple[Activation | Constant, ...]
    dims: tuple[int, ...]
    path: str = ""
    details: tuple[object, ...] = ()


@dataclass(slots=True)
class GraphReader:
    """The network as far as it has been read.

    Attributes
    ----------
    trace
        Its operators.
    batch
        The number of samples in every tensor.
    """

    trace: Trace = field(default_factory=Trace)
    batch: int = 1

    def sample(self, dims: tuple[int, ...]) -> tuple[int, ...]:
        """The shape without the batch."""
        return without_batch(dims, self.batch)

    def input(self, name: str, dims: tuple[int, ...], *, channels_first: bool) -> Activation:
        """A tensor that the network reads."""
        shape = tensor_shape(self.sample(dims), channels_first=channels_first)
        return Activation(self.trace.input(name, shape), dims, channels_first)

    def layer(
        self,
        name: str,
        x: Activation,
        layer_type: LayerType,
        weights: Constant,
        dims: tuple[int, ...],
    ) -> Activation:
        """An operator with weights."""
        value = self.trace.layer(name or layer_type.kind, x.value, layer_type, weights.name)
        return Activation(value, dims, channels_first=layer_type.kind != "linear")

    def compute(self, call: Call) -> Activation:
        """What an operator without weights writes."""
        tensors = [x for x in call.inputs if isinstance(x, Activation)]
        first = replace(tensors[0], dims=call.dims)
        if call.role is Role.IDENTITY:
            return first
        if call.role in ELEMENTWISE:
            function = self._function(call, tensors)
            if function is not None:
                return replace(first, value=function)
        if call.role is Role.SWAP:
            first = replace(first, channels_first=not first.channels_first)
        elif call.role is Role.RESHAPE and len(call.dims) != len(tensors[0].dims):
            first = replace(first, channels_first=False)
        return replace(first, value=self._operator(call, tensors, first.channels_first))

    def _function(self, call: Call, tensors: list[Activation]) -> Value | None:
        """A function of a single tensor; None if there are several, or if it is broadcast."""
        values = [x.value for x in tensors]
        if len({value.writer for value in values}) > 1:
            return None
        if prod(call.dims) != prod(self.trace.shape(values[0])) * self.batch:
            return None
        constants = [x for x in call.inputs if isinstance(x, Constant)]
        is_bias = call.role is Role.ADD and len(call.inputs) == 2 and len(constants) == 1
        if is_bias and self.trace.with_bias(values[0], prod(constants[0].dims)):
            return values[0]
        details = (*(constant.name for constant in constants), *call.details)
        return self.trace.function(call.operator, details, values)

    def _operator(self, call: Call, tensors: list[Activation], channels_first: bool) -> Value:
        """A node of the network, unless it is a rearrangement that leaves the shape as it is."""
        shape = tensor_shape(self.sample(call.dims), channels_first=channels_first)
        values = [x.value for x in tensors]
        if call.role in (Role.RESHAPE, Role.SWAP):
            source = self.trace.before_reshape(values[0])
            if shape == self.trace.shape(source):
                return source
            return self.trace.operator(_name(call.path, "reshape"), "reshape", (source,), shape)
        operator = str(call.role)
        if call.role in (Role.FUNCTION, Role.COMBINATION) or (
            call.role is Role.POOL and shape[0] != self.trace.shape(values[0])[0]
        ):
            operator = "other"
        label = call.operator if operator == "other" else operator
        return self.trace.operator(_name(call.path, label), operator, values, shape)


def _name(path: str, label: str) -> str:
    """``b1.add``, but ``avgpool`` of a module that already says what it does."""
    return path if label in path.rpartition(".")[2].lower() else f"{path}.{label}".removeprefix(".")
