"""Whole networks beside the sums of their layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.report.tables.text import new_table, number, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from mpsolve.profiles.targets.measured.end_to_end import Additivity


def additivity_table(checked: Sequence[Additivity]) -> Table:
    """One row per configuration, in microseconds; a ratio of 1 says that latencies add up."""
    table = new_table()
    table.add_column("whole network", no_wrap=True)
    for header in ("layers [us]", "conversions [us]", "measured [us]", "+-", "measured / sum"):
        table.add_column(header, justify="right", no_wrap=True)
    for a in checked:
        times = (a.layers_us, a.conversions_us, a.measured.median, a.measured.error)
        cells = [number(round(t, 1)) for t in times]
        table.add_row(plain(a.name), *cells, f"{a.ratio:.2f}")
    return table
