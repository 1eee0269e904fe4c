"""What the command lines of all studies share."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bench import study
from bench.__main__ import STUDIES, bench
from mpsolve.bench.cli import bench as harness
from mpsolve.bench.report.page import Table

ROOT = Path(__file__).parents[2]


@click.command("example", cls=study.Study)
@click.option("--numbers", cls=study.Several, type=int, default=(1, 2))
@click.option("--name", default="")
@study.results_options()
def example(*, numbers: tuple[int, ...], name: str, wanted: study.Wanted) -> int:
    """Say what was asked for."""
    table = Table(("number", "name"), tuple((str(n), name) for n in numbers), ("name",))
    study.Findings(
        {"numbers": numbers, "command": study.command_line()},
        [study.for_people(table)],
        lambda *_: table.markdown(),
    ).deliver(wanted)
    return 0


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ([], [1, 2]),
        (["--numbers", "3"], [3]),
        (["--numbers", "3", "4", "--name", "x"], [3, 4]),
        (["--numbers", "3,4"], [3, 4]),
        (["--numbers=3,4"], [3, 4]),
        (["--numbers", "3", "--name", "x", "--numbers", "4"], [3, 4]),
    ],
)
def test_lists_are_written_with_spaces_or_commas(words: list[str], numbers: list[int]) -> None:
    """Or with the option again; and the command is kept as it was written."""
    done = CliRunner().invoke(example, [*words, "--json"])
    expected = " ".join(["python -m bench.example", *words, "--json"])
    assert json.loads(done.stdout) == {"numbers": numbers, "command": expected}


def test_a_list_without_values_is_refused() -> None:
    """It is not taken for the default."""
    done = CliRunner().invoke(example, ["--numbers"])
    assert done.exit_code == 2
    assert "--numbers needs a value." in done.output


def test_results_go_where_they_are_wanted(tmp_path: Path) -> None:
    """A table for people, JSON in a file, and a page."""
    page, data = tmp_path / "page.md", tmp_path / "data.json"
    words = ["--numbers", "7", "--name", "x", "--markdown", str(page), "-o", str(data)]
    done = CliRunner().invoke(example, words)
    assert done.stdout.split() == ["number", "name", *done.stdout.split()[2:-2], "7", "x"]
    assert page.read_text(encoding="utf-8") == "| number | name |\n| --- | --- |\n| 7 | x |"
    assert json.loads(data.read_text(encoding="utf-8"))["numbers"] == [7]


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_is_found_under_its_name(name: str) -> None:
    """With a help text; one that has lists takes no arguments, which would be more of them."""
    with click.Context(bench) as ctx:
        found = bench.get_command(ctx, name)
    assert isinstance(found, study.Study)
    assert found.help
    lists = any(isinstance(parameter, study.Several) for parameter in found.params)
    assert not lists or all(isinstance(parameter, click.Option) for parameter in found.params)


def test_the_list_names_the_harness_and_all_studies() -> None:
    """Every folder and module with a command is in it."""
    shown = CliRunner().invoke(bench, ["--help"]).output
    for name in (*harness.commands, *STUDIES):
        assert f"\n  {name} " in shown
    with_commands = {
        (path.parent if path.stem == "__main__" else path).stem
        for path in (ROOT / "bench").rglob("*.py")
        if "study.run(" in path.read_text(encoding="utf-8")
    }
    assert with_commands == {*STUDIES}


def test_a_study_is_a_program_with_one_sentence_for_an_error() -> None:
    """From a checkout, under the name of its module."""
    command = [sys.executable, "-m", "bench.rich", "--nodes", "54"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: Invalid value for '--nodes'")
    assert "Traceback" not in done.stderr
