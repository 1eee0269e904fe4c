"""The demonstration on the CPU, on a network of a few layers; nothing depends on its times."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.__main__ import bench
from bench.cpu_table import report
from bench.cpu_table import result as module
from bench.cpu_table.plot import plot
from bench.cpu_table.result import Result, Row, at_budget, fastest, run, slower_in_int8
from mpsolve import InputError, LatencyTable, Precision
from mpsolve.building.conversions import with_conversions
from mpsolve.model.evaluation import evaluate
from mpsolve.profiles.networks import NetworkBuilder
from mpsolve.profiles.targets.measured.cpu import CpuTarget
from tests.building.test_conversions import costs, problem, residual

if TYPE_CHECKING:
    from pathlib import Path

    from mpsolve.profiles.networks import Network

FLOAT, INT8 = Precision(32, 32), Precision(8, 8)


def small() -> Network:
    """A residual block with a linear layer behind it."""
    net = NetworkBuilder("small")
    x = net.conv("stem", net.input(3, 8, 8), 8)
    x = net.add("add", x, net.pw("project", net.dw("dw", x), 8))
    return net.build(net.linear("fc", net.global_pool("pool", x), 4))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Result:
    """The small network at two budgets, hardly measured."""
    monkeypatch.setattr(module, "load_network", lambda name: small())
    target = CpuTarget(weights_mib=0, passes=1, rounds=1, sample_us=1)
    return run("small", [0.9, 1.0], target, mixes=1)


def test_what_is_measured(measured: Result) -> None:
    """Homogeneous, fastest, solved and random configurations, with all that is said about them."""
    names = [row.name for row in measured.rows]
    assert names[:3] == ["float32", "int8", "fastest"]
    assert names[-1] == "random 1"
    assert {"1x", "1x, layers alone"} <= {*names}
    assert measured.rows[0].loss == pytest.approx(0, abs=1e-9)
    assert measured.rows[0].conversions == 0
    assert measured.rows[1].conversions == 2  # at both ends of the network
    for row in measured.rows:
        assert row.float32 + row.int8 + row.few_bits == 4
        assert 0 < row.least_us <= row.measured_us
        if row.budget is not None and row.aware:
            assert row.predicted_us <= row.budget * measured.rows[0].predicted_us + 1e-6
    assert measured.network == "small"
    assert "onnxruntime" in measured.record


def test_the_pages(measured: Result, tmp_path: Path) -> None:
    """Table, notes and picture; the command, the machine and its load are on the page."""
    plot(measured, tmp_path / "picture.svg")
    assert "layers and conversions" in (tmp_path / "picture.svg").read_text()
    page = report.page(measured, "the command", "picture.svg")
    assert "![Predicted and measured latency](picture.svg)" in page
    assert page.count("\n| ") == len(measured.rows) + 2
    for text in ("the command", measured.record, "shared", "noise-macs", "times the sum"):
        assert text in page
    with pytest.raises(InputError, match="cannot be written"):
        plot(measured, tmp_path / "no" / "picture.svg")


def test_layers_below_the_noise_have_no_finite_ratio(measured: Result) -> None:
    """On a busy machine, small layers may be measured as 0."""
    lost = replace(measured.rows[0], layers_us=0.0, conversions_us=0.0)
    page = report.page(replace(measured, rows=(lost, *measured.rows[1:])), "the command", "")
    assert "inf" in page


def test_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It prints a table or JSON, writes its files, and goes on from a store."""
    monkeypatch.setattr(module, "load_network", lambda name: small())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)  # where progress is shown
    store, page = tmp_path / "samples.jsonl", tmp_path / "page.md"
    words = ["--budgets", "1", "--mixes", "0", "--passes", "1", "--rounds", "1"]
    words += ["--weights-mib", "0", "--store", str(store)]
    picture = tmp_path / "picture.svg"
    files = ["--markdown", str(page), "--plot", str(picture)]
    assert bench.main(["cpu_table", *words, *files], standalone_mode=False) == 0
    shown = capsys.readouterr()
    assert "measured / predicted" in shown.out.replace("\n", " ")
    assert "layers" in shown.err
    assert "](picture.svg)" in page.read_text()
    before = store.read_bytes()
    assert bench.main(["cpu_table", *words, "--json"], standalone_mode=False) == 0
    data = json.loads(capsys.readouterr().out)
    assert store.read_bytes() == before
    assert [row["name"] for row in data["rows"]][:2] == ["float32", "int8"]


def test_the_fastest_configuration() -> None:
    """Brute force finds no faster one, conversions included."""
    network = residual()
    extended = with_conversions(problem(network, 5), network, costs(network))
    found = fastest(extended)
    latencies = {}
    for index in np.ndindex(2, 2, 2, 3):
        evaluated = evaluate(extended, np.array(index))
        latencies[extended.configuration(np.array(index))] = evaluated.costs["latency"]
    assert latencies[found] == pytest.approx(min(latencies.values()))
    assert at_budget(extended, 0.01) is None


def test_what_is_slower_in_int8() -> None:
    """Layer types, each once, those that lose most first."""
    table = LatencyTable(
        layers=("a", "b", "c", "d"),
        offsets=np.array([0, 2, 4, 6, 7]),
        precisions=(FLOAT, INT8) * 3 + (FLOAT,),
        columns={"latency": np.array([10.0, 12.0, 5.0, 9.0, 10.0, 12.0, 1.0])},
        layer_types=("x", "y", "x", "z"),
    )
    assert slower_in_int8(table) == (("y", 5.0, 9.0), ("x", 10.0, 12.0))


def row(
    name: str, predicted: float, took: float, budget: float | None, *, aware: bool = True
) -> Row:
    """A row of which little matters."""
    return Row(name, budget, aware, 0.0, 1, 0, 0, 0, predicted - 10, 10.0, took, 1.0, took)


def test_what_is_said_about_the_rows() -> None:
    """By hand: ratios with and without conversions, and who keeps the budget when measured."""
    rows = (
        row("float32", 1010.0, 1010.0, None),
        row("0.5x", 500.0, 505.0, 0.5),
        row("0.4x", 400.0, 480.0, 0.4),
        row("0.5x, layers alone", 510.0, 600.0, 0.5, aware=False),
    )
    result = Result("net", "loss", "machine", (0.1, 0.2), rows, (("dw", 1.0, 2.0),))
    assert report.kept(result) == (
        "Measured against the measured float32 network, budgets are kept by 1 of 2 solved with "
        "conversions and 0 of 1 solved from layers alone."
    )
    assert "takes 1.00 to 1.20 times the sum of its layers and conversions" in report.ratios(result)
    assert "1.01 to 1.23 times the sum of its layers alone" in report.ratios(result)
    assert report.kept(replace(result, rows=rows[:1])) == ""
    assert report.slower(replace(result, slower=())).startswith("No layer type is slower")
    assert "dw (1 and 2 us)" in report.slower(result)
    assert report.cells(rows[1], rows[0])[-3:] == ("1.010", "0.495", "0.500")


def test_the_load_is_the_operating_system_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before and after."""
    loads = iter([(1.5, 0, 0), (0.25, 0, 0)])
    monkeypatch.setattr(os, "getloadavg", lambda: next(loads))
    monkeypatch.setattr(module, "load_network", lambda name: small())
    target = CpuTarget(weights_mib=0, passes=1, rounds=1, sample_us=1)
    assert run("small", [], target, mixes=0).load == (1.5, 0.25)
