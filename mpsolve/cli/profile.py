"""``mpsolve profile``: a latency table for a network on a target."""

from __future__ import annotations

from typing import Any

import click
from rich.text import Text

from mpsolve.analysis.inspect_table import inspect_table
from mpsolve.cli.completions import complete_files, complete_networks, complete_targets
from mpsolve.cli.options import profile_options
from mpsolve.cli.output import check_writable, print_json, print_report, write_error
from mpsolve.cli.profiling import check_checkable, checked_additivity, profiled
from mpsolve.cli.status import SOLVED
from mpsolve.profiles.write import write_csv
from mpsolve.report.tables import additivity_table, inspection_sentences, layer_list


@click.command(
    epilog="""\b
Examples:
  mpsolve profile mobilenet_v2 --target pulp8-xpulpnnv1-model -o table.csv
  mpsolve profile mobilenet_v1_0.75_192 --target pulp8-xpulpv2-model:parameters=prior
  mpsolve profile model.onnx --target cpu:threads=2 --store model.cpu.jsonl -o table.csv --check
  mpsolve profile layers.csv --target board.toml -o table.csv
"""
)
@click.argument("network", shell_complete=complete_networks)
@click.option(
    "--target",
    metavar="TARGET",
    required=True,
    shell_complete=complete_targets,
    help="A target (see mpsolve targets), options after a colon, or a .toml file.",
)
@profile_options
@click.option(
    "--check",
    is_flag=True,
    help="Also measure the whole network at a few configurations, and compare it with the sums of "
    "its layers (target cpu).",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    shell_complete=complete_files,
    help="Write the table to this file as CSV.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON and nothing else.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors, nothing else.")
def profile(
    network: str,
    *,
    target: str,
    check: bool,
    output: str | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Profile every layer type of a network on a target.

    NETWORK is a name (see mpsolve networks), an ONNX file, a geometry CSV, or the JSON
    configuration of a transformer. What its graph asks of activations is kept: layers that read
    the same tensor share their input bits, adders and the network's input keep eight.
    """
    if output:
        check_writable(output)
    if check:
        check_checkable(target)
    silent = quiet or as_json
    graph, table = profiled(network, target, silent=silent, **options)
    if output:
        write_csv(table, output)
    checked = (
        checked_additivity(graph, table, target, options["store"], silent=silent) if check else ()
    )
    if as_json:
        from mpsolve.profiles.write import tidy_columns

        columns = tidy_columns(table)
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        told = [a.to_json() for a in checked]
        print_json({"table": rows, "additivity": told} if check else rows)
    elif not quiet:
        print_report(
            Text(
                f"{table.source}: {len(table.layers)} layers, {len(set(table.layer_types))} layer "
                f"types, {len(table.precisions)} candidates, {table.provenance} latencies"
            ),
            *map(Text, inspection_sentences(inspect_table(table))),
            Text(),
            layer_list(table),
            *((Text(), additivity_table(checked)) if checked else ()),
        )
        if not output:
            write_error("The table was not written; give -o FILE.")
    return SOLVED
