"""HyperRAM: how a layer that does not fit into L2 is streamed through it.

DORY streams either the weights, some output channels after the other, or the rows of the
activations, never both; the next piece is loaded while one is computed. Here the smallest number of
pieces that fits is taken, where DORY maximises a score: this is the coarsest part of the model.
Reads and writes share the bus, one byte per ``1 / l3_bandwidth`` cycles, after a request by the
cluster to the fabric controller [1]_.

.. [1] gvsoc-pulp, ``udma_hyper_v3.cpp``; DORY, ``network.c.t``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpsolve.profiles.targets.pulp.geometry import Geometry
    from mpsolve.profiles.targets.pulp.parameters import Parameters
    from mpsolve.typing import NumberArray

#: Weights, and the two constants of requantisation.
WEIGHT_REQUESTS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Streaming:
    """What a layer exchanges with HyperRAM; numbers, or arrays of one number per layer.

    Attributes
    ----------
    load_size, load_requests
        Bytes and requests before each piece is computed.
    store_size, store_requests
        Bytes and requests after.
    overlapped
        Pieces that are computed while the next is exchanged.
    alone
        Pieces that are computed while nothing is.
    """

    load_size: NumberArray | float = 0.0
    load_requests: NumberArray | float = 0.0
    store_size: NumberArray | float = 0.0
    store_requests: NumberArray | float = 0.0
    overlapped: NumberArray | float = 0.0
    alone: NumberArray | float = 1.0

    def cycles(self, piece: NumberArray, p: Parameters) -> NumberArray:
        """Cycles of the layer, of which a piece in L2 takes ``piece``."""
        load = self.load_size / p.l3_bandwidth + self.load_requests * p.l3_request
        store = self.store_size / p.l3_bandwidth + self.store_requests * p.l3_request
        overlapped = self.overlapped * np.maximum(piece, load + store)
        return load + overlapped + self.alone * piece + store


def pieces(geometry: Geometry, l2_bytes: int) -> tuple[Geometry, Streaming] | None:
    """The piece of a layer that lies in L2 at a time, and the rest; None if none fits."""
    g = geometry
    if g.in_bytes + g.out_bytes + g.weight_bytes <= l2_bytes:
        return g, Streaming()
    return _weights_streamed(g, l2_bytes) or _rows_streamed(g, l2_bytes)


def _weights_streamed(g: Geometry, l2_bytes: int) -> tuple[Geometry, Streaming] | None:
    """All activations stay, and two ranges of output channels have their weights in L2."""
    activations = g.in_bytes + g.out_bytes
    if g.depthwise or activations > l2_bytes:
        return None
    for parts in range(2, g.out_channels + 1):
        channels = -(-g.out_channels // parts)
        if activations + 2 * g.weight_bytes / g.out_channels * channels <= l2_bytes:
            load = g.weight_bytes / parts
            piece = replace(g, out_channels=channels)
            return piece, Streaming(load, WEIGHT_REQUESTS, overlapped=parts - 1)
    return None


def _rows_streamed(g: Geometry, l2_bytes: int) -> tuple[Geometry, Streaming] | None:
    """All weights stay, and two ranges of output rows are in L2; of the input, if need be."""
    in_row, out_row = g.in_bytes / g.in_h, g.out_bytes / g.out_h
    loads = g.in_bytes + g.weight_bytes + 2 * out_row > l2_bytes
    for parts in range(2, g.out_h + 1):
        out_rows = -(-g.out_h // parts)
        in_rows = min((out_rows - 1) * g.stride + g.k, g.in_h)
        inputs = 2 * in_row * in_rows if loads else g.in_bytes
        if g.weight_bytes + 2 * out_row * out_rows + inputs <= l2_bytes:
            piece = replace(g, in_h=in_rows, out_h=out_rows, padding=0)
            load, request = (in_row * in_rows, 1) if loads else (0.0, 0)
            store = g.out_bytes / parts
            return piece, Streaming(load, request, store, 1, overlapped=parts, alone=0.0)
    return None
