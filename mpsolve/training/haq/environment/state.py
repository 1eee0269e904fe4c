"""What the agent sees of a layer (HAQ, section 3.1)."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.profiles.networks.network import Network
    from mpsolve.typing import FloatArray


def layer_columns(network: Network) -> FloatArray:
    """What describes every layer: ``(L, 8)``, each column from 0 to 1.

    Whether it is depthwise, input and output channels, stride (0 for linear layers), kernel, number
    of weights, positions of the input, and its place. A layer that is called several times is
    described by its first call. A column that is the same everywhere is 0.
    """
    rows = [[*_described(layer.layer_types[0]), i] for i, layer in enumerate(network.layers)]
    values = np.array(rows, np.float64)
    low, span = values.min(0), np.ptp(values, axis=0)
    return (values - low) / np.where(span > 0, span, 1)


def _described(kind: LayerType) -> list[int]:
    return [
        int(kind.kind == "dw"),
        kind.in_channels,
        kind.out_channels,
        0 if kind.kind == "linear" else kind.stride[0],
        kind.kernel[0],
        kind.weights,
        prod(kind.in_size),
    ]
