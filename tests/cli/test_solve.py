"""``mpsolve solve``: answers, reports, files and exit statuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.support import SMALL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run


@pytest.mark.parametrize(
    ("budget", "loss", "latency"),
    [
        ("latency=120", 9, 120),
        ("latency=159", 8, 150),
        ("latency=0.85x", 4, 160),  # 0.85 * 190 = 161.5
        ("latency=50%", 8, 150),  # 120 + 0.5 * (190 - 120) = 155
        ("latency=1e3", 3, 190),
        ("rom=310B", 9, 120),  # 2480 bit: only fc and conv0 in 4b/4b fit
    ],
)
def test_json_holds_the_optimum(
    run: Run, table: Path, budget: str, loss: int, latency: int
) -> None:
    """Loss and latency are those of the enumeration, and nothing but JSON is printed."""
    result = run("solve", table, "--method", "mckp", "--budget", budget, "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert answer["status"] == "optimal"
    assert (answer["loss"], answer["costs"]["latency"]) == (loss, latency)
    assert answer["gap"] == 0


def test_report_names_everything_that_matters(run: Run, table: Path) -> None:
    """Loss, method, layers with their costs, budget use and status are in the report."""
    result = run("solve", table, "--method", "mckp", "-b", "latency=160")
    words = [line.split() for line in result.stdout.splitlines()]
    assert "minimises sensitivity" in result.stdout
    assert "method mckp" in result.stdout
    assert ["fc", "4b/4b", "10", "-75.0%", "3"] in words
    assert ["conv0", "8b/8b", "100", "same", "0"] in words
    assert ["latency", "160", "160", "100.0%", "cycles"] in words
    assert "optimal: No assignment that keeps the constraints has less loss." in result.stdout
    assert "loss 4   bound 4   gap 0%" in result.stdout


def test_without_a_budget_the_report_says_so(run: Run, table: Path) -> None:
    """The least loss of all assignments is 3, and no budget was given."""
    result = run("solve", table, "--method", "mckp")
    assert result.exit_code == 0
    assert "minimises sensitivity; no budget was given" in result.stdout
    assert "loss 3 " in result.stdout


def test_modelled_latencies_are_called_modelled(run: Run) -> None:
    """Header, layer table and totals of a bundled table all say that latencies are modelled."""
    name = "mobilenet_v1_0.75/pulp8-xpulpnnv1"
    result = run("solve", name, "--method", "mckp", "-b", "latency=0.7x")
    assert f"{name}: 28 layers, 246 candidates, modelled latencies" in result.stdout
    assert "minimises noise-macs (proxy)" in result.stdout
    assert result.stdout.count("latency (modelled)") == 2


def test_piped_reports_are_not_cut(run: Run, tmp_path: Path) -> None:
    """A layer name of 150 characters is printed whole, without trailing blanks."""
    name = "model." + "x" * 144
    path = tmp_path / "long.csv"
    path.write_text(SMALL.replace("b0.dw", name), encoding="utf-8")
    result = run("solve", path, "--method", "mckp")
    assert name in result.stdout
    assert "\N{HORIZONTAL ELLIPSIS}" not in result.stdout
    assert all(line == line.rstrip() for line in result.stdout.splitlines())


def test_layer_names_are_no_markup(run: Run, tmp_path: Path) -> None:
    """Square brackets in a layer name are printed as they are."""
    path = tmp_path / "brackets.csv"
    path.write_text(SMALL.replace("b0.dw", "[red]b0[/red]"), encoding="utf-8")
    assert "[red]b0[/red]" in run("solve", path, "--method", "mckp").stdout


def test_table_from_standard_input(run: Run) -> None:
    """``-`` reads the table from standard input."""
    result = run("solve", "-", "--method", "mckp", "-b", "latency=160", "--json", stdin=SMALL)
    assert json.loads(result.stdout)["loss"] == 4


def test_free_bits_alone(run: Run, table: Path) -> None:
    """From 4b/4b only b0.dw rises, since it alone is not slower in 8b/8b: loss 5 + 1 + 3."""
    result = run("solve", table, "--method", "free-bits", "--start", "4b/4b", "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (answer["status"], answer["loss"], answer["costs"]["latency"]) == ("feasible", 9, 120)


def test_strict_free_bits_keeps_layers_that_gain_nothing(run: Run, tmp_path: Path) -> None:
    """A layer that is equally fast in 8b/8b rises, except with --strict."""
    path = tmp_path / "equal.csv"
    path.write_text(SMALL.replace("dw,8,8,50", "dw,8,8,55"), encoding="utf-8")
    words = ("solve", path, "--method", "free-bits", "--json")
    assert json.loads(run(*words).stdout)["loss"] == 5 + 1 + 3
    assert json.loads(run(*words, "--strict").stdout)["loss"] == 5 + 7 + 3


def test_heuristic_begins_with_a_configuration_file(run: Run, table: Path, tmp_path: Path) -> None:
    """From conv0 in 8b/8b and the rest in 4b/4b, Free Bits ends at loss 0 + 1 + 3."""
    start = tmp_path / "start.json"
    start.write_text('{"conv0": "8b/8b", "b0.dw": "4b/4b", "fc": "4b/4b"}', encoding="utf-8")
    result = run("solve", table, "--method", "free-bits", "--start", start, "--json")
    # 8b/8b is the only precision of conv0 that is not lower.
    assert json.loads(result.stdout)["loss"] == 4


def test_failed_heuristic(run: Run, table: Path) -> None:
    """Free Bits ends at latency 120 whatever the budget: status 4, and JSON says failed."""
    words = ("solve", table, "--method", "free-bits", "-b", "latency=119")
    result = run(*words)
    assert result.exit_code == 4
    assert "latency is 120 and its budget 119" in result.stdout
    assert "100.9%" in result.stdout
    result = run(*words, "--json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["status"] == "failed"


def test_infeasible_budget(run: Run, table: Path) -> None:
    """The least latency is 120; below it the answer is infeasible, status 3, also in JSON."""
    words = ("solve", table, "--method", "mckp", "-b", "latency=119")
    result = run(*words)
    assert result.exit_code == 3
    assert "infeasible" in result.stdout
    assert "at least 120 cycles" in result.stdout
    result = run(*words, "--json")
    assert result.exit_code == 3
    answer = json.loads(result.stdout)
    assert (answer["status"], answer["configuration"]) == ("infeasible", None)


@pytest.mark.parametrize(
    ("options", "loss"),
    [
        (["--fix", "conv0=4b/4b"], 5 + 1 + 2),
        (["--fix", "*=4b/4b"], 5 + 7 + 3),
        (["--forbid", "c*=8/8"], 5 + 1 + 2),
        (["--at-most", "fc=w4a4"], 0 + 1 + 3),
        (["--at-least", "b0.*=8b/8b", "--at-most", "*=8b/8b"], 0 + 1 + 2),
        (["--tie", "conv0,fc", "--fix", "fc=4b/4b"], 5 + 1 + 3),
        (["--tie", "conv0,b0.dw:b_wt", "--fix", "conv0=4b/4b"], 5 + 7 + 2),
        (["--tie", "*", "-b", "latency=189"], 5 + 7 + 3),
    ],
)
def test_restrictions_and_ties(run: Run, table: Path, options: list[str], loss: int) -> None:
    """Each option leaves the layers it names the losses that add up to the optimum."""
    result = run("solve", table, "--method", "mckp", "--json", *options)
    assert json.loads(result.stdout)["loss"] == loss


def test_reference_of_relative_budgets(run: Run, table: Path) -> None:
    """1.2 times the latency of 4b/4b is 150, and the report compares with 4b/4b."""
    words = ("solve", table, "--method", "mckp", "-b", "latency=1.2x", "--reference", "4b/4b")
    assert json.loads(run(*words, "--json").stdout)["budgets"] == {"latency": 150}
    assert "vs 4b/4b" in run(*words).stdout


def test_minimize_another_column(run: Run, table: Path) -> None:
    """The least latency of all assignments is 60 + 50 + 10."""
    result = run("solve", table, "--method", "mckp", "--minimize", "latency", "--json")
    answer = json.loads(result.stdout)
    assert (answer["loss_name"], answer["loss"]) == ("latency", 120)


def test_written_configuration_can_be_read_again(run: Run, table: Path, tmp_path: Path) -> None:
    """-o writes layer by layer; the file serves as a warm start and the report is still there."""
    path = tmp_path / "best.json"
    result = run("solve", table, "--method", "mckp", "-b", "latency=160", "-o", path)
    assert "optimal" in result.stdout
    assert json.loads(path.read_text()) == {
        "conv0": {"b_in": 8, "b_wt": 8},
        "b0.dw": {"b_in": 8, "b_wt": 8},
        "fc": {"b_in": 4, "b_wt": 4},
    }
    words = ("solve", table, "--method", "mckp", "--warm-start", path, "-b", "latency=160")
    assert json.loads(run(*words, "--json").stdout)["loss"] == 4
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_quantlib_format(run: Run, table: Path, tmp_path: Path) -> None:
    """--format quantlib writes layer_precs."""
    path = tmp_path / "best.json"
    run("solve", table, "--method", "mckp", "-q", "-o", path, "--format", "quantlib")
    assert json.loads(path.read_text())["layer_precs"]["fc"] == [8, 8]


def test_quiet_prints_nothing(run: Run, table: Path) -> None:
    """With --quiet a solved problem prints nothing and an infeasible one a single sentence."""
    result = run("solve", table, "--method", "mckp", "-q")
    assert (result.stdout, result.stderr, result.exit_code) == ("", "", 0)
    result = run("solve", table, "--method", "mckp", "-q", "-b", "latency=1")
    assert (result.stdout, result.exit_code) == ("", 3)
    assert len(result.stderr.splitlines()) == 1


def test_no_file_is_written_without_an_answer(run: Run, table: Path, tmp_path: Path) -> None:
    """An existing file stays as it was when the problem is infeasible, and the user is told."""
    path = tmp_path / "best.json"
    path.write_text("before", encoding="utf-8")
    result = run("solve", table, "--method", "mckp", "-b", "latency=1", "-o", path)
    assert result.exit_code == 3
    assert path.read_text() == "before"
    assert "was not written" in result.stderr


def test_pairs_change_the_optimum(run: Run, table: Path, tmp_path: Path) -> None:
    """Without a budget 8b/8b everywhere has loss 3; a pair that costs 4 makes fc give way."""
    pairs = tmp_path / "pairs.csv"
    header = "layer_a,b_in_a,b_wt_a,layer_b,b_in_b,b_wt_b,value,cost\n"
    pairs.write_text(header + "conv0,8,8,fc,8,8,4,\nconv0,8,8,b0.dw,8,8,60,latency\n")
    told = json.loads(run("solve", table, "--pairs", pairs, "--json").stdout)
    assert told["loss"] == 4
    assert told["costs"]["latency"] == 100 + 50 + 10 + 60
    within = json.loads(run("solve", table, "--pairs", pairs, "-b", "latency=170", "--json").stdout)
    # conv0 in 4b/4b takes part in no pair: 60 + 50 + 40 and 5 + 1 + 2, against 165 and 10.
    assert (within["costs"]["latency"], within["loss"]) == (150, 8)
    front = run("front", table, "--pairs", pairs)
    assert front.exit_code == 2
    assert "The front looks at layers one by one" in front.stderr
    pairs.write_text(header.replace("value", "price"))
    assert "pairs.csv" in run("solve", table, "--pairs", pairs).stderr
