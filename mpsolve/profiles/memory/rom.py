"""ROM: weights, biases and the tables of requantisation (M1 of HAQ for microcontrollers)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.profiles.memory.packing import packed_bytes
from mpsolve.profiles.memory.schemes import scheme_named
from mpsolve.profiles.networks.tensor_groups import tensor_bits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.memory.schemes import Scheme
    from mpsolve.profiles.networks.network import Layer, Network
    from mpsolve.profiles.networks.tensor_groups import Rules
    from mpsolve.typing import IntArray


def rom_bytes(
    network: Network, layer: str, precision: Precision, scheme: str, out_bits: float | None = None
) -> int:
    """Bytes of ROM that a layer needs.

    Parameters
    ----------
    network
        The network.
    layer
        Name of one of its layers. Its weights are stored once, its tables once per node.
    precision
        Its precision.
    scheme
        One of `mpsolve.profiles.memory.SCHEMES`.
    out_bits
        The bit-width of its output, which only ``folding-icn`` asks for. Unknown, the larger of
        the two tables is counted.
    """
    last = layer in last_layers(network)
    return _rom_bytes(network.layer(layer), precision, scheme_named(scheme), out_bits, last)


def _rom_bytes(
    layer: Layer, precision: Precision, scheme: Scheme, out_bits: float | None, last: bool
) -> int:
    return _weight_bytes(layer, precision.b_wt, scheme) + sum(
        scheme.table_bytes(layer_type.out_channels, precision.b_wt, out_bits, last)
        for layer_type in layer.layer_types
    )


def rom_total(
    network: Network,
    configuration: Mapping[str, Precision],
    scheme: str,
    rules: Rules | None = None,
) -> int:
    """Bytes of ROM that a configuration needs, with the bit-width of every output as it is.

    Raises
    ------
    InputError
        If the configuration lacks a layer of the network.
    """
    stored, last = scheme_named(scheme), last_layers(network)
    bits = tensor_bits(network, configuration, rules)
    return sum(
        stored_bytes(layer, configuration[layer.name].b_wt, bits, stored, layer.name in last)
        for layer in network.layers
    )


def stored_bytes(
    layer: Layer, b_wt: float, bits: Mapping[str, float], scheme: Scheme, last: bool
) -> int:
    """Bytes of ROM that a layer needs, where the bit-width of every tensor is known.

    Parameters
    ----------
    layer
        The layer.
    b_wt
        Bits of its weights.
    bits
        Tensor -> its bit-width.
    scheme
        What is stored beside the weights.
    last
        Whether the layer is one of `last_layers`.
    """
    return _weight_bytes(layer, b_wt, scheme) + sum(
        scheme.table_bytes(kind.out_channels, b_wt, bits[node.output], last)
        for node, kind in zip(layer.nodes, layer.layer_types, strict=True)
    )


def _weight_bytes(layer: Layer, b_wt: float, scheme: Scheme) -> int:
    return packed_bytes(layer.weights, b_wt) + (4 * layer.biases if scheme.biases else 0)


def last_layers(network: Network) -> frozenset[str]:
    """The layers from which no other layer is reached, whose outputs nobody requantises."""
    reaching: dict[str, bool] = dict.fromkeys(network.tensors, False)
    inner = set()
    for node in reversed(network.nodes):
        if reaching[node.output] and node.layer_type is not None:
            inner.add(node.layer)
        for tensor in node.inputs:
            reaching[tensor] |= reaching[node.output] or node.layer_type is not None
    return frozenset(layer.name for layer in network.layers if layer.name not in inner)


def rom_costs(
    network: Network,
    layers: Sequence[str],
    offsets: IntArray,
    precisions: Sequence[Precision],
    scheme: str,
) -> IntArray:
    """Bytes of ROM of every candidate.

    Parameters
    ----------
    network
        The network.
    layers, offsets, precisions
        Its layers and their candidates, as in `mpsolve.LatencyTable` and `mpsolve.Problem`.
    scheme
        One of `SCHEMES`. The tables of ``folding-icn`` depend on the output's bit-width too,
        which is another layer's choice: the larger table is counted, an upper bound that
        `mpsolve.building.rom` makes exact.

    Returns
    -------
    ``(M,)`` int64.
    """
    stored, last = scheme_named(scheme), last_layers(network)
    return np.array(
        [
            _rom_bytes(network.layer(layer), precision, stored, None, layer in last)
            for i, layer in enumerate(layers)
            for precision in precisions[offsets[i] : offsets[i + 1]]
        ],
        np.int64,
    )
