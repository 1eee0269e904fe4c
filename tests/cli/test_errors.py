"""Bad input: one sentence on standard error, nothing on standard output, status 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-b", "latency"], "write COST=LIMIT"),
        (["-b", "latency=1", "-b", "latency=2"], "two budgets on latency"),
        (["-b", "latncy=1"], "no cost 'latncy'"),
        (["-b", "latency=fast"], "not understood"),
        (["-b", "latency=nan"], "not understood"),
        (["-b", "latency=2MB"], "has the unit MB"),
        (["--minimize", "accuracy"], "no column 'accuracy'"),
        (["--method", "mckpp"], "did you mean mckp?"),
        (["--method", "magic"], "there are auto, mckp"),
        (["--method", "greedy-decrease"], "give a budget on latency"),
        (["--method", "free-bits", "--warm-start", "8b/8b"], "--warm-start is for exact"),
        (["--method", "mckp", "--start", "8b/8b"], "takes a warm start"),
        (["--method", "mckp", "--strict"], "--method free-bits"),
        (["--method", "mckp", "-b", "latency=150", "-b", "rom=310B"], "mckp keeps one budget"),
        (["--reference", "9bit"], "neither a configuration file nor a precision"),
        (["--fix", "conv0"], "write LAYER=PRECISION"),
        (["--fix", "conv1=8b/8b"], "similar: conv0"),
        (["--fix", "x*=8b/8b"], "no layer of"),
        (["--fix", "fc=fast"], "'fast' is not a precision"),
        (["--tie", "conv0"], "two or more layers"),
        (["--tie", "conv0,fc:b_out"], "'b_out' is not one of precision, b_in, b_wt"),
        (["--tie", "conv0,fcc"], "similar: fc"),
        (["--method", "mckp", "--gap", "2"], "The gap must lie in [0, 1)"),
        (["--time-limit", "0"], "--time-limit"),
        (["--threads", "none"], "--threads"),
        (["--format", "quantlib"], "give -o"),
        (["-o", "-"], "--json"),
        (["-o", "/nowhere/best.json"], "no directory /nowhere"),
        (["-o", "/"], "is a directory"),
        (["--budgets", "latency=1"], "--budget"),
    ],
)
def test_bad_options_of_solve(run: Run, table: Path, options: list[str], words: str) -> None:
    """Each is answered with one sentence that says what to do."""
    result = run("solve", table, *options)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr


def test_warm_start_with_an_unknown_layer(run: Run, table: Path, tmp_path: Path) -> None:
    """The message names the layer."""
    path = tmp_path / "warm.json"
    path.write_text('{"conv0": "8b/8b", "b0.dw": "8b/8b", "head": "8b/8b"}', encoding="utf-8")
    result = run("solve", table, "--method", "mckp", "--warm-start", path)
    assert result.exit_code == 2
    assert "'head'" in result.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["slove"], "did you mean solve?"),
        (
            ["optimise"],
            "there are bench, candidates, compare, completion, export, finetune, flow, front, haq, "
            "import, inspect, mcu, networks, predictiveness, profile, search, sensitivity, solve, "
            "stability, tables, targets, train, verify",
        ),
        (["solve"], "TABLE"),
        (["solve", "nowhere.csv"], "neither a file nor a bundled table"),
        (["tables", "mobilenet_v1_0.75/pulp8-xpulpnnv9"], "pulp8-xpulpnnv1"),
        (["completion", "tcsh"], "tcsh"),
    ],
)
def test_bad_commands(run: Run, command: list[str], words: str) -> None:
    """Wrong commands, tables and shells suggest the right ones."""
    result = run(*command)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert words in result.stderr


def test_empty_table(run: Run, tmp_path: Path) -> None:
    """An empty file is called empty."""
    path = tmp_path / "empty.csv"
    path.write_text("", encoding="utf-8")
    result = run("solve", path)
    assert result.exit_code == 2
    assert "empty" in result.stderr


def test_standard_input_is_read_once(run: Run, table: Path) -> None:
    """It cannot be both the table and the configuration."""
    result = run("verify", "-", "-", stdin=table.read_text())
    assert result.exit_code == 2
    assert "cannot be both" in result.stderr


def test_no_command_prints_the_help(run: Run) -> None:
    """Without a command the help goes to standard error, as for any other bad input."""
    result = run()
    assert result.exit_code == 2
    assert "Commands:" in result.stderr


@pytest.mark.parametrize("command", [[], ["solve"], ["compare"], ["verify"], ["tables"], ["mcu"]])
def test_help_has_examples(run: Run, command: list[str]) -> None:
    """Every help text ends with examples of the command."""
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.stdout
    assert " ".join(["mpsolve", *command]) in result.stdout.partition("Examples:")[2]


def test_help_of_solve_lists_the_proxies(run: Run) -> None:
    """All four are named."""
    text = run("solve", "--help").stdout
    for proxy in ("noise-macs", "noise-params", "noise", "missing-bits-macs"):
        assert proxy in text


def test_version(run: Run) -> None:
    """--version prints one line."""
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("mpsolve ")


def test_configuration_that_is_not_json(run: Run, table: Path) -> None:
    """Standard input that holds anything else is refused."""
    result = run("verify", table, "-", stdin="8b/8b")
    assert result.exit_code == 2
    assert "Standard input is not a JSON configuration" in result.stderr


def test_budget_beyond_all_numbers(run: Run, table: Path) -> None:
    """A budget that no number can hold ends in an answer or in one sentence."""
    result = run("solve", table, "--method", "mckp", "-b", "latency=1e400")
    assert result.exit_code in (0, 2)
