"""``mpsolve networks``: the networks that are known by name, and the layers of any network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.padding import Padding
from rich.text import Text

from mpsolve.cli.completions import complete_networks
from mpsolve.cli.output import check_writable, print_json, print_report
from mpsolve.cli.status import SOLVED
from mpsolve.errors import InputError
from mpsolve.report.tables import network_adders, network_layers, network_list, number
from mpsolve.storage.atomic import write_text

if TYPE_CHECKING:
    from mpsolve.profiles.networks import Layer, NamedNetwork, Network


@click.command(
    epilog="""\b
Examples:
  mpsolve networks
  mpsolve networks mobilenet_v2
  mpsolve networks mobilenet_v1_0.75_192 -o mobilenet.csv
  mpsolve networks model.onnx --shape image=1x3x224x224
  mpsolve networks Llama-2-7b/config.json --tokens 128 --json
"""
)
@click.argument("name", required=False, shell_complete=complete_networks)
@click.option(
    "--shape",
    "shapes",
    metavar="INPUT=SIZES",
    multiple=True,
    help="Of an ONNX file, the shape of an input that it leaves open, such as image=1x3x224x224.",
)
@click.option(
    "--tokens",
    type=click.IntRange(min=1),
    help="Of a transformer, how many tokens are processed at once.  [default: 1]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
@click.option("-o", "--output", metavar="FILE", help="Write the network as a CSV file.")
def networks(
    name: str | None,
    *,
    shapes: tuple[str, ...],
    tokens: int | None,
    as_json: bool,
    output: str | None,
) -> int:
    """List the networks that are known by name or, with NAME, the layers of one.

    NAME is one of them, to which a width multiplier and an input resolution may be added, as in
    mobilenet_v1_0.75_192; a CSV file of layers (as -o writes it); an ONNX file; a file of
    torch.export.save (.pt2); or the config.json of a transformer.
    """
    from mpsolve.profiles.networks import load_network, named_networks

    if name is None:
        if shapes or tokens is not None or output:
            raise click.UsageError("Without NAME, there is only --json.")
        _list(named_networks(), as_json)
        return SOLVED
    if output:
        check_writable(output)
    network = load_network(name, shapes=dict(map(parse_shape, shapes)), tokens=tokens)
    if output:
        _write(network, output)
    if as_json:
        print_json(_described(network))
    else:
        _print(network)
    return SOLVED


def parse_shape(text: str) -> tuple[str, tuple[int, ...]]:
    """Read ``image=1x3x224x224``."""
    name, _, sizes = text.rpartition("=")
    numbers = sizes.replace(",", "x").split("x")
    if not name or not all(number.isdecimal() for number in numbers):
        raise InputError(f"--shape {text} is not understood; write image=1x3x224x224.")
    return name, tuple(map(int, numbers))


def _write(network: Network, output: str) -> None:
    from mpsolve.profiles.networks.write import network_csv

    write_text(output, network_csv(network))


def _list(known: tuple[NamedNetwork, ...], as_json: bool) -> None:
    built = {named.name: named.build(name=named.name) for named in known}
    if as_json:
        print_json(
            [
                {
                    "name": named.name,
                    "description": named.description,
                    "source": named.source,
                    "scalable": named.scalable,
                    "totals": _totals(built[named.name]),
                }
                for named in known
            ]
        )
        return
    descriptions = (
        part
        for named in known
        for part in (
            Text(named.name),
            Padding(Text(f"{named.description}.\n{named.source}."), (0, 0, 0, 2)),
        )
    )
    scalable = ", ".join(named.name for named in known if named.scalable)
    print_report(
        network_list(built),
        Text(),
        *descriptions,
        Text(),
        Text(f"A width and a resolution may follow {scalable}: {known[0].name}_0.75_192."),
    )


def _totals(network: Network) -> dict[str, Any]:
    return {
        "layers": len(network.layers),
        "layer_types": len(network.layer_types),
        "adders": len(network.adders),
        "macs": network.macs,
        "weights": network.weights,
        "parameters": network.parameters,
    }


def _described(network: Network) -> dict[str, Any]:
    """All that is known about a network, as plain data."""
    nodes = [
        {
            "name": node.name,
            "operator": node.operator,
            "inputs": list(node.inputs),
            "output": node.output,
            "shape": list(network.tensors[node.output]),
            "layer": node.layer or None,
        }
        for node in network.nodes
    ]
    return {
        "name": network.name,
        "source": network.source,
        "totals": _totals(network),
        "inputs": {name: list(network.tensors[name]) for name in network.inputs},
        "outputs": list(network.outputs),
        "layers": [_layer(layer) for layer in network.layers],
        "nodes": nodes,
    }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "types": [str(layer_type) for layer_type in layer.layer_types],
        "nodes": [node.name for node in layer.nodes],
        "macs": layer.macs,
        "weights": layer.weights,
        "biases": layer.biases,
        "share": layer.share,
    }


def _print(network: Network) -> None:
    totals = {name: number(value) for name, value in _totals(network).items()}
    print_report(
        Text(f"{network.name}: {totals['layers']} layers of {totals['layer_types']} types"),
        Text(f"source: {network.source}"),
        Text(f"MACs: {totals['macs']}"),
        Text(f"parameters: {totals['parameters']}, of which weights: {totals['weights']}"),
        Text(),
        network_layers(network),
        *((Text(), network_adders(network)) if network.adders else ()),
    )
