"""The shape of a layer, or of the piece of one that lies in L2, as kernels and tiles see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.typing import IntArray

Kernel = Literal["conv", "depthwise", "linear"]
_KERNELS: dict[str, Kernel] = {"conv": "conv", "pw": "conv", "dw": "depthwise", "linear": "linear"}

#: Bits of an output; a fully connected kernel returns its 32-bit sums.
OUT_BITS = 8
LINEAR_OUT_BITS = 32


@dataclass(frozen=True, slots=True)
class Geometry:
    """One operator on tensors in L2: square kernel, one stride, 8-bit outputs.

    Attributes
    ----------
    kernel
        Which kernel of the library computes it. A pointwise convolution uses that of any other.
    in_channels, out_channels
        Channels; those of the input padded to whole bytes, as the exporter of Free Bits does.
    k, stride
        Kernel size and stride.
    padding
        Rows of padding above and below together.
    in_h, in_w, out_h, out_w
        Heights and widths.
    b_in, b_wt
        Bits of an input and of a weight.
    """

    kernel: Kernel
    in_channels: int
    out_channels: int
    k: int
    stride: int
    padding: int
    in_h: int
    in_w: int
    out_h: int
    out_w: int
    b_in: int
    b_wt: int

    @classmethod
    def of(cls, layer_type: LayerType, b_in: int, b_wt: int) -> Geometry:
        """The geometry of a whole layer, which must be one that `unsupported` accepts."""
        kernel = _KERNELS[layer_type.kind]
        channels = layer_type.in_channels
        if kernel != "depthwise":
            packed = 8 // min(b_in, b_wt)
            channels = -(-channels // packed) * packed
        return cls(
            kernel,
            channels,
            layer_type.out_channels,
            layer_type.kernel[0],
            layer_type.stride[0],
            2 * layer_type.padding[0],
            *layer_type.in_size,
            *layer_type.out_size,
            b_in,
            b_wt,
        )

    @property
    def depthwise(self) -> bool:
        """Whether every channel is convolved by itself."""
        return self.kernel == "depthwise"

    @property
    def linear(self) -> bool:
        """Whether it is fully connected."""
        return self.kernel == "linear"

    @property
    def depth(self) -> int:
        """Weights of one output channel: the length of a dot product."""
        return self.k**2 * (1 if self.depthwise else self.in_channels)

    @property
    def out_bits(self) -> int:
        """Bits of an output."""
        return LINEAR_OUT_BITS if self.linear else OUT_BITS

    @property
    def unit(self) -> int:
        """Channels that the narrowest of inputs, weights and outputs packs into one byte."""
        return 8 // min(self.b_in, self.b_wt, OUT_BITS)

    @property
    def constant_bytes(self) -> int:
        """Per output channel: a 32-bit bias, or the two 32-bit constants of requantisation."""
        return 4 if self.linear else 8

    @property
    def in_bytes(self) -> float:
        """Bytes of the input tensor."""
        return self.in_channels * self.in_h * self.in_w * self.b_in / 8

    @property
    def weight_bytes(self) -> float:
        """Bytes of weights and constants."""
        return self.out_channels * (self.depth * self.b_wt / 8 + self.constant_bytes)

    @property
    def out_bytes(self) -> float:
        """Bytes of the output tensor."""
        return self.out_channels * self.out_h * self.out_w * self.out_bits / 8

    def in_rows(self, rows: IntArray) -> IntArray:
        """Rows of the input that so many rows of the output are computed from."""
        return np.minimum((rows - 1) * self.stride + self.k, self.in_h)

    def in_columns(self, columns: IntArray) -> IntArray:
        """Columns of the input that so many columns of the output are computed from."""
        return np.minimum((columns - 1) * self.stride + self.k, self.in_w)
