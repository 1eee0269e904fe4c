"""NE16, the neural engine of GAP9: an analytic model of the accelerator alone.

The model is Ne16PerfModel of PLiNIO (github.com/eml-eda/plinio, cost/ne16_latency.py) and DORY
(github.com/pulp-platform/dory, Hardware_targets/PULP/GAP9_NE16/Tiler/Ne16PerfModel.py), with
32-bit scales and without shift and bias in the normalisation. It counts neither DMA transfers nor
tiling.

NE16 multiplies 8-bit inputs by the weights bit by bit. It computes 3 x 3 pixels of 32 output
channels from 16 input channels at a time; a depthwise convolution gives 16 channels at a time::

    body(k)  = load + offset(k) + multiply(k) + 2                     per 16 input channels
    tail(k)  = normalise(k) + stream out                              per k output channels
    latency  = sum over 3x3 pixels and over groups of k channels of
               ceil(C_in / 16) * body(k) + tail(k)                    dense
               body(k) + tail(k)                                      depthwise

Dense 1 x 1 kernels spread the bits of a weight over the multipliers, so that their latency does
not depend on b_wt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.model.precision import Precision
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.targets.offered import check_offered
from mpsolve.profiles.targets.target import Latency

if TYPE_CHECKING:
    from mpsolve.profiles.networks.layer_type import LayerType

#: Output pixels per side, input channels and output channels that are computed at a time.
PIXELS, CHANNELS_IN, CHANNELS_OUT = 3, 16, 32
#: Cycles before the first word of a stream arrives.
FIFO = 6
#: Cycles that updating the indices takes.
UPDATE = 2
#: Cycles to stream out 3 x 3 pixels of 32 channels at 32 bytes per cycle.
STREAM_OUT = 4 + PIXELS * PIXELS

OFFERED = tuple(Precision(8, b_wt) for b_wt in range(2, 9))


@dataclass(frozen=True, slots=True)
class Ne16:
    """Kernels of 3 x 3 and 1 x 1; a stride costs nothing, only output pixels count."""

    name: str = "ne16-model"
    description: str = "NE16, the neural engine of GAP9: 8-bit inputs and 2- to 8-bit weights"
    source: str = (
        "The analytic model Ne16PerfModel of PLiNIO and DORY: the accelerator without DMA and "
        "tiling, strides counted by output pixels; no layer was measured."
    )
    provenance: Provenance = Provenance.MODELLED
    unit: str = "model cycles"

    def precisions(self, layer_type: LayerType) -> tuple[Precision, ...]:
        """Weights of 2 to 8 bits; nothing for kernels that NE16 lacks."""
        depthwise = layer_type.kind == "dw"
        kernels = ((3, 3),) if depthwise else ((3, 3), (1, 1))
        grouped = layer_type.groups > 1 and not depthwise
        fits = layer_type.kernel in kernels and layer_type.dilation == (1, 1) and not grouped
        return OFFERED if fits else ()

    def latency(self, layer_type: LayerType, precision: Precision) -> Latency:
        """Cycles of the accelerator."""
        check_offered(self, layer_type, precision)
        return Latency(_cycles(layer_type, int(precision.b_wt)))


def _cycles(layer_type: LayerType, b_wt: int) -> int:
    height, width = layer_type.out_size
    pixels = _ceil(height, PIXELS) * _ceil(width, PIXELS)
    if layer_type.kind == "dw":
        group, inputs = CHANNELS_IN, 1
    else:
        group, inputs = CHANNELS_OUT, _ceil(layer_type.in_channels, CHANNELS_IN)
    whole, rest = divmod(layer_type.out_channels, group)
    cycles = whole * _group(layer_type, b_wt, inputs, group)
    if rest:
        cycles += _group(layer_type, b_wt, inputs, rest)
    return pixels * cycles


def _group(layer_type: LayerType, b_wt: int, inputs: int, k: int) -> int:
    """Cycles of 3 x 3 pixels of k output channels."""
    pointwise = layer_type.kernel == (1, 1)
    # 3 x 3 kernels read a border of one pixel; a pixel of 16 channels is half a word.
    load = 10 + PIXELS**2 if pointwise else FIFO + (PIXELS + 2) ** 2
    offset = FIFO + k if layer_type.kind == "dw" else FIFO
    multiply = FIFO + k if pointwise else FIFO + k * b_wt
    normalise = 9 + k
    return inputs * (load + offset + multiply + UPDATE) + normalise + STREAM_OUT


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


NE16 = Ne16()
