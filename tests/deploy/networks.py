"""Random integer networks of every kind of node, and images for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.deploy import (
    AccumulatorRange,
    Add,
    Affine,
    AveragePool,
    Conv,
    Flatten,
    Graph,
    Linear,
    MaxPool,
    Requant,
    Tensor,
    requantise,
)

if TYPE_CHECKING:
    from mpsolve.deploy.nodes import Node
    from mpsolve.typing import IntArray


class Growing:
    """A network that grows node by node; ``top`` is the tensor to continue from.

    With ``deployable`` it obeys what DORY asks for: 2, 4 or 8 bits, channels that fill bytes,
    adders of 8 bits that follow one of their inputs, and no groups but depthwise ones.
    """

    def __init__(self, rng: np.random.Generator, *, deployable: bool = False) -> None:
        self.rng = rng
        self.deployable = deployable
        channels = 4 * int(rng.integers(1, 3)) if deployable else int(rng.integers(1, 6))
        size = rng.integers(5, 10, 2)
        bits, signed = self.bits(), bool(rng.integers(2))
        self.top = Tensor("image", (channels, int(size[0]), int(size[1])), bits, signed)
        self.tensors = [self.top]
        self.nodes: list[Node] = []

    def bits(self) -> int:
        """What codes or weights are stored in."""
        return int(self.rng.choice([2, 4, 8] if self.deployable else [2, 3, 4, 5, 6, 7, 8]))

    def requant(
        self, accumulators: AccumulatorRange, bits: int, signed: bool, width: int = 32
    ) -> Requant:
        """A requantisation that uses all codes, of channels of either sign, some switched off."""
        rng, shape = self.rng, accumulators.low.shape
        spread = np.maximum(accumulators.high - accumulators.low, 1)
        slope = rng.choice([-1, 0, 1, 1, 1], shape) * 2**bits / spread * rng.uniform(1, 9, shape)
        offset = rng.normal(0, 2**bits / 3, shape)
        if self.deployable and not shape:
            slope, offset = np.abs(slope), np.abs(offset)
        return requantise(
            Affine(slope, offset), accumulators, bits=bits, signed=signed, width=width
        )

    def add(self, node: Node, shape: tuple[int, ...], bits: int, signed: bool) -> Tensor:
        """Append a node and its output tensor."""
        self.top = Tensor(node.output, shape, bits, signed)
        self.tensors.append(self.top)
        self.nodes.append(node)
        return self.top

    def codes(self, *, signed: bool | None = None) -> tuple[int, bool]:
        """Bits and sign of a new tensor."""
        return self.bits(), bool(self.rng.integers(4) == 0) if signed is None else signed

    def weights(self, bits: int, shape: tuple[int, ...]) -> IntArray:
        """Every weight that the bits allow, the extremes more often."""
        weights = self.rng.integers(-(1 << bits - 1), 1 << bits - 1, shape)
        extreme = self.rng.random(shape) < 0.2
        return np.where(extreme, self.rng.choice([-(1 << bits - 1), (1 << bits - 1) - 1]), weights)

    def conv(
        self,
        *,
        keep_shape: bool = False,
        codes: tuple[int, bool] | None = None,
        final: bool = False,
        source: Tensor | None = None,
    ) -> Tensor:
        """A convolution: dense, grouped, depthwise or pointwise; strided and padded at will."""
        rng, top = self.rng, source or self.top
        name = f"conv{len(self.nodes)}"
        kernel = rng.integers(1, 1 + np.minimum(3, top.shape[1:]))
        pads = [int(rng.integers(k)) for k in (*kernel, *kernel)]
        stride = rng.integers(1, 3, 2)
        channels = top.channels
        if keep_shape:
            kernel, pads, stride = np.array([3, 3]), [1] * 4, np.array([1, 1])
            kernel, pads = (kernel, pads) if rng.integers(2) else (np.array([1, 1]), [0] * 4)
        depthwise = bool(rng.integers(3) == 0) and channels > 1
        groups = channels if depthwise else 1
        out = channels
        if not keep_shape and not depthwise:
            out = 4 * int(rng.integers(1, 4)) if self.deployable else int(rng.integers(1, 7))
        if not self.deployable and not depthwise and channels % 2 == out % 2 == 0:
            groups = int(rng.integers(1, 3))
        weight_bits = self.bits()
        if self.deployable and depthwise and kernel.prod() == 1:
            groups, out = 1, channels
        weights = self.weights(weight_bits, (out, channels // groups, *kernel))
        bias = rng.integers(-999, 999, out) if rng.integers(3) == 0 else None
        accumulators = AccumulatorRange.worst_case(weights, top, bias)
        bits, signed = (32, True) if final else codes or self.codes()
        width = 32 if self.deployable else int(rng.choice([32, 64]))
        node = Conv(
            name,
            top.name,
            f"{name}_out",
            weights,
            weight_bits,
            None if final else self.requant(accumulators, bits, signed, width),
            groups,
            (int(stride[0]), int(stride[1])),
            (pads[0], pads[1], pads[2], pads[3]),
            bias,
        )
        return self.add(node, node.output_shape((top.shape,)), bits, signed)

    def residual(self) -> Tensor:
        """A convolution around which its input flows to an adder."""
        rng, skip = self.rng, self.top
        if self.deployable and (skip.bits != 8 or len(self.tensors) == 1):
            skip = self.conv(codes=(8, False))
        main = self.conv(keep_shape=True, codes=(8, skip.signed) if self.deployable else None)
        bits, signed = (8, skip.signed) if self.deployable else self.codes()
        name = f"add{len(self.nodes)}"
        rescaled = []
        for tensor in (main, skip):
            own = (tensor.bits, tensor.signed) if self.deployable else self.codes()
            scaled = self.requant(AccumulatorRange.between(tensor.low, tensor.high), *own)
            rescaled.append(scaled if rng.integers(2) else None)
        inputs = (main.name, skip.name)
        if rng.integers(2):
            inputs, rescaled = (skip.name, main.name), rescaled[::-1]
        first, second = rescaled
        read = {tensor.name: tensor for tensor in self.tensors}
        plain = Add(name, inputs, f"{name}_out", first, second)
        total = plain.accumulators((read[inputs[0]], read[inputs[1]]))
        result = self.requant(total, bits, signed) if rng.integers(2) else None
        node = Add(name, inputs, f"{name}_out", first, second, result)
        return self.add(node, main.shape, bits, signed)

    def pool(self) -> Tensor:
        """A maximum or a mean, with or without requantisation."""
        rng, top, name = self.rng, self.top, f"pool{len(self.nodes)}"
        kernel = [int(rng.integers(1, 1 + min(3, size))) for size in top.shape[1:]]
        stride = [int(s) for s in rng.integers(1, 3, 2)]
        window: dict[str, Any] = {"kernel": tuple(kernel), "stride": tuple(stride)}
        if rng.integers(2):
            top_, left, bottom, right = (int(rng.integers(k)) for k in (*kernel, *kernel))
            window["pads"] = (top_, left, bottom, right)
            highest = MaxPool(name, top.name, f"{name}_out", **window)
            return self.add(highest, highest.output_shape((top.shape,)), top.bits, top.signed)
        return self.mean(window)

    def mean(self, window: dict[str, Any] | None = None) -> Tensor:
        """The mean of windows, or of the whole image."""
        rng, top, name = self.rng, self.top, f"mean{len(self.nodes)}"
        window = window or {"kernel": top.shape[1:]}
        node = AveragePool(name, top.name, f"{name}_out", **window)
        shape = node.output_shape((top.shape,))
        bits, signed = top.bits, top.signed
        if top.signed or rng.integers(2):
            bits, signed = self.codes(signed=False if self.deployable else None)
            requant = self.requant(node.accumulators((top,)), bits, signed)
            node = AveragePool(name, top.name, f"{name}_out", **window, requant=requant)
        return self.add(node, shape, bits, signed)

    def linear(self, outputs: int, *, final: bool) -> Tensor:
        """A linear layer; what is not flat is flattened."""
        if len(self.top.shape) > 1:
            flat = Flatten(f"flatten{len(self.nodes)}", self.top.name, f"flat{len(self.nodes)}")
            self.add(flat, (self.top.elements,), self.top.bits, self.top.signed)
        top, name, weight_bits = self.top, f"linear{len(self.nodes)}", self.bits()
        weights = self.weights(weight_bits, (outputs, top.elements))
        bias = self.rng.integers(-999, 999, outputs) if self.rng.integers(2) else None
        bits, signed = (32, True) if final else self.codes()
        accumulators = AccumulatorRange.worst_case(weights, top, bias)
        requant = None if final else self.requant(accumulators, bits, signed)
        node = Linear(name, top.name, f"{name}_out", weights, weight_bits, requant, bias)
        return self.add(node, (outputs,), bits, signed)

    def graph(self) -> Graph:
        """The network as it is now."""
        return Graph("random", tuple(self.tensors), tuple(self.nodes), "image", self.top.name)


def random_graph(seed: int, *, deployable: bool = False) -> Graph:
    """Two to five blocks, then a linear layer or a convolution that returns accumulators."""
    growing = Growing(np.random.default_rng(seed), deployable=deployable)
    growing.conv()
    for _ in range(int(growing.rng.integers(1, 5))):
        block = growing.rng.integers(4)
        if block == 0:
            growing.pool()
        elif block == 1:
            growing.residual()
        else:
            growing.conv()
    ending = growing.rng.integers(4)
    if ending == 0:
        growing.conv(final=True)
    elif ending == 1:
        growing.mean()
    if ending:
        if ending == 2:
            growing.linear(8, final=False)
        growing.linear(8, final=True)
    return growing.graph()


def random_images(graph: Graph, count: int = 2, seed: int = 0) -> IntArray:
    """Codes of the input, the extremes more often."""
    rng, tensor = np.random.default_rng(seed), graph[graph.input]
    shape = (count, *tensor.shape)
    codes = rng.integers(tensor.low, tensor.high + 1, shape)
    extremes = rng.choice([tensor.low, tensor.high], shape)
    return np.where(rng.random(shape) < 0.3, extremes, codes)
