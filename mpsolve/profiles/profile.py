"""From a network and a target to a latency table.

Each layer type is profiled once in every precision that the target offers for it and the graph
admits (Free Bits, section 3.2); a layer costs what its nodes cost together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mpsolve.errors import UnsupportedError
from mpsolve.profiles.memory.rom import rom_costs
from mpsolve.profiles.networks.tensor_groups import Rules, input_labels, least_bits
from mpsolve.profiles.table import LatencyTable
from mpsolve.profiles.targets.target import MeasuredTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.profiles.networks.network import Layer, Network
    from mpsolve.profiles.targets.target import Latency, Target
    from mpsolve.typing import NumberArray

#: What is stored beside the weights unless the caller says otherwise: what integer kernels with a
#: multiplier per channel need.
DEFAULT_SCHEME = "icn-channel"

Offered: TypeAlias = "dict[str, tuple[Precision, ...]]"
Latencies: TypeAlias = "Mapping[tuple[LayerType, Precision], Latency]"


def profile(
    network: Network,
    target: Target,
    *,
    rules: Rules | None = None,
    rom: str = DEFAULT_SCHEME,
    leave_out: bool = False,
    store: str | PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LatencyTable:
    """Profile every layer type of a network on a target.

    Parameters
    ----------
    network
        The network.
    target
        The machine, or the model of one.
    rules
        What the graph asks of activations; see `Rules`.
    rom
        What is stored beside the weights; see `mpsolve.profiles.memory.rom`.
    leave_out
        Leave out layers that the target cannot run; otherwise they are an error.
    store
        A file that keeps every measurement as soon as it is made; models need none.
    progress
        Is told how many of how many profiles are done.

    Returns
    -------
    LatencyTable
        Columns ``latency`` (in the unit of the target; with standard deviations where it states
        them), ``macs``, ``bops``, ``weight_bits_total``, ``rom`` (bytes) and ``input_bits_total``.

    Raises
    ------
    UnsupportedError
        If the target offers no precision for a layer.
    """
    rules = rules or Rules()
    if (fitted := getattr(target, "for_network", None)) is not None:
        target = fitted(network)
    offered = _offered(network, target, rules, leave_out)
    latencies = _latencies(network, target, offered, store, progress)
    labels = input_labels(network, rules)
    layers = tuple(layer for layer in network.layers if layer.name in offered)
    rows = [(layer, precision) for layer in layers for precision in offered[layer.name]]
    names = tuple(layer.name for layer in layers)
    offsets = np.cumsum([0, *(len(offered[name]) for name in names)])
    precisions = tuple(precision for _, precision in rows)
    columns: dict[str, NumberArray] = {"latency": _sums(rows, latencies, "value")}
    deviations = {}
    if all(latency.deviation is not None for latency in latencies.values()):
        deviations["latency"] = _sums(rows, latencies, "deviation")
    columns |= {
        "macs": np.array([layer.macs for layer, _ in rows]),
        "bops": np.array([layer.macs * p.b_in * p.b_wt for layer, p in rows]),
        "weight_bits_total": np.array([layer.weights * p.b_wt for layer, p in rows]),
        "rom": rom_costs(network, names, offsets, precisions, rom),
        "input_bits_total": np.array([layer.layer_types[0].inputs * p.b_in for layer, p in rows]),
    }
    return LatencyTable(
        layers=names,
        offsets=offsets,
        precisions=precisions,
        columns=columns,
        units={"latency": target.unit, "rom": "byte"},
        layer_types=tuple(_label(layer) for layer in layers),
        b_in_groups=tuple(labels[name] for name in names),
        provenance=target.provenance,
        source=f"{network.name} on {target.name}",
        deviations=deviations,
    )


def _offered(network: Network, target: Target, rules: Rules, leave_out: bool) -> Offered:
    """The precisions of every layer that both the target and the graph admit."""
    least = least_bits(network, rules)
    offered, lacking = {}, []
    for layer in network.layers:
        first, *others = (target.precisions(t) for t in dict.fromkeys(layer.layer_types))
        common = [p for p in first if all(p in other for other in others)]
        admitted = tuple(p for p in common if p.b_in >= least[layer.name])
        if admitted:
            offered[layer.name] = admitted
        else:
            lacking.append((layer, common))
    if lacking and not (leave_out and offered):
        layer, common = lacking[0]
        more = f" (and {len(lacking) - 1} more)" if lacking[1:] else ""
        what = f"layer {layer.name} of {network.name}, {_label(layer)}{more}"
        if common:
            raise UnsupportedError(
                f"{target.name} offers only {', '.join(map(str, common))} for {what}, and the "
                f"graph asks for at least {least[layer.name]:g} input bits; relax that rule."
            )
        explain = getattr(target, "unsupported", lambda _: None)
        why = next(filter(None, map(explain, layer.layer_types)), "")
        raise UnsupportedError(
            f"{target.name} cannot run {what}; take another target, or leave such layers out. {why}"
        )
    return offered


def _latencies(
    network: Network,
    target: Target,
    offered: Offered,
    store: str | PathLike[str] | None,
    progress: Callable[[int, int], None] | None,
) -> Latencies:
    """The latency of every layer type in every precision that some layer of it may take."""
    wanted: dict[LayerType, dict[Precision, None]] = {}
    for layer in network.layers:
        for layer_type in layer.layer_types:
            wanted.setdefault(layer_type, {}).update(dict.fromkeys(offered.get(layer.name, ())))
    plan = {layer_type: tuple(precisions) for layer_type, precisions in wanted.items()}
    if isinstance(target, MeasuredTarget):

        def tell(_: str, done: int, total: int) -> None:
            if progress:
                progress(done, total)

        measured = target.measure_all(plan, store, tell)
        return {(t, p): latency for t, own in measured.items() for p, latency in own.items()}
    pairs = [(layer_type, p) for layer_type, precisions in plan.items() for p in precisions]
    found = {}
    for done, (layer_type, precision) in enumerate(pairs, 1):
        found[layer_type, precision] = target.latency(layer_type, precision)
        if progress:
            progress(done, len(pairs))
    return found


def _sums(rows: list[tuple[Layer, Precision]], latencies: Latencies, field: str) -> NumberArray:
    """What the nodes of each row's layer cost together.

    Deviations add up like the latencies: nodes of one layer run the same kernel, and its error
    is the same in all of them.
    """
    return np.array(
        [
            layer.share * sum(getattr(latencies[t, precision], field) for t in layer.layer_types)
            for layer, precision in rows
        ]
    )


def _label(layer: Layer) -> str:
    """The layer types of a layer, each once."""
    return "+".join(dict.fromkeys(map(str, layer.layer_types)))
