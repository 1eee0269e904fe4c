"""The comparison of two revisions, and the benchmarks that it runs."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from bench import compare
from bench.__main__ import bench
from mpsolve import InputError

ROOT = Path(__file__).parents[2]


def test_ratios_are_taken_within_a_pass() -> None:
    """By hand: noise that lasts a whole pass leaves the ratio alone; the new has none."""
    before = {"a": [0.002, 0.020, 0.002]}
    now = {"a": [0.001, 0.010, 0.003], "b": [0.5, 0.5, 0.5]}
    assert compare.table(before, now).rows == (
        ("a", "2", "3", "0.50", "0.50 to 1.50"),
        ("b", "-", "500", "-", "-"),
    )


@pytest.mark.skipif(not (ROOT / ".git").exists() or not shutil.which("git"), reason="no git")
def test_an_unknown_revision_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is built."""
    assert bench.main(["compare", "no-such-revision"], standalone_mode=False) == 2
    assert "git has no files of 'no-such-revision'" in capsys.readouterr().err


def test_what_cannot_be_built_is_one_sentence(tmp_path: Path) -> None:
    """A folder without a package, and one that is not there."""
    with pytest.raises(InputError, match="nothing cannot be installed"):
        compare.install(tmp_path / "nothing", tmp_path / "place")


def test_benchmarks_are_no_part_of_the_suite() -> None:
    """Their times would depend on what runs beside them."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        paths = tomllib.load(file)["tool"]["pytest"]["ini_options"]["testpaths"]
    assert list((ROOT / "bench" / "speed").glob("test_*.py"))
    assert not [path for path in paths if path.startswith("bench")]
