"""``mpsolve import``: a latency table from the files of another program."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem
from rich.text import Text

from mpsolve.cli.completions import complete_files
from mpsolve.cli.output import check_writable, print_report
from mpsolve.cli.status import SOLVED
from mpsolve.errors import InputError
from mpsolve.model.precision import Precision
from mpsolve.model.provenance import Provenance
from mpsolve.report.tables import importer_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpsolve.profiles.table import LatencyTable


def _complete_formats(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from mpsolve.profiles.importers import IMPORTERS

    found = (importer for name, importer in IMPORTERS.items() if name.startswith(incomplete))
    return [CompletionItem(importer.name, help=importer.description) for importer in found]


def _list_formats(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from mpsolve.profiles.importers import IMPORTERS

    print_report(importer_list(tuple(IMPORTERS.values())))
    ctx.exit()


@click.command(
    "import",
    epilog="""\b
Examples:
  mpsolve import --list
  mpsolve import tensorrt fp16.json int8.json --precision fp16.json=16b/16b \\
      --precision int8.json=8b/8b --network resnet18 -o resnet18.csv
  mpsolve import quantlib-xlsx bench.xlsx --network mobilenet_v1_0.75 --provenance simulated \\
      --unit cycles -o mobilenet.csv
  mpsolve import gguf model.gguf -o sizes.csv
""",
)
@click.argument("form", metavar="FORMAT", shell_complete=_complete_formats)
@click.argument("files", nargs=-1, shell_complete=complete_files)
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_formats,
    help="List the formats and what each of them needs.",
)
@click.option(
    "--network",
    metavar="NETWORK",
    shell_complete=complete_files,
    help="The network that the files are of: its name or its file.",
)
@click.option(
    "--precision",
    "precisions",
    metavar="FILE=PRECISION",
    multiple=True,
    help="The precision that a file holds; repeat for each.",
)
@click.option(
    "--provenance",
    type=click.Choice([str(p) for p in Provenance]),
    help="Where the latencies come from.  [default: what the format implies]",
)
@click.option(
    "--unit", metavar="UNIT", help="Unit of the latencies, where the files do not state it."
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    shell_complete=complete_files,
    help="Write the table to this CSV file.",
)
def import_(
    form: str,
    files: tuple[str, ...],
    *,
    network: str | None,
    precisions: tuple[str, ...],
    provenance: str | None,
    unit: str | None,
    output: str,
) -> int:
    """Make a latency table of files that another program wrote.

    The table is written in the form that every other command reads.
    """
    from mpsolve.profiles.importers import import_table
    from mpsolve.profiles.networks import load_network
    from mpsolve.profiles.write import write_csv

    check_writable(output)
    imported = import_table(
        form,
        files,
        network=load_network(network) if network else None,
        precisions=_by_file(files, precisions),
    )
    table = _stated(imported.table, provenance, unit)
    write_csv(table, output)
    print_report(
        Text(
            f"{output}: {len(table.layers)} layers, {len(table.precisions)} candidates; "
            f"{', '.join(table.columns)}; {table.provenance}"
        ),
        *(Text(f"note: {note}") for note in imported.notes),
    )
    return SOLVED


def _by_file(files: Sequence[str], texts: Sequence[str]) -> list[Precision]:
    """The precision of each file, or none at all."""
    found: dict[str, Precision] = {}
    for text in texts:
        file, equals, precision = text.rpartition("=")
        if not equals or not file:
            raise InputError(f"--precision {text}: write FILE=PRECISION, such as int8.json=8b/8b.")
        if file not in files:
            raise InputError(f"--precision {text}: {file} is none of the files.")
        if file in found:
            raise InputError(f"--precision {text}: {file} has two precisions; give one.")
        found[file] = Precision.parse(precision)
    if found and (missing := [file for file in files if file not in found]):
        raise InputError(f"There is no --precision for {missing[0]}; give one for each file.")
    return [found[file] for file in files] if found else []


def _stated(table: LatencyTable, provenance: str | None, unit: str | None) -> LatencyTable:
    """The table with what a person knows about its latencies."""
    if unit and "latency" not in table.columns:
        raise InputError(f"--unit {unit}: the table has no latencies.")
    if unit and table.units.get("latency", unit) != unit:
        raise InputError(f"--unit {unit}: the files state {table.units['latency']}.")
    if provenance:
        table = replace(table, provenance=Provenance(provenance))
    return replace(table, units={**table.units, "latency": unit}) if unit else table
