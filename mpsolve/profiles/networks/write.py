"""Writing a network as a CSV file."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.storage.atomic import write_text

if TYPE_CHECKING:
    from os import PathLike

    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.profiles.networks.network import Network, Node

#: Columns that are written only if a row has something to say in them.
OPTIONAL = ("layer", "share", "tensor", "output")


def write_network(network: Network, path: str | PathLike[str]) -> None:
    """Write a network, so that `read_geometry` gives the same one, named after the file.

    Parameters
    ----------
    network
        The network.
    path
        The file; it is overwritten.

    Raises
    ------
    InputError
        If something about the network would not be read back, or the file cannot be written.
    """
    write_text(path, network_csv(network))


def network_csv(network: Network) -> str:
    """What `write_network` writes."""
    rows = _rows(network)
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _rows(network: Network) -> list[dict[str, Any]]:
    """One row per input and node; a column that says nothing is left out."""
    _check(network)
    index = {tensor: i for i, tensor in enumerate(network.inputs)}
    rows = [_row(network, name, "input", name, ()) for name in network.inputs]
    for node in network.nodes:
        index[node.output] = len(index)
        rows.append(_node_row(network, node, index))
    if network.outputs != _unread(network):
        for position, tensor in enumerate(network.outputs, 1):
            rows[index[tensor]]["output"] = position
    empty = [column for column in OPTIONAL if not any(row[column] for row in rows)]
    return [
        {"index": i} | {name: cell for name, cell in row.items() if name not in empty}
        for i, row in enumerate(rows)
    ]


def _node_row(network: Network, node: Node, index: dict[str, int]) -> dict[str, Any]:
    producers = tuple(index[tensor] for tensor in node.inputs)
    row = _row(network, node.name, node.operator, node.output, producers)
    row["tensor"] = node.output if node.output != node.name else ""
    if node.layer_type is not None:
        row |= _layer_columns(node.layer_type)
        row["layer"] = node.layer if node.layer != node.name else ""
        row["share"] = network.shares.get(node.layer, "")
    elif node.inputs:
        row |= _shape_columns("in", network.tensors[node.inputs[0]])
    return row


def _row(
    network: Network, name: str, kind: str, tensor: str, producers: tuple[int, ...]
) -> dict[str, Any]:
    """The row of an operator that has no weights and reads and writes the same shape."""
    shape = network.tensors[tensor]
    return {
        "name": name,
        "kind": kind,
        **_shape_columns("in", shape),
        **_shape_columns("out", shape),
        **{"k": 1, "stride": 1, "padding": 0, "dilation": 1, "groups": 1},
        **{"macs": 0, "params": 0, "producers": ";".join(map(str, producers))},
        **dict.fromkeys(OPTIONAL, ""),
    }


def _layer_columns(layer_type: LayerType) -> dict[str, Any]:
    return {
        **_shape_columns("in", (layer_type.in_channels, *layer_type.in_size)),
        "k": _size(layer_type.kernel),
        "stride": _size(layer_type.stride),
        "padding": _size(layer_type.padding),
        "dilation": _size(layer_type.dilation),
        "groups": layer_type.groups,
        "macs": layer_type.macs,
        "params": layer_type.weights + layer_type.biases,
    }


def _shape_columns(side: str, shape: tuple[int, int, int]) -> dict[str, int]:
    return dict(zip((f"{side}_ch", f"{side}_h", f"{side}_w"), shape, strict=True))


def _size(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"


def _unread(network: Network) -> tuple[str, ...]:
    """What the network returns if nothing is said about it."""
    return tuple(n.output for n in network.nodes if not network.consumers[n.output])


def _check(network: Network) -> None:
    """Refuse what the columns cannot express."""
    for node in network.nodes:
        if not node.inputs:
            raise InputError(f"{network.name}: node {node.name} reads nothing, so it is none.")
        t = node.layer_type
        if t and network.tensors[node.output] != (t.out_channels, *t.out_size):
            raise InputError(
                f"{network.name}: the shape of {node.output} is not what {node.name} writes."
            )
    names = (n for node in network.nodes for n in (node.name, node.output, node.layer))
    for text in dict.fromkeys((*network.inputs, *filter(None, names))):
        if text != text.strip() or not text.isprintable():
            raise InputError(
                f"{text!r} cannot be written: spaces around a name and characters that do not "
                "print would not be read back."
            )
    if len(set(network.outputs)) < max(1, len(network.outputs)):
        raise InputError(f"{network.name} returns nothing, or one tensor twice; no file says that.")
