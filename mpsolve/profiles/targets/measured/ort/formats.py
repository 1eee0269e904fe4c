"""The number formats that kernels of ONNX Runtime on a CPU know, each as a precision."""

from __future__ import annotations

from dataclasses import dataclass

from mpsolve.model.precision import Precision
from mpsolve.profiles.targets.measured.ort.weights import BLOCK

#: IEEE single precision throughout.
FLOAT = Precision(32, 32)
#: uint8 activations with one scale, int8 weights with one scale per output channel, uint8 results.
INT8 = Precision(8, 8)


@dataclass(frozen=True, slots=True)
class WeightOnly:
    """Weights of few bits with one float32 scale per block; the operator is MatMulNBits.

    Attributes
    ----------
    bits
        Of a weight, without its part of the scale.
    rounded
        Whether the kernel rounds its input activations to 8 bits, block by block.
    """

    bits: int
    rounded: bool

    @property
    def precision(self) -> Precision:
        """``w4g32`` is 4 bits in groups of 32: 5 bits per weight; ``a8`` rounds activations."""
        name = f"w{self.bits}g{BLOCK}{'a8' if self.rounded else ''}"
        return Precision(8 if self.rounded else 32, self.bits + 32 / BLOCK, name)


#: Precision -> its format, for layers that multiply matrices.
WEIGHT_ONLY = {
    form.precision: form
    for form in (WeightOnly(bits, rounded) for rounded in (False, True) for bits in (8, 4))
}


def candidates(kind: str) -> tuple[Precision, ...]:
    """What is tried for a kind of layer type.

    A pointwise convolution could be written as a matrix product too. On three of MobileNetV2 its
    product with 4-bit weights took 1.0 to 1.3 times as long as the float32 convolution (AVX-512,
    one thread), without the change of layout that it needs between convolutions.
    """
    return (FLOAT, INT8, *(WEIGHT_ONLY if kind == "linear" else ()))
