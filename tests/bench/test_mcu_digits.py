"""The comparison of all ways to fit a network into a microcontroller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from bench.__main__ import bench
from bench.mcu_digits.setting import SETTING, Limits, most_bits
from bench.mcu_digits.work import greedy
from mpsolve import InfeasibleError, Network, from_torch
from mpsolve.heuristics.memory_driven import memory_driven
from mpsolve.mcu.fitting import fewest_bits, usage
from mpsolve.training import build_model

if TYPE_CHECKING:
    from pathlib import Path

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def network() -> Network:
    """The network of the comparison."""
    return from_torch(build_model("ds_cnn_small", seed=0), (torch.zeros(2, 1, 8, 8),))


def test_limits_lie_between_the_extremes(network: Network) -> None:
    """0 admits the fewest bits exactly, 1 admits eight everywhere."""
    least = usage(network, fewest_bits(network, SETTING), SETTING)
    most = usage(network, most_bits(network), SETTING)
    assert Limits.between(network, 0, 0) == Limits(least.rom, least.ram)
    assert Limits.between(network, 1, 1) == Limits(most.rom, most.ram)
    middle = Limits.between(network, 0.5, 0.25)
    assert middle.keep(least)
    assert not middle.keep(most)


def test_the_greedy_heuristic_keeps_both_limits(network: Network) -> None:
    """Its activations are those of the rule; it lowers no more weights than it needs."""
    limits = Limits.between(network, 0.4, 0.4)
    found = greedy(network, limits)
    assert limits.keep(usage(network, found, SETTING))
    rule = memory_driven(network, None, limits.ram, SETTING.scheme)
    assert {n: p.b_in for n, p in found.items()} == {n: p.b_in for n, p in rule.items()}
    assert any(p.b_wt == 8 for p in found.values())


def test_what_does_not_fit_is_one_sentence(network: Network) -> None:
    """From the rule, which finds it first."""
    with pytest.raises(InfeasibleError, match="100 bytes"):
        greedy(network, Limits(10_000, 100))


def test_all_ways_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In one table; the exact optimum of the first sensitivities is the measure of losses."""
    page = tmp_path / "page.md"
    short = ("full_precision:epochs=1", "tqt:epochs=0")
    overrides = [part for setting in short for part in ("--set", setting)]
    options = ["--seeds", "1", "--episodes", "3", "2", "--jobs", "1", *overrides]
    command = ["mcu_digits", "-o", str(tmp_path / "out"), *options, "--markdown", str(page)]
    assert bench.main(command, standalone_mode=False) == 0
    lines = page.read_text().splitlines()
    assert lines[0].startswith("ds_cnn_small on digits, 5,168 byte of ROM and 1,689 byte of RAM")
    rows = {cells[1].strip(): cells[2:-1] for cells in (line.split("|") for line in lines[4:])}
    assert list(rows) == [
        "8b/8b, too large",
        "memory-driven",
        "greedy",
        "exact (noise-macs)",
        *(f"exact ({metric})" for metric in ("taylor", "hessian", "mse", "loss")),
        *("HAQ concurrent", "HAQ independent", "HAQ concurrent on taylor"),
    ]
    assert rows["exact (taylor)"][-1].strip() == "1.00x"
    kept = [name for name in rows if "large" not in name]
    assert all(float(rows[name][-1].strip(" x")) >= 1 for name in kept)
    printed = capsys.readouterr().out
    assert bench.main(command, standalone_mode=False) == 0
    assert capsys.readouterr().out == printed
