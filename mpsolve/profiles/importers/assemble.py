"""From latencies by layer and precision to a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.profiles.table import LatencyTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpsolve.model.precision import Precision
    from mpsolve.model.provenance import Provenance
    from mpsolve.profiles.networks.network import Layer, Network
    from mpsolve.typing import FloatArray, Number, NumberArray


def latency_table(
    latencies: Mapping[str, Mapping[Precision, Number]],
    source: str,
    provenance: Provenance,
    *,
    unit: str = "",
    network: Network | None = None,
    deviations: Sequence[float] = (),
    tie_groups: Mapping[str, str] | None = None,
) -> LatencyTable:
    """Build a table, with the columns that a network adds.

    Parameters
    ----------
    latencies
        Layer -> precision -> latency, layers and candidates in their order.
    source, provenance
        As in `LatencyTable`.
    unit
        Unit of the latencies, if it is known.
    network
        Has all these layers; adds ``weight_bits_total``, ``macs`` and the layer types.
    deviations
        One standard deviation for each candidate, if they are known.
    tie_groups
        Layer -> label, where there is one.
    """
    candidates = {layer: tuple(row) for layer, row in latencies.items()}
    columns = {"latency": np.array([v for row in latencies.values() for v in row.values()])}
    labels: tuple[str, ...] = ()
    if network is not None:
        layers = [network.layer(name) for name in latencies]
        columns |= network_columns(layers, list(candidates.values()))
        labels = tuple(map(layer_type_label, layers))
    spread: dict[str, FloatArray] = {}
    if deviations:
        spread["latency"] = np.array(deviations, np.float64)
    return LatencyTable(
        layers=tuple(latencies),
        offsets=np.cumsum([0, *map(len, candidates.values())]),
        precisions=tuple(p for row in candidates.values() for p in row),
        columns=columns,
        units={"latency": unit} if unit else {},
        layer_types=labels,
        tie_groups=tuple((tie_groups or {}).get(layer, "") for layer in latencies),
        provenance=provenance,
        source=source,
        deviations=spread,
    )


def network_columns(
    layers: Sequence[Layer], candidates: Sequence[Sequence[Precision]]
) -> dict[str, NumberArray]:
    """What the weights of every candidate take, in bits, and the MACs of its layer."""
    pairs = [(layer, p) for layer, row in zip(layers, candidates, strict=True) for p in row]
    return {
        "weight_bits_total": np.array([layer.weights * p.b_wt for layer, p in pairs]),
        "macs": np.array([layer.macs for layer, _ in pairs]),
    }


def layer_type_label(layer: Layer) -> str:
    """The layer type, or nothing where the nodes of a layer have different ones."""
    labels = set(map(str, layer.layer_types))
    return labels.pop() if len(labels) == 1 else ""
