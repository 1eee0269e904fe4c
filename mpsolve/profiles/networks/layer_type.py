"""Layer types: all that parametrises a kernel call (Free Bits, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from mpsolve.errors import InputError

#: What a linear operator is called. A depthwise convolution has one channel per group, a
#: pointwise one has kernel 1 x 1; their kernels and their latencies are different.
KINDS = ("conv", "dw", "pw", "linear")


@dataclass(frozen=True, slots=True)
class LayerType:
    """The parameters of one linear operator.

    Two layers of one type run the same kernel on tensors of the same shape, so that one profile
    serves both. Signals of one dimension have height 1. A linear layer that is applied to each of
    ``T`` tokens has ``in_size = out_size = (1, T)``.

    Attributes
    ----------
    kind
        One of `KINDS`.
    in_channels, out_channels
        Channels of the input and of the output tensor.
    in_size, out_size
        Height and width of the input and of the output.
    kernel, stride, padding, dilation
        Height and width of each.
    groups
        Channel groups.
    bias
        Whether a bias is added. A folded batch normalisation is none: it is requantisation.
    """

    kind: str
    in_channels: int
    out_channels: int
    in_size: tuple[int, int] = (1, 1)
    out_size: tuple[int, int] = (1, 1)
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    bias: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"A layer type is one of {', '.join(KINDS)}, not {self.kind!r}.")
        sizes = (self.in_channels, self.out_channels, self.groups)
        pairs = (self.in_size, self.out_size, self.kernel, self.stride, self.dilation)
        if min(*sizes, *(v for pair in pairs for v in pair)) < 1 or min(self.padding) < 0:
            raise InputError(f"The sizes of layer type {self!r} must be positive.")
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise InputError(f"{self.groups} groups do not divide the channels of {self}.")
        if self.kind == "dw" and self.groups != self.in_channels:
            raise InputError(f"{self} is depthwise, so it needs {self.in_channels} groups.")
        if self.kind in ("pw", "linear") and (self.kernel != (1, 1) or self.groups != 1):
            raise InputError(f"A {self.kind} layer has one group and kernel 1 x 1, unlike {self}.")

    @property
    def weights(self) -> int:
        """Number of weights, without biases."""
        return self.in_channels // self.groups * self.out_channels * prod(self.kernel)

    @property
    def biases(self) -> int:
        """Number of biases."""
        return self.out_channels if self.bias else 0

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of one call."""
        return self.weights * prod(self.out_size)

    @property
    def inputs(self) -> int:
        """Elements of the input tensor."""
        return self.in_channels * prod(self.in_size)

    @property
    def outputs(self) -> int:
        """Elements of the output tensor."""
        return self.out_channels * prod(self.out_size)

    def __str__(self) -> str:
        """A label that tells the type apart from all others: ``conv-3-32-224x224-k3-s2-p1``."""
        parts = [self.kind, str(self.in_channels), str(self.out_channels), _pair(self.in_size, 0)]
        for letter, pair, usual in (
            ("k", self.kernel, (1, 1)),
            ("s", self.stride, (1, 1)),
            ("p", self.padding, (0, 0)),
            ("d", self.dilation, (1, 1)),
        ):
            parts += [letter + _pair(pair)] if pair != usual else []
        parts += [f"g{self.groups}"] if self.groups > 1 and self.kind != "dw" else []
        regular = self.regular_out_size
        parts += [f"o{_pair(self.out_size, 0)}"] if self.out_size != regular else []
        return "-".join(parts + (["b"] if self.bias else []))

    @property
    def regular_out_size(self) -> tuple[int, int]:
        """The output size that input, kernel, stride, padding and dilation imply."""
        height, width = (
            (size + 2 * p - d * (k - 1) - 1) // s + 1
            for size, p, d, k, s in zip(
                self.in_size, self.padding, self.dilation, self.kernel, self.stride, strict=True
            )
        )
        return height, width


def _pair(pair: tuple[int, int], short: int = 1) -> str:
    """Height and width, or one number for both where that is shorter."""
    return str(pair[0]) if short and pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"
