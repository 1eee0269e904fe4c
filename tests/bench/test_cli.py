"""``mpsolve bench``: a smoke run of everything, its report, and what goes wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("click")

from click.testing import CliRunner, Result

from mpsolve.cli.application import application

if TYPE_CHECKING:
    from pathlib import Path


def bench(*arguments: str) -> Result:
    """Run ``mpsolve bench``."""
    return CliRunner().invoke(application, ["bench", *arguments])


def test_a_smoke_run_and_its_report(tmp_path: Path) -> None:
    """Every installed method runs; the page has its tables and pictures in it."""
    pytest.importorskip("matplotlib")
    done = bench("run", "--smoke", "-q", "-o", str(tmp_path))
    assert done.exit_code == 0, done.output
    done = bench("report", str(tmp_path))
    assert done.exit_code == 0, done.output
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    for word in ("mckp", "raw-highs", "annealing", "modelled", "Protocol", "scaling.svg"):
        assert word in page or word in (tmp_path / "report" / "report.md").read_text("utf-8")
    pictures = sorted(path.name for path in (tmp_path / "report").glob("*.svg"))
    assert pictures == ["gaps.svg", "profiles.svg", "scaling.svg", "times.svg"]
    assert page.count("<img src=") == len(pictures)


def test_the_list_names_instances_and_methods() -> None:
    """For people and as JSON."""
    assert "cnn/28x9-seed1" in bench("list").output
    listed = json.loads(bench("list", "--json").output)
    assert "bundled/mobilenet_v2/pulp8-xpulpv2" in listed["instances"]
    assert listed["methods"]["mckp"] is None


def test_a_table_of_the_user_takes_part(tmp_path: Path) -> None:
    """Under its path, with the methods that were named."""
    table = tmp_path / "mine.csv"
    header = "layer,b_in,b_wt,latency,sensitivity\n"
    table.write_text(header + "a,8,8,9,0\na,4,4,5,1\nb,8,8,9,0\nb,4,4,3,2\n", encoding="utf-8")
    folder = tmp_path / "results"
    done = bench(
        *("run", "--table", str(table), "--methods", "mckp", "--budgets", "50", "--repeats", "1"),
        *("-q", "-o", str(folder)),
    )
    assert done.exit_code == 0, done.output
    import pyarrow.parquet as pq

    (row,) = pq.read_table(folder / "rows.parquet").to_pylist()
    # The sums lie between 5 + 3 and 9 + 9; within 13, only the first layer can drop to 4 bits ...
    assert row["limits"] == "latency <= 13"
    # ... for a latency of 14, so it is the second one: 9 + 3, and a loss of 2.
    assert (row["loss"], row["verdict"], row["instance"]) == (2.0, "optimal", f"table/{table}")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "nosuch"], "No instance is called 'nosuch'"),
        (["run", "--methods", "nosuch"], "There is no method 'nosuch'"),
        (["run", "--budgets", "all"], "'all' names no budgets"),
        (["run", "--table", "nosuch.csv"], "'nosuch.csv' is neither a file nor a bundled table"),
        (["run", "cnn/28*", "--scheduler", "x:1", "-q"], "--scheduler is for --backend dask"),
        (["report", "."], "holds no rows"),
        (["kernel", "--sizes", "1x1"], "There is no size '1x1'"),
    ],
)
def test_bad_input_gets_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And exit status 2."""
    monkeypatch.chdir(tmp_path)
    done = bench(*arguments)
    assert done.exit_code == 2
    assert sentence in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("command", ["run", "report"])
def test_a_missing_package_is_named(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the extra that brings it, on the command line as one sentence."""
    monkeypatch.setattr("mpsolve.storage.optional.find_spec", lambda package: None)
    arguments = {"run": ["cnn/28x9-seed1", "-q", "-o"], "report": []}[command]
    done = bench(command, *arguments, str(tmp_path))
    assert done.exit_code == 2
    assert "pip install 'mpsolve[bench]'" in done.output


def test_the_kernel_table_is_printed() -> None:
    """With the smallest size and a limit that leaves the general solvers no time."""
    done = bench("kernel", "--sizes", "28x9", "--repeats", "1", "--time-limit", "0.001")
    assert done.exit_code == 0, done.output
    assert "28x9" in done.output
    assert "assign, " in done.output
    assert "assign / read" in done.output
