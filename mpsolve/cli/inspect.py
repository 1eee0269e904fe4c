"""``mpsolve inspect``: what a table says before anything is solved."""

from __future__ import annotations

import click
from rich.text import Text

from mpsolve.analysis.inspect_table import inspect_table
from mpsolve.cli.completions import complete_files, complete_tables
from mpsolve.cli.output import check_writable, print_json, print_report
from mpsolve.cli.status import SOLVED
from mpsolve.heuristics.free_bits import FreeBits
from mpsolve.report.tables import inspection_sentences, inspection_table, throughput_table


@click.command(
    epilog="""\b
Examples:
  mpsolve inspect latencies.csv
  mpsolve inspect mobilenet_v1_0.75/pulp8-xpulpnnv1 --start 4b/4b
  mpsolve inspect mobilenet_v1_0.75/pulp8-xpulpv2 mobilenet_v1_0.75/pulp8-xpulpnnv1 --plot both.png
"""
)
@click.argument("tables", nargs=-1, required=True, shell_complete=complete_tables)
@click.option(
    "--start",
    metavar="PRECISION",
    default=FreeBits.default_start,
    show_default=True,
    help="The homogeneous precision that Free Bits begins with.",
)
@click.option(
    "--plot",
    metavar="FILE",
    shell_complete=complete_files,
    help="Draw the throughput by precision of all tables to this file (.png, .svg, .pdf).",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def inspect(tables: tuple[str, ...], *, start: str, plot: str | None, as_json: bool) -> int:
    """Say whether a table is complete and monotone, and where it has free bits.

    TABLE is a file, - for standard input, or the name of a bundled table; several are compared in
    one plot. A precision is worth its latency if no higher one is as fast.
    """
    from mpsolve.profiles.bundled import load_table

    if plot:
        check_writable(plot)
    found = [inspect_table(load_table(name), start) for name in tables]
    if plot:
        from mpsolve.report.plots import plot_throughput

        plot_throughput([inspection.table for inspection in found], plot)
    if as_json:
        documents = [inspection.to_json() for inspection in found]
        print_json(documents if len(documents) > 1 else documents[0])
        return SOLVED
    for inspection in found:
        table = inspection.table
        print_report(
            Text(
                f"{table.source}: {len(table.layers)} layers, {len(table.precisions)} "
                f"candidates, {table.provenance} latencies"
            ),
            *map(Text, inspection_sentences(inspection)),
            Text(),
            inspection_table(inspection),
            *((Text(), throughput_table(inspection)) if inspection.throughput else ()),
        )
    return SOLVED
