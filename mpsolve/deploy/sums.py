"""What the nodes of a traced model stand for in integers: codes, or sums yet to be requantised."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.deploy.operators import Add, AveragePool
from mpsolve.deploy.requant import AccumulatorRange, Requant
from mpsolve.deploy.requantise import Affine, requantise, rescale
from mpsolve.deploy.tensor import Tensor, limits
from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.deploy.layers import Conv, Linear
    from mpsolve.deploy.nodes import Node
    from mpsolve.deploy.operators import Flatten, MaxPool
    from mpsolve.typing import FloatArray


@dataclass(frozen=True, slots=True)
class Codes:
    """A tensor of the integer graph, and what one step of it is worth."""

    tensor: Tensor
    scale: float


@dataclass(frozen=True, slots=True)
class Target:
    """The codes that a sum becomes.

    Attributes
    ----------
    output
        Name of the tensor.
    scale
        What one step is worth.
    bits, signed
        Of the tensor.
    clip
        The least and the greatest code that occurs.
    width
        In how many bits ``k acc + l`` is computed.
    """

    output: str
    scale: float
    bits: int
    signed: bool
    clip: tuple[int, int]
    width: int

    @property
    def narrow(self) -> tuple[int, int] | None:
        """The clip, if it is narrower than all codes of the bits."""
        return None if self.clip == limits(self.bits, self.signed) else self.clip

    def requant(self, affine: Affine, accumulators: AccumulatorRange, name: str) -> Requant:
        """Requantise accumulators of a node to these codes."""
        found = requantise(
            affine,
            accumulators,
            bits=self.bits,
            signed=self.signed,
            width=self.width,
            layer=name,
        )
        return replace(found, clip=self.narrow)


@dataclass(frozen=True, eq=False)
class Sums(ABC):
    """What a node computes, before it is quantised.

    Attributes
    ----------
    name
        The node.
    shape
        ``(C, H, W)`` or ``(C,)``.
    low, high
        The real numbers to which activations clip.
    after
        What rearranges or chooses among the values: it commutes with quantisation, and is done to
        codes; from input and output name to a node, and the shape that it returns.
    """

    name: str
    shape: tuple[int, ...]
    low: float = field(default=-inf, kw_only=True)
    high: float = field(default=inf, kw_only=True)
    after: tuple[tuple[Callable[[str, str], MaxPool | Flatten], tuple[int, ...]], ...] = field(
        default=(), kw_only=True
    )

    def clamp(self, low: float, high: float) -> Sums:
        """Clipped to real numbers; limits outside former ones change nothing."""
        return replace(self, low=max(self.low, low), high=min(self.high, high))

    def then(self, node: Callable[[str, str], MaxPool | Flatten], shape: tuple[int, ...]) -> Sums:
        """Followed by a node that commutes with quantisation."""
        return replace(self, after=(*self.after, (node, shape)))

    @property
    def plain(self) -> bool:
        """Whether nothing followed yet."""
        return self.low == -inf and self.high == inf and not self.after

    @abstractmethod
    def write(self, target: Target) -> Node:
        """The node that yields these codes."""


@dataclass(frozen=True, eq=False)
class LayerSums(Sums):
    """Accumulators of a layer: ``slope acc + offset`` in real numbers.

    Attributes
    ----------
    layer
        The layer without requantisation.
    source
        What it reads.
    slope, offset
        ``(C,)``; the offset is the bias, or what batch normalisation makes of it.
    normalised
        Whether batch normalisation is part of them.
    """

    layer: Conv | Linear
    source: Codes
    slope: FloatArray
    offset: FloatArray
    normalised: bool = False

    def normalise(self, factor: FloatArray, shift: FloatArray) -> LayerSums:
        """Followed by ``factor x + shift`` per channel."""
        offset = self.offset * factor + shift
        return replace(self, slope=self.slope * factor, offset=offset, normalised=True)

    def write(self, target: Target) -> Node:
        """The layer with everything that follows in its requantisation."""
        affine = Affine(self.slope / target.scale, self.offset / target.scale)
        accumulators = self.layer.accumulators((self.source.tensor,))
        requant = target.requant(affine, accumulators, self.name)
        return replace(self.layer, output=target.output, requant=requant)


@dataclass(frozen=True, eq=False)
class PoolSums(Sums):
    """Sums over windows; a window of one pixel requantises."""

    source: Codes
    kernel: tuple[int, int]
    stride: tuple[int, int]

    def write(self, target: Target) -> Node:
        """The pool, with 1 / area in its multiplier."""
        pool = AveragePool(
            self.name, self.source.tensor.name, target.output, self.kernel, self.stride
        )
        affine = rescale(np.float64(self.source.scale / pool.area), target.scale)
        accumulators = pool.accumulators((self.source.tensor,))
        return replace(pool, requant=target.requant(affine, accumulators, self.name))


@dataclass(frozen=True, eq=False)
class AdderSums(Sums):
    """The sum of two tensors."""

    sources: tuple[Codes, Codes]

    def write(self, target: Target) -> Node:
        """Codes of equal steps are added as they are; others are brought to the coarsest step."""
        common = max(target.scale, *(codes.scale for codes in self.sources))
        inputs = tuple(codes.tensor for codes in self.sources)
        requants = [self._rescaled(codes, common, target.width) for codes in self.sources]
        first, second = self.sources
        adder = Add(self.name, (first.tensor.name, second.tensor.name), target.output, *requants)
        if same(common, target.scale) and target.narrow is None:
            return adder
        sums = adder.accumulators(inputs)
        if same(common, target.scale):
            result = Requant(
                np.array(1), np.array(0), 0, target.bits, target.signed, sums, clip=target.narrow
            )
        else:
            result = target.requant(rescale(common, target.scale), sums, self.name)
        return replace(adder, result=result)

    def _rescaled(self, codes: Codes, common: float, width: int) -> Requant | None:
        if same(codes.scale, common):
            return None
        tensor = codes.tensor
        return requantise(
            rescale(codes.scale, common),
            AccumulatorRange.between(tensor.low, tensor.high),
            bits=tensor.bits,
            signed=tensor.signed,
            width=width,
            layer=self.name,
        )


def same(first: float, second: float) -> bool:
    """Whether two steps are one and the same number, kept in single precision or not."""
    return abs(first - second) <= 1e-7 * max(first, second)


def unsupported(node: str, reason: str) -> InputError:
    """One sentence that names the node of the traced model."""
    return InputError(f"Node {node} cannot be computed with integers: {reason}.")
