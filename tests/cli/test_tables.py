"""``mpsolve tables``: the bundled tables and what a table holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mpsolve.profiles.bundled import bundled_tables

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run


def test_list(run: Run) -> None:
    """Every table is listed with its provenance, its description and its source."""
    result = run("tables")
    assert result.exit_code == 0
    for table in bundled_tables():
        assert table.name in result.stdout
        assert table.description in result.stdout
        assert table.source in result.stdout
    assert result.stdout.count(" modelled\n") == len(bundled_tables())


def test_list_as_json(run: Run) -> None:
    """The JSON has one entry per table with all that is known about it."""
    listed = json.loads(run("tables", "--json").stdout)
    assert [entry["name"] for entry in listed] == [t.name for t in bundled_tables()]
    assert set(listed[0]) == {
        "name",
        "network",
        "platform",
        "description",
        "provenance",
        "source",
        "layers",
        "candidates",
    }


def test_details_of_a_file(run: Run, table: Path) -> None:
    """Latencies range from 60 + 50 + 10 to 100 + 55 + 40, and 8b/8b costs 190."""
    result = run("tables", table)
    assert "3 layers, 6 candidates" in result.stdout
    assert "latency: 120 to 195 cycles" in result.stdout
    assert "latency at 8b/8b: 190 cycles" in result.stdout
    assert "precisions: 4b/4b, 8b/8b" in result.stdout
    assert ["fc", "2", "10", "40"] in [line.split() for line in result.stdout.splitlines()]


def test_details_as_json(run: Run, table: Path) -> None:
    """The same numbers as plain data."""
    facts = json.loads(run("tables", table, "--json").stdout)
    assert facts["latency"] == {"unit": "cycles", "least": 120, "greatest": 195, "8b/8b": 190}
    assert facts["precisions"] == {"4b/4b": 3, "8b/8b": 3}


def test_details_without_8b_8b(run: Run) -> None:
    """A table without that precision has a range and no total at 8b/8b."""
    stdin = "layer,precision,latency\na,4b/4b,7\na,2b/2b,5\n"
    result = run("tables", "-", stdin=stdin)
    assert "latency: 5 to 7" in result.stdout
    assert "at 8b/8b" not in result.stdout


def test_details_of_a_bundled_table(run: Run) -> None:
    """Description and source are there, and every latency is called modelled."""
    bundled = bundled_tables()[0]
    result = run("tables", bundled.name)
    assert bundled.description in result.stdout
    assert bundled.source in result.stdout
    assert "latency (modelled) at 8b/8b: 49,656,873 model cycles" in result.stdout
