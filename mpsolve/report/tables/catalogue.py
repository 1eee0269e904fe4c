"""Latency tables: those that are bundled, what one of them holds, and formats to import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.report.tables.text import labelled, new_table, number, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from mpsolve.profiles.bundled import BundledTable
    from mpsolve.profiles.importers.importer import Importer
    from mpsolve.profiles.table import LatencyTable


def bundled_table_list(tables: Sequence[BundledTable]) -> Table:
    """One row per table that comes with mpsolve."""
    table = new_table()
    table.add_column("table", no_wrap=True)
    for header in ("layers", "candidates"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("latencies", no_wrap=True)
    for bundled in tables:
        table.add_row(
            plain(bundled.name),
            number(bundled.layers),
            number(bundled.candidates),
            str(bundled.provenance),
        )
    return table


def layer_list(table: LatencyTable) -> Table:
    """One row per layer of a latency table: its type, its candidates and their latencies."""
    shown = new_table()
    shown.add_column("layer", overflow="fold")
    typed, timed = any(table.layer_types), "latency" in table.columns
    if typed:
        shown.add_column("type", overflow="fold")
    shown.add_column("candidates", justify="right", no_wrap=True)
    if timed:
        label = labelled("latency", table.provenance)
        for header in (f"least\n{label}", f"greatest\n{label}"):
            shown.add_column(plain(header), justify="right", no_wrap=True)
    for i, layer in enumerate(table.layers):
        candidates = slice(table.offsets[i], table.offsets[i + 1])
        cells = [layer, *([table.layer_types[i]] if typed else [])]
        cells.append(str(candidates.stop - candidates.start))
        if timed:
            latency = table.columns["latency"][candidates]
            cells += [number(value.item()) for value in (latency.min(), latency.max())]
        shown.add_row(*map(plain, cells))
    return shown


def importer_list(importers: Sequence[Importer]) -> Table:
    """One row per format: what it needs beside its files, and what it is."""
    table = new_table()
    table.add_column("format", no_wrap=True)
    table.add_column("files", no_wrap=True)
    table.add_column("--network", no_wrap=True)
    table.add_column("--precision", no_wrap=True)
    table.add_column("", overflow="fold")
    for importer in importers:
        cells = (
            importer.name,
            ", ".join(importer.suffixes),
            str(importer.network),
            str(importer.precisions),
            importer.description,
        )
        table.add_row(*map(plain, cells))
    return table
