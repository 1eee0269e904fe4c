"""``--network`` and the budget on RAM: reports, JSON, refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.support import Run

TABLE = "mobilenet_v1_0.75/pulp8-xpulpnnv1"
RAM = ("-b", "ram=512kB", "--network", "mobilenet_v1_0.75")


def test_the_report_states_the_peak(run: Run) -> None:
    """Peak, limit and node stand below the totals; the header does not miss a budget."""
    result = run("solve", TABLE, *RAM)
    assert result.exit_code == 0
    assert "ram (peak): 451,584 of 512,000 byte at conv0\n" in result.stdout
    assert "no budget was given" not in result.stdout


def test_without_a_limit_the_peak_is_reported(run: Run) -> None:
    """In 8 bits the first pointwise layer needs 301,056 + 602,112 bytes."""
    result = run("solve", TABLE, "--network", "mobilenet_v1_0.75")
    assert "ram (peak): 903,168 byte at b0.pw\n" in result.stdout
    assert "no budget was given" in result.stdout


def test_json_has_the_peak(run: Run) -> None:
    """With what is in memory then."""
    answer = json.loads(run("solve", TABLE, *RAM, "--json").stdout)
    assert answer["ram"] == {
        "peak": 451_584,
        "unit": "byte",
        "budget": 512_000,
        "node": "conv0",
        "tensors": ["input", "conv0"],
    }


@pytest.mark.parametrize("command", ["compare", "candidates"])
def test_other_commands_keep_it(run: Run, command: str) -> None:
    """They name the budget."""
    more = ("--methods", "lagrangian") if command == "compare" else ("--count", "2")
    result = run(command, TABLE, *RAM, *more)
    assert result.exit_code == 0
    assert "budget ram (peak) <= 512,000 byte\n" in result.stdout


def test_verify_says_where_it_is_broken(run: Run) -> None:
    """Every node above the limit is named, with what it needs."""
    result = run("verify", TABLE, "8b/8b", *RAM)
    assert result.exit_code == 3
    assert "ram (peak): 903,168 of 512,000 byte at b0.pw\n" in result.stdout
    assert "broken: constraint RAM of b0.pw is 903,168 and its limit 512,000." in result.stdout
    answer = json.loads(run("verify", TABLE, "8b/8b", *RAM, "--json").stdout)
    assert answer["ram"]["peak"] == 903_168


def test_too_little_ram(run: Run) -> None:
    """The input alone has 150,528 bytes, and the first output at least 75,264."""
    result = run("solve", TABLE, "-b", "ram=0.2x", "--network", "mobilenet_v1_0.75")
    assert result.exit_code == 3
    assert (
        "The constraint RAM of conv0 allows 180,633, but layers conv0, b0.dw need at least "
        "225,792." in result.stdout
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("-b", "ram=512kB"),
            "Error: ram is the peak over the nodes of a network, not a sum over the layers of a "
            "table: limit it with --budget ram=LIMIT --network NETWORK (in Python network=...).\n",
        ),
        (
            ("-b", "ram=512kB", "--network", "mobilenet_v2"),
            "Error: RAM: the table has no layer b0.project, which mobilenet_v2 has; give the "
            "network whose layers the table names.\n",
        ),
        (
            ("--network", "mobilnet_v1"),
            "Error: 'mobilnet_v1' is neither a network nor a file; try mobilenet_v1",
        ),
    ],
)
def test_refusals(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    """One sentence on standard error."""
    result = run("solve", TABLE, *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(sentence)
