"""``mpsolve candidates``: several good configurations of the small table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run


def test_the_best(run: Run, table: Path) -> None:
    """Within 160 the losses are 4 (fc in 4b), 8 (conv0), 9 (both), 10 (b0.dw too), ..."""
    data = json.loads(run("candidates", table, "-b", "latency=160", "--json").stdout)
    assert [answer["loss"] for answer in data] == [4, 8, 9, 14, 15]
    # 165 is over the budget: b0.dw and fc in 4b lose 10 and take 100 + 55 + 10.
    result = run("candidates", table, "-b", "latency=160", "--count", "2")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["1", "optimal", "4", "160", "2,880"] in rows
    assert ["2", "optimal", "8", "100.00%", "2", "150", "4,480"] in rows
    assert ["fc", "4b/4b", "8b/8b"] in rows
    assert ["b0.dw", "8b/8b", "8b/8b"] not in rows


def test_distances(run: Run, table: Path) -> None:
    """With a distance of two, and the farthest within 200 % of the optimum."""
    words = ("candidates", table, "-b", "latency=160", "--json")
    data = json.loads(run(*words, "--min-distance", "2", "--count", "3").stdout)
    assert [answer["loss"] for answer in data] == [4, 8, 15]
    data = json.loads(run(*words, "--within", "300%", "--count", "2").stdout)
    assert [answer["loss"] for answer in data] == [4, 14]
    result = run(*words, "--within", "1%", "--min-distance", "2")
    assert result.exit_code == 2
    assert "leave out --min-distance" in result.stderr


def test_files_and_few(run: Run, table: Path, tmp_path: Path) -> None:
    """A JSON list is written; where there are no more, the report says so."""
    path = tmp_path / "candidates.json"
    result = run("candidates", table, "-b", "latency=120", "-o", path)
    assert "Only 1 of 5 were found; there are no more." in result.stdout
    assert [answer["loss"] for answer in json.loads(path.read_text())] == [9]


def test_nothing_is_feasible(run: Run, table: Path) -> None:
    """Exit status 3 and the cause."""
    result = run("candidates", table, "-b", "latency=100", "--json")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "The budget on latency is 100 cycles" in result.stderr
