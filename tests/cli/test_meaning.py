"""``--sensitivity``, ``--confidence``, ``--protect`` and ``mpsolve stability``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run


@pytest.fixture
def noisy(table: Path) -> Path:
    """The small table with standard deviations of a tenth of the latencies."""
    rows = [line.split(",") for line in table.read_text().splitlines()]
    lines = [[*rows[0], "latency_std"], *([*row, str(int(row[3]) / 10)] for row in rows[1:])]
    table.write_text("\n".join(map(",".join, lines)) + "\n")
    return table


def test_sensitivity(run: Run, table: Path) -> None:
    """Within 160: 160 -> loss 4, 190 -> 3, 150 -> 8; the envelope falls by 1 over 30."""
    words = ("solve", table, "--method", "mckp", "-b", "latency=170", "--sensitivity")
    result = run(*words)
    assert result.exit_code == 0
    assert (
        "latency: 1 cycle more is worth 0.03333 loss; this assignment stays optimal from 160 to "
        "190 cycles; at 190 cycles fc goes 4b/4b -> 8b/8b; below 160 cycles conv0 goes"
    ) in result.stdout
    assert "slope of the lower bound" in result.stdout
    data = json.loads(run(*words, "--json").stdout)
    budget = data["sensitivity"]["budgets"]["latency"]
    assert (budget["lower"], budget["upper"], budget["larger"]["loss"]) == (160, 190, 3)
    assert data["loss"] == 4


def test_sensitivity_without_a_budget_or_a_proof(run: Run, table: Path) -> None:
    """Both are said; the exit status is that of the answer."""
    result = run("solve", table, "--method", "mckp", "--sensitivity")
    assert result.exit_code == 0
    assert "No budget was given" in result.stdout
    result = run("solve", table, "-b", "latency=5", "--sensitivity")
    assert result.exit_code == 3
    assert "No optimum is proven" in result.stdout


def test_confidence(run: Run, noisy: Path) -> None:
    """160, 150 and 120 deviate by 11.2, 8.8 and 7.9: with 90 % they stay below 175, 162, 131.

    With 99.99 % 150 comes to 183; three times the summed deviations make 195 of it.
    """
    words = ("solve", noisy, "--method", "mckp", "-b", "latency=170", "--json")
    assert json.loads(run(*words).stdout)["loss"] == 4
    likely = json.loads(run(*words, "--confidence", "90%").stdout)
    assert (likely["status"], likely["loss"], likely["costs"]["latency"]) == ("optimal", 8, 150)
    assert "with a probability of at least 0.9" in likely["notes"][0]
    assert json.loads(run(*words, "--confidence", "latency=0.9999").stdout)["loss"] == 9
    any_errors = run(*words, "--confidence", "90%", "--errors", "any").stdout
    assert json.loads(any_errors)["loss"] == 9
    stated = run(*words, "--std", "latency=1%", "--confidence", "90%").stdout
    assert json.loads(stated)["loss"] == 4


def test_protection(run: Run, table: Path) -> None:
    """Each layer off by 10: 160 and 150 become 190 and 180; 160 becomes 170 if only one is."""
    words = ("solve", table, "--method", "mckp", "-b", "latency=175")
    result = run(*words, "--protect", "latency=10")
    assert result.exit_code == 0
    assert "note: latency is within its budget if every layer's is off by 10: nominally 120, " in (
        result.stdout
    )
    assert json.loads(run(*words, "--protect", "latency=10:1", "--json").stdout)["loss"] == 4
    result = run(*words, "--protect", "latency=30%")
    assert result.exit_code == 0
    result = run(*words, "--protect", "latency=100%")
    assert result.exit_code == 3
    assert "No assignment keeps the protected budgets" in result.stdout


def test_modelled_latencies_are_called_modelled(run: Run) -> None:
    """In the sentences too."""
    words = ("-b", "latency=0.7x", "--method", "mckp")
    name = "mobilenet_v1_0.75/pulp8-xpulpnnv1"
    protected = run("solve", name, *words, "--protect", "latency=5%:3").stdout
    assert "note: latency (modelled) is within its budget" in protected
    priced = run("solve", name, *words, "--sensitivity").stdout
    assert "latency (modelled): 1 model cycle more" in priced


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--sensitivity", "--method", "free-bits"), "--sensitivity needs an exact method"),
        (("--sensitivity", "--gap", "0.1"), "needs the optimum; leave out --gap"),
        (("--protect", "latency=1", "--sensitivity"), "budgets without protection"),
        (("--protect", "latency=1", "--warm-start", "8b/8b"), "a protection takes several"),
        (("--protect", "latency"), "--protect latency: write COST=WIDTH"),
        (("--protect", "latency=5%:x"), "write a number of layers after the colon"),
        (("--protect", "energy=5%"), "no budget on energy to protect"),
        (("--confidence", "95%"), "no cost with a budget has standard deviations"),
        (("--confidence", "latency=95%"), "no standard deviations of latency"),
        (("--confidence", "much"), "write a probability, such as 95% or 0.95"),
        (("--confidence", "95", "--std", "latency=1"), "at least 0.5 and below 1, not 95"),
        (("--errors", "any"), "give --confidence as well"),
        (("--std", "latency=1"), "--std states what --confidence protects from"),
        (("--std", "latency=x", "--confidence", "95%"), "latency=x is not a width"),
    ],
)
def test_refusals(run: Run, table: Path, words: tuple[str, ...], sentence: str) -> None:
    """One sentence, status 2."""
    if "--confidence" in words and "--std" not in words:
        words = (*words, "--std", "loss=1")
    result = run("solve", table, "-b", "latency=160", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_stability(run: Run, noisy: Path) -> None:
    """A table of frequencies, and what becomes of the answer; the same as plain data."""
    words = ("stability", noisy, "--method", "mckp", "-b", "latency=170", "--samples", "50")
    result = run(*words)
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["layer", "answer", "chosen", "\N{PLUS-MINUS SIGN}", "otherwise"] in rows
    assert [row[:2] for row in rows if row[:1] == ["fc"]] == [["fc", "4b/4b"]]
    assert "50 samples (normal errors, seed 0)." in result.stdout
    data = json.loads(run(*words, "--json").stdout)
    assert (data["samples"], data["loss"]) == (50, 4)
    kept = f"{data['answer']['kept'] / (50 - len(data['infeasible'])):.1%}"
    assert f"The answer keeps its budgets in {kept} of the samples" in result.stdout
    other = json.loads(run(*words, "--json", "--seed", "1").stdout)
    assert other["layers"] != data["layers"]
    assert run(*words, "--quiet").stdout == ""


def test_stability_needs_noise_and_an_answer(run: Run, table: Path) -> None:
    """Status 2 without standard deviations, 3 without an assignment."""
    result = run("stability", table, "-b", "latency=160")
    assert result.exit_code == 2
    assert "give --std latency=3%" in result.stderr
    result = run("stability", table, "-b", "latency=5", "--std", "latency=3%")
    assert result.exit_code == 3
    assert "infeasible" in result.stdout
    result = run("stability", table, "-b", "latency=5", "--std", "latency=3%", "--json")
    assert json.loads(result.stdout)["status"] == "infeasible"
    result = run("stability", table, "--method", "free-bits", "--std", "latency=3%")
    assert result.exit_code == 2


def test_tables_name_the_columns_that_deviate(run: Run, noisy: Path) -> None:
    """They are not among the columns."""
    result = run("tables", noisy)
    assert "columns: latency [cycles], sensitivity, weight_bits_total\n" in result.stdout
    assert "standard deviations of: latency\n" in result.stdout
    assert json.loads(run("tables", noisy, "--json").stdout)["deviations"] == ["latency"]
