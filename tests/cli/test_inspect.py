"""``mpsolve inspect``: completeness, free bits and throughput of a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run

NNV1 = "mobilenet_v1_0.75/pulp8-xpulpnnv1"


def test_report_names_what_was_found(run: Run) -> None:
    """The modelled MobileNetV1 table: conv0 has three candidates, 13 layers rise for free."""
    result = run("inspect", NNV1)
    assert result.exit_code == 0
    assert "conv0 without 2b/2b" in result.stdout
    assert "13 of 28 layers rise to a faster precision" in result.stdout
    assert "latency (modelled)" in result.stdout
    assert ["8b/4b", "28"] in [line.split()[:2] for line in result.stdout.splitlines()]


def test_json_holds_the_same(run: Run) -> None:
    """Plain data for one table, a list for several."""
    one = json.loads(run("inspect", NNV1, "--json").stdout)
    assert len(one["raised"]) == 13
    assert one["provenance"] == "modelled"
    both = json.loads(run("inspect", NNV1, NNV1, "--json").stdout)
    assert both == [one, one]


def test_plot_of_two_tables(run: Run, tmp_path: Path) -> None:
    """A picture names both tables."""
    picture = tmp_path / "throughput.svg"
    result = run("inspect", NNV1, "mobilenet_v1_0.75/pulp8-xpulpv2", "--plot", picture)
    assert result.exit_code == 0
    assert picture.read_text().startswith("<?xml")


def test_plot_needs_macs(run: Run, table: Path, tmp_path: Path) -> None:
    """Without MACs there is no throughput, and one sentence says so."""
    result = run("inspect", table, "--plot", tmp_path / "throughput.png")
    assert result.exit_code == 2
    assert "has no column macs" in result.stderr


def test_a_start_that_no_layer_reaches(run: Run, table: Path) -> None:
    """16b/16b is above every candidate: the rest of the report stands."""
    result = run("inspect", table, "--start", "16b/16b")
    assert result.exit_code == 0
    assert "Free Bits has no start" in result.stdout


def test_wrong_start(run: Run, table: Path) -> None:
    """A text that is no precision is refused."""
    result = run("inspect", table, "--start", "fast")
    assert result.exit_code == 2
    assert "'fast' is not a precision" in result.stderr
