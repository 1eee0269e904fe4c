"""Networks: those that are known by name, and the layers of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.report.tables.text import new_table, number, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from mpsolve.profiles.networks import Layer, Network


def network_list(networks: Mapping[str, Network]) -> Table:
    """One row per network that is known by name."""
    table = new_table()
    table.add_column("network", no_wrap=True)
    for header in ("layers", "layer types", "adders", "MACs", "parameters"):
        table.add_column(header, justify="right", no_wrap=True)
    for name, network in networks.items():
        numbers = (
            len(network.layers),
            len(network.layer_types),
            len(network.adders),
            network.macs,
            network.parameters,
        )
        table.add_row(plain(name), *map(number, numbers))
    return table


def network_layers(network: Network) -> Table:
    """One row per layer: its type, its input and output, MACs and weights; and the totals."""
    shared = any(len(layer.nodes) > 1 for layer in network.layers)
    partial = any(layer.share != 1 for layer in network.layers)
    table = new_table()
    table.add_column("layer", overflow="fold")
    table.add_column("type", overflow="fold")
    for header in ("input", "output", *(["calls"] if shared else []), "MACs", "weights"):
        table.add_column(header, justify="right", no_wrap=True)
    if partial:
        table.add_column("share", justify="right", no_wrap=True)
    for layer in network.layers:
        first = layer.layer_types[0]
        cells = [layer.name, _types(layer)]
        cells.append(_shape(first.in_channels, *first.in_size))
        cells.append(_shape(first.out_channels, *first.out_size))
        cells += [number(len(layer.nodes))] if shared else []
        cells += [number(layer.macs), number(layer.weights)]
        cells += [number(layer.share)] if partial else []
        table.add_row(*map(plain, cells))
    table.add_section()
    gap = [""] * (4 if shared else 3)
    table.add_row("total", *gap, number(network.macs), number(network.weights))
    return table


def network_adders(network: Network) -> Table:
    """One row per adder: its shape and what it reads."""
    table = new_table()
    table.add_column("adder", overflow="fold")
    table.add_column("shape", justify="right", no_wrap=True)
    table.add_column("adds", overflow="fold")
    for node in network.adders:
        size = _shape(*network.tensors[node.output])
        table.add_row(plain(node.name), size, plain(", ".join(node.inputs)))
    return table


def _shape(channels: int, height: int, width: int) -> str:
    """Channels, height and width, or what of these says anything.

    >>> _shape(32, 112, 112), _shape(8, 1, 20), _shape(1000, 1, 1)
    ('32 x 112 x 112', '8 x 20', '1000')
    """
    sizes = (channels, height, width) if height > 1 else (channels, width)
    return " x ".join(map(str, sizes if sizes[-1] > 1 or height > 1 else sizes[:1]))


def _types(layer: Layer) -> str:
    """The type of every node, once."""
    return ", ".join(dict.fromkeys(map(str, layer.layer_types)))
