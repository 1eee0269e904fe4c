"""Layers with integer weights: convolutions and linear layers, each with its requantisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.deploy.requant import AccumulatorRange, integers
from mpsolve.deploy.tensor import limits
from mpsolve.deploy.windows import window_shape
from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.deploy.requant import Requant
    from mpsolve.deploy.tensor import Tensor
    from mpsolve.typing import IntArray

#: What weights may be stored in; a sign needs one bit.
WEIGHT_BITS = range(2, 9)


@dataclass(frozen=True, eq=False)
class Conv:
    """A convolution, with what follows it: batch normalisation, activation and rounding.

    Attributes
    ----------
    name
        The layer, as configurations name it.
    input, output
        Names of the tensors that it reads and writes.
    weights
        ``(O, I / groups, KH, KW)`` two's complement.
    weight_bits
        2 to 8.
    requant
        What turns its accumulators into codes, ``(O,)``; None for a final layer, whose output
        has 32 bits and a sign.
    groups
        Channel groups; a depthwise convolution has one channel in each.
    stride
        Vertical and horizontal.
    pads
        Rows and columns of zeros at the top, left, bottom and right.
    bias
        ``(O,)`` what the accumulators begin with, within 32 bits. Before a requantisation it is
        better part of the addend.

    Raises
    ------
    InputError
        If the weights do not fit their bits or shape; the message names the layer.
    """

    name: str
    input: str
    output: str
    weights: IntArray
    weight_bits: int
    requant: Requant | None = None
    groups: int = 1
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    bias: IntArray | None = None

    def __post_init__(self) -> None:
        _set_weights(self, 4)
        if self.groups < 1 or self.weights.shape[0] % self.groups:
            raise InputError(
                f"Layer {self.name}: {self.groups} groups do not divide its "
                f"{self.weights.shape[0]} output channels."
            )

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors that it reads."""
        return (self.input,)

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.weights.shape[2:]
        return height, width

    @property
    def depthwise(self) -> bool:
        """Whether every group has one input and one output channel."""
        return self.groups > 1 and self.groups == self.weights.shape[0] == self.input_channels

    @property
    def input_channels(self) -> int:
        """Channels that its weights expect."""
        return self.weights.shape[1] * self.groups

    def output_shape(self, shapes: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
        """What it makes of an input of this shape; others are refused."""
        (shape,) = shapes
        if len(shape) != 3 or shape[0] != self.input_channels:
            raise InputError(
                f"Layer {self.name}: its weights expect {self.input_channels} channels, but "
                f"{self.input} has the shape {shape}."
            )
        size = window_shape(self.name, shape, self.kernel, self.stride, self.pads)
        return (len(self.weights), *size)

    def accumulators(self, tensors: tuple[Tensor, ...]) -> AccumulatorRange:
        """Between which numbers its accumulators lie, whatever the input."""
        return AccumulatorRange.worst_case(self.weights, tensors[0], self.bias)


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear layer on a flattened tensor, with what follows it.

    Attributes
    ----------
    name, input, output, weight_bits, requant, bias
        As those of a `Conv`. The codes of a final layer can be compared with each other only if
        all its weights share one scale.
    weights
        ``(O, I)`` two's complement.
    """

    name: str
    input: str
    output: str
    weights: IntArray
    weight_bits: int
    requant: Requant | None = None
    bias: IntArray | None = None

    def __post_init__(self) -> None:
        _set_weights(self, 2)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors that it reads."""
        return (self.input,)

    def output_shape(self, shapes: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
        """What it makes of an input of this shape; others are refused."""
        if shapes[0] != self.weights.shape[1:]:
            raise InputError(
                f"Layer {self.name}: its weights expect the shape {self.weights.shape[1:]}, but "
                f"{self.input} has {shapes[0]}; flatten what a convolution or a pool returns."
            )
        return self.weights.shape[:1]

    def accumulators(self, tensors: tuple[Tensor, ...]) -> AccumulatorRange:
        """Between which numbers its accumulators lie, whatever the input."""
        return AccumulatorRange.worst_case(self.weights, tensors[0], self.bias)


def _set_weights(layer: Conv | Linear, dimensions: int) -> None:
    """Check the numbers of a layer, and keep read-only copies of them."""
    weights = integers(f"The weights of layer {layer.name}", layer.weights)
    if layer.weight_bits not in WEIGHT_BITS:
        raise InputError(f"Layer {layer.name}: weights have 2 to 8 bits, not {layer.weight_bits}.")
    if weights.ndim != dimensions or 0 in weights.shape:
        raise InputError(
            f"Layer {layer.name}: its weights need {dimensions} dimensions, not the shape "
            f"{weights.shape}."
        )
    low, high = limits(layer.weight_bits, True)
    if weights.min() < low or weights.max() > high:
        raise InputError(
            f"Layer {layer.name}: its weights lie between {weights.min()} and {weights.max()}, but "
            f"{layer.weight_bits} bits hold {low} to {high}."
        )
    object.__setattr__(layer, "weights", weights)
    if layer.bias is not None:
        bias = integers(f"The bias of layer {layer.name}", layer.bias)
        if bias.shape != weights.shape[:1]:
            raise InputError(
                f"Layer {layer.name}: a bias of shape {bias.shape} for {len(weights)} channels."
            )
        object.__setattr__(layer, "bias", bias)
