"""``mpsolve front``: the four points of the small table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.support import SMALL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run


def test_points_by_hand(run: Run, table: Path) -> None:
    """120 -> 9, 150 -> 8, 160 -> 4, 190 -> 3, with the knee at 160."""
    result = run("front", table)
    assert result.exit_code == 0
    rows = [
        line.split() for line in result.stdout.splitlines() if line[:1].isspace() and "0" in line
    ]
    assert [row for row in rows if row[0].isdigit()] == [
        ["0", "120", "9"],
        ["1", "150", "8"],
        ["2", "160", "4", "knee"],
        ["3", "190", "3"],
    ]
    assert "4 points, exact: every non-dominated one" in result.stdout
    data = json.loads(run("front", table, "--json").stdout)
    assert (data["x"], data["y"], data["x_unit"]) == ([120, 150, 160, 190], [9, 8, 4, 3], "cycles")


def test_other_axes_and_budgets(run: Run, table: Path) -> None:
    """rom over latency; a budget on the x axis; a further budget, point by point."""
    data = json.loads(run("front", table, "-x", "latency", "-y", "rom", "--json").stdout)
    assert (data["x"], data["y"]) == ([120, 125], [2480, 2440])
    data = json.loads(run("front", table, "-b", "latency=155", "--json").stdout)
    assert data["x"] == [120, 150]
    result = run("front", table, "-b", "rom=2900bit", "--json")
    data = json.loads(result.stdout)
    assert (data["x"], data["y"], data["exact"]) == ([120, 160], [9, 4], True)


def test_epsilon(run: Run, table: Path) -> None:
    """As a number or in percent; 4 is within a third of 3, and 9 within an eighth of 8."""
    for text in ("0.34", "34%"):
        data = json.loads(run("front", table, "--epsilon", text, "--json").stdout)
        assert data["epsilon"] == pytest.approx(0.34)
        assert set(zip(data["x"], data["y"], strict=True)) <= {
            (120, 9),
            (150, 8),
            (160, 4),
            (190, 3),
        }
    result = run("front", table, "--epsilon", "much")
    assert result.exit_code == 2
    assert "--epsilon much: write a part of the optimum, such as 0.01 or 1%." in result.stderr


def test_files(run: Run, table: Path, tmp_path: Path) -> None:
    """All points as CSV, JSON and Parquet, and a picture."""
    csv, data, parquet = (tmp_path / f"front.{suffix}" for suffix in ("csv", "json", "parquet"))
    for path in (csv, data, parquet):
        assert run("front", table, "-q", "-o", path).stdout == ""
    assert csv.read_text().splitlines() == [
        "latency,sensitivity,excess",
        "120,9,0.0",
        "150,8,0.0",
        "160,4,0.0",
        "190,3,0.0",
    ]
    assert json.loads(data.read_text())["y"] == [9, 8, 4, 3]
    pandas = pytest.importorskip("pandas")
    assert pandas.read_parquet(parquet)["sensitivity"].tolist() == [9, 8, 4, 3]
    pytest.importorskip("matplotlib")
    picture = tmp_path / "front.png"
    assert run("front", table, "--plot", picture).exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    result = run("front", table, "-o", tmp_path / "front.txt")
    assert result.exit_code == 2
    assert "the suffix must be one of .csv, .json, .parquet" in result.stderr


def test_checkpoint(run: Run, table: Path, tmp_path: Path) -> None:
    """The second run takes the points over from the file of the first."""
    arguments = ("front", table, "-b", "rom=2900bit", "--checkpoint", tmp_path / "front.jsonl")
    first, second = run(*arguments), run(*arguments)
    assert "2 points were taken over" in second.stdout
    assert first.stdout.splitlines()[:7] == second.stdout.splitlines()[:7]
    other = run(*arguments, "--epsilon", "1%")
    assert other.exit_code == 2
    assert "belongs to the front of another problem" in other.stderr


def test_limits(run: Run) -> None:
    """A label limit is no error: the report says what is proven, and what helps."""
    result = run("front", "mobilenet_v1_0.75/pulp8-xpulpnnv1", "--label-limit", "5000")
    assert result.exit_code == 0
    assert "latency (modelled)" in result.stdout
    assert "above the optimum for every budget (stopped: label limit)" in result.stdout
    assert "note: There may be more points" in result.stdout


def test_nothing_is_feasible(run: Run, table: Path) -> None:
    """Exit status 3 and the cause, as solve says it."""
    result = run("front", table, "-b", "latency=100")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "The budget on latency is 100 cycles" in result.stderr
    assert run("front", table, "-x", "power").exit_code == 2


def test_standard_input(run: Run) -> None:
    """The table may come through a pipe."""
    assert json.loads(run("front", "-", "--json", stdin=SMALL).stdout)["points"] == 4
