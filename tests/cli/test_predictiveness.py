"""``mpsolve predictiveness``, and pairs of layers from measurement to solution."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from scipy.stats import kendalltau, spearmanr

from mpsolve.cli.application import application

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run

torch.set_num_threads(1)


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def measured(trained: Path) -> tuple[Path, Path]:
    """Sensitivities of the trained model, and what its two layers cost together."""
    table, pairs = trained / "pairs-s.csv", trained / "pairs.csv"
    options = ["--metric", "loss-pairs", "--bits", "2,4,8", "--examples", "48", "-o", str(table)]
    more = ["--pairs", str(pairs), "--checkpoint", str(trained / "pairs.jsonl")]
    model = f"{trained}/net.py:make:{trained}/float"
    for _ in range(2):  # the second time from the checkpoint
        result = CliRunner().invoke(
            application, ["sensitivity", model, "--data", "digits", *options, *more]
        )
        assert result.exit_code == 0
        assert f"1 pairs of layers; wrote {pairs}" in result.stdout
    return table, pairs


def test_pairs_of_layers_are_minimised_too(
    run: Run, measured: tuple[Path, Path], tmp_path: Path
) -> None:
    """The least sum of both sensitivities and their term within a budget, by enumeration."""
    sensitivities, pairs = map(rows_of, measured)
    assert len(pairs) == 3 * 9
    single = {(r["layer"], r["b_in"], r["b_wt"]): float(r["sensitivity"]) for r in sensitivities}
    table = tmp_path / "latencies.csv"
    lines = (",".join((*key, str(int(key[1]) * int(key[2])))) for key in single)
    table.write_text("\n".join(("layer,b_in,b_wt,latency", *lines)))
    sums = [
        single["0", r["b_in_a"], r["b_wt_a"]]
        + single["4", r["b_in_b"], r["b_wt_b"]]
        + float(r["value"])
        for r in pairs
        if 8 * int(r["b_wt_a"]) + int(r["b_in_b"]) * int(r["b_wt_b"]) <= 48
    ]
    asked = ("--sensitivities", measured[0], "--pairs", measured[1], "-b", "latency=48", "--json")
    assert json.loads(run("solve", table, *asked).stdout)["loss"] == pytest.approx(min(sums))


def test_predictiveness(
    run: Run, trained: Path, measured: tuple[Path, Path], tmp_path: Path
) -> None:
    """Correlations of what is written, with pairs and without; nothing is measured twice."""
    model = f"{trained}/net.py:make:{trained}/float"
    table, pairs = measured
    files = {name: tmp_path / name for name in ("losses.jsonl", "plot.png", "out.csv")}
    options = ("--samples", "12", "--examples", "48", "--checkpoint", files["losses.jsonl"])
    asked = ("predictiveness", model, "--data", "digits", "--sensitivities", table, *options)
    more = ("--pairs", pairs, "--plot", files["plot.png"], "-o", files["out.csv"])
    told = json.loads(run(*asked, *more, "--json").stdout)
    rows = rows_of(files["out.csv"])
    assert len(rows) == told["configurations"] == 12
    assert len(files["losses.jsonl"].read_text().splitlines()) <= 1 + 12
    predicted, losses = (
        np.array([float(row[name]) for row in rows]) for name in ("predicted", "measured")
    )
    spearman = spearmanr(predicted, losses).statistic
    kendall = kendalltau(predicted, losses).statistic
    assert told["pairs"]["spearman"]["value"] == pytest.approx(spearman)
    assert told["pairs"]["kendall"]["value"] == pytest.approx(kendall)
    assert told["pairs"]["kendall"]["low"] <= told["pairs"]["kendall"]["value"]
    values = {
        (r["layer"], f"{r['b_in']}b/{r['b_wt']}b"): float(r["sensitivity"]) for r in rows_of(table)
    }
    sums = np.array([sum(values[layer, row[layer]] for layer in ("0", "4")) for row in rows])
    assert told["spearman"]["value"] == pytest.approx(spearmanr(sums, losses).statistic)
    assert files["plot.png"].stat().st_size > 1000
    before = files["losses.jsonl"].read_text()
    again = run(*asked)
    assert files["losses.jsonl"].read_text() == before
    name, sentence = again.stdout.splitlines()
    assert name.endswith("net.py:make on 48 validation examples of digits")
    assert f"Spearman {told['spearman']['value']:.3f} (" in sentence


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--samples", "2"), "--samples"),
        (("--sensitivities", "none.csv"), "none.csv: there is no such file"),
        (("--sensitivities", "{small}"), "small.csv has no layer 0, which the network has"),
        (("--sensitivities", "{bare}"), "bare.csv has no column sensitivity"),
        (("--pairs", "{small}"), "the column layer_a is missing"),
        (("--plot", "{small}/x.png"), "cannot be written"),
        (("--adder-bits", "few"), "--adder-bits few: write a number of bits"),
    ],
)
def test_what_cannot_predict_is_said(
    run: Run,
    trained: Path,
    measured: tuple[Path, Path],
    tmp_path: Path,
    options: tuple[str, ...],
    message: str,
) -> None:
    """In one sentence."""
    (tmp_path / "small.csv").write_text("layer,b_in,b_wt,latency,sensitivity\nconv,8,8,1,1\n")
    (tmp_path / "bare.csv").write_text("layer,b_in,b_wt,latency\n0,8,8,1\n4,8,8,1\n")
    model = f"{trained}/net.py:make:{trained}/float"
    asked = ("predictiveness", model, "--data", "digits", "--sensitivities", measured[0])
    files = {name: str(tmp_path / f"{name}.csv") for name in ("small", "bare")}
    result = run(*asked, *(option.format(**files) for option in options))
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_pairs_need_measured_losses(run: Run, trained: Path, tmp_path: Path) -> None:
    """Which other metrics do not measure."""
    model = f"{trained}/net.py:make:{trained}/float"
    options = ("--pairs", tmp_path / "p.csv", "-o", tmp_path / "s.csv")
    result = run("sensitivity", model, "--data", "digits", *options)
    assert result.exit_code == 2
    assert "give --metric loss-pairs" in result.stderr
