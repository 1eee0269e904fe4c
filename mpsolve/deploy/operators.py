"""Nodes without weights: adders, pools and flattening."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from mpsolve.deploy.requant import AccumulatorRange
from mpsolve.deploy.windows import window_shape
from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.deploy.requant import Requant
    from mpsolve.deploy.tensor import Tensor


@dataclass(frozen=True, eq=False)
class Add:
    """The sum of two tensors: ``y = clip(requant(requant(a) + requant(b)))``.

    Each requantisation clips to its own codes and may be left out; the result is always clipped
    to the codes of the output. Inputs of equal scale need no requantisation at all.

    Attributes
    ----------
    name
        The adder.
    inputs
        Names of the tensors that it reads.
    output
        Name of the tensor that it writes.
    first, second
        What brings each input to the common scale, one number for all channels; None leaves it
        as it is. The kernels clip to the codes of the input tensor itself.
    result
        What brings the sum to the scale of the output, None if it has that already.

    References
    ----------
    pulp-nn-mixed, ``pulp_nn_add_*``; quantlib, ``backends/dory/dory_passes.py``, ``DORYAdder``.
    """

    name: str
    inputs: tuple[str, str]
    output: str
    first: Requant | None = None
    second: Requant | None = None
    result: Requant | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        if len(self.inputs) != 2:
            raise InputError(f"Adder {self.name}: it reads two tensors, not {self.inputs}.")
        for requant in (self.first, self.second, self.result):
            if requant is not None and requant.multiplier.ndim:
                raise InputError(f"Adder {self.name}: one multiplier serves all channels.")

    def output_shape(self, shapes: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
        """What it makes of inputs of these shapes; different ones are refused."""
        if shapes[0] != shapes[1]:
            raise InputError(
                f"Adder {self.name}: {self.inputs[0]} has the shape {shapes[0]}, but "
                f"{self.inputs[1]} has {shapes[1]}."
            )
        return shapes[0]

    def operands(self, tensors: tuple[Tensor, ...]) -> tuple[AccumulatorRange, AccumulatorRange]:
        """Between which numbers each input lies."""
        first, second = (AccumulatorRange.between(t.low, t.high) for t in tensors)
        return first, second

    def accumulators(self, tensors: tuple[Tensor, ...]) -> AccumulatorRange:
        """Between which numbers the sum lies, whatever the inputs."""
        addends = [
            requant or tensor
            for requant, tensor in zip((self.first, self.second), tensors, strict=True)
        ]
        return AccumulatorRange.between(sum(a.low for a in addends), sum(a.high for a in addends))


@dataclass(frozen=True, eq=False)
class AveragePool:
    """The mean of every window; a global pool has a kernel as large as the image.

    Attributes
    ----------
    name
        The pool.
    input, output
        Names of the tensors that it reads and writes.
    kernel, stride
        Height and width.
    requant
        Turns the **sum** of a window into a code, one number for all channels: the factor 1 / area
        is part of the multiplier, and a kernel that divides its multiplier by the area before it
        uses it is given the product of both. Without it, the output keeps the scale of an
        unsigned input, and the mean is rounded down.

    References
    ----------
    pulp-nn-mixed, ``pulp_nn_avgpool_*``; quantlib, ``AlignAvgPoolPass``.
    """

    name: str
    input: str
    output: str
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    requant: Requant | None = None

    def __post_init__(self) -> None:
        if self.requant is not None and self.requant.multiplier.ndim:
            raise InputError(f"Pool {self.name}: one multiplier serves all channels.")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors that it reads."""
        return (self.input,)

    @property
    def area(self) -> int:
        """Pixels of a window."""
        return prod(self.kernel)

    def output_shape(self, shapes: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
        """What it makes of an input of this shape; flattened ones are refused."""
        return _pooled(self, shapes[0])

    def accumulators(self, tensors: tuple[Tensor, ...]) -> AccumulatorRange:
        """Between which numbers the sum of a window lies, whatever the input."""
        (tensor,) = tensors
        return AccumulatorRange.between(self.area * tensor.low, self.area * tensor.high)


@dataclass(frozen=True, slots=True)
class MaxPool:
    """The greatest code of every window; pads never win.

    It keeps codes and scale, and commutes with requantisation where no multiplier is negative.

    Attributes
    ----------
    name
        The pool.
    input, output
        Names of the tensors that it reads and writes.
    kernel, stride
        Height and width.
    pads
        At the top, left, bottom and right.
    """

    name: str
    input: str
    output: str
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors that it reads."""
        return (self.input,)

    def output_shape(self, shapes: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
        """What it makes of an input of this shape; flattened ones are refused."""
        return _pooled(self, shapes[0], self.pads)


@dataclass(frozen=True, slots=True)
class Flatten:
    """``(C, H, W)`` to ``(C H W,)``, channels first, as a linear layer reads it.

    Attributes
    ----------
    name
        The node.
    input, output
        Names of the tensors that it reads and writes.
    """

    name: str
    input: str
    output: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors that it reads."""
        return (self.input,)

    def output_shape(self, shapes: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
        """One dimension."""
        return (prod(shapes[0]),)


def _pooled(
    node: AveragePool | MaxPool,
    shape: tuple[int, ...],
    pads: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> tuple[int, ...]:
    if len(shape) != 3:
        raise InputError(f"Pool {node.name}: {node.input} is flattened; pool before flattening.")
    return (shape[0], *window_shape(node.name, shape, node.kernel, node.stride, pads))
