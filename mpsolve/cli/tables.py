"""``mpsolve tables``: the tables that come with mpsolve, and what a table holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import numpy as np
from rich.padding import Padding
from rich.text import Text

from mpsolve.building.homogeneous import homogeneous_choice
from mpsolve.cli.completions import complete_tables
from mpsolve.cli.output import print_json, print_report
from mpsolve.cli.status import SOLVED
from mpsolve.errors import InputError
from mpsolve.model.evaluation import smallest, total
from mpsolve.model.problem import Problem
from mpsolve.report.tables import bundled_table_list, labelled, layer_list, number

if TYPE_CHECKING:
    from mpsolve.profiles.bundled import BundledTable
    from mpsolve.profiles.table import LatencyTable


@click.command(
    epilog="""\b
Examples:
  mpsolve tables
  mpsolve tables mobilenet_v2/pulp8-xpulpnnv2
  mpsolve tables latencies.csv --json
"""
)
@click.argument("name", required=False, shell_complete=complete_tables)
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def tables(name: str | None, *, as_json: bool) -> int:
    """List the bundled tables or, with NAME, say what a table holds.

    NAME is a bundled table, a file or - for standard input.
    """
    from mpsolve.profiles.bundled import bundled_tables, load_table

    known = bundled_tables()
    if name is None:
        _list(known, as_json)
        return SOLVED
    table = load_table(name)
    bundled = next((b for b in known if b.name == table.source), None)
    facts = _facts(table, bundled)
    if as_json:
        print_json(facts)
    else:
        _print(table, facts)
    return SOLVED


def _list(known: tuple[BundledTable, ...], as_json: bool) -> None:
    if as_json:
        print_json([_described(bundled) for bundled in known])
        return
    sources = dict.fromkeys(bundled.source for bundled in known)
    descriptions = (
        part for b in known for part in (Text(b.name), Padding(Text(b.description), (0, 0, 0, 2)))
    )
    print_report(
        bundled_table_list(known),
        Text(),
        *descriptions,
        Text(),
        *(Text(f"Source: {source}") for source in sources),
    )


def _described(bundled: BundledTable) -> dict[str, Any]:
    return {
        "name": bundled.name,
        "network": bundled.network,
        "platform": bundled.platform,
        "description": bundled.description,
        "provenance": bundled.provenance.value,
        "source": bundled.source,
        "layers": bundled.layers,
        "candidates": bundled.candidates,
    }


def _facts(table: LatencyTable, bundled: BundledTable | None) -> dict[str, Any]:
    """What there is to know about a table, as plain data."""
    told: dict[str, Any] = {"name": table.source, "provenance": table.provenance.value}
    told |= _described(bundled) if bundled else {}
    offered: dict[str, int] = {}
    for precision in sorted(table.precisions):
        offered[str(precision)] = offered.get(str(precision), 0) + 1
    return told | {
        "layers": len(table.layers),
        "candidates": len(table.precisions),
        "precisions": offered,
        "columns": {name: table.units.get(name, "") for name in table.columns},
        "deviations": list(table.deviations),
        "latency": _latency(table),
    }


def _latency(table: LatencyTable) -> dict[str, Any] | None:
    """The totals of the fastest, of the slowest and of all candidates with 8 bits."""
    if "latency" not in table.columns:
        return None
    latency = table.columns["latency"]
    slowest = np.maximum.reduceat(latency, table.offsets[:-1])
    homogeneous = None
    problem = Problem.from_table(table)
    try:
        choice = homogeneous_choice(problem, "8b/8b")[0]
        homogeneous = total(latency[table.offsets[:-1] + choice])
    except InputError:  # some layer has neither 8b/8b nor anything higher
        pass
    return {
        "unit": table.units.get("latency", ""),
        "least": smallest(latency, table.offsets),
        "greatest": total(slowest),
        "8b/8b": homogeneous,
    }


def _print(table: LatencyTable, facts: dict[str, Any]) -> None:
    lines = [f"{table.source}: {facts['layers']} layers, {facts['candidates']} candidates"]
    lines += [facts["description"]] if "description" in facts else []
    lines += [f"provenance: {table.provenance}"]
    lines += [f"source: {facts['source']}"] if "source" in facts else []
    columns = (f"{name} [{unit}]" if unit else name for name, unit in facts["columns"].items())
    lines.append(f"columns: {', '.join(columns)}")
    if table.deviations:
        lines.append(f"standard deviations of: {', '.join(table.deviations)}")
    offered = (
        f"{precision}" + ("" if count == len(table.layers) else f" ({count} layers)")
        for precision, count in facts["precisions"].items()
    )
    lines.append(f"precisions: {', '.join(offered)}")
    if latency := facts["latency"]:
        label, unit = labelled("latency", table.provenance), latency["unit"]
        lines.append(
            f"{label}: {number(latency['least'], 10)} to {number(latency['greatest'], 10)} {unit}"
        )
        if latency["8b/8b"] is not None:
            lines.append(f"{label} at 8b/8b: {number(latency['8b/8b'], 10)} {unit}")
    print_report(*map(Text, lines), Text(), layer_list(table))
