"""Surfaces: every pair of limits against enumeration, and runs that are stopped."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import InputError, solve
from mpsolve.mcu import Setting, mcu_problem, surface
from mpsolve.mcu.surfaces import limits_between
from mpsolve.profiles.networks import Network, named_network
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.report.mcu_plots import plot_surface
from tests.mcu.small import chains, least_loss

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = st.lists(st.integers(1, 3000), min_size=1, max_size=4)


@settings(max_examples=25, deadline=None)
@given(chains(3), LIMITS, LIMITS)
def test_every_pair_of_limits(net: Network, roms: list[int], rams: list[int]) -> None:
    """Enumeration finds the same loss in every cell; none grows with a limit."""
    rams = [1 + ram // 30 for ram in rams]
    found = surface(net, roms, rams)
    assert found.rom.tolist() == sorted(set(roms))
    for i, rom in enumerate(found.rom.tolist()):
        for j, ram in enumerate(found.ram.tolist()):
            expected = least_loss(net, rom, ram)
            assert found.loss[i, j] == pytest.approx(expected, rel=1e-12)
            used = found.usage(i, j)
            assert (used is None) == math.isinf(expected)
            if used is not None:
                assert used.rom <= rom
                assert used.ram <= ram
    assert_monotone(found.loss)


def assert_monotone(loss: np.ndarray) -> None:
    """No loss grows with a limit, without any tolerance."""
    assert (loss[1:] <= loss[:-1]).all()
    assert (loss[:, 1:] <= loss[:, :-1]).all()


def test_a_network_with_skip_tensors() -> None:
    """ResNet8: the usual limits show where nothing fits and where all bits do."""
    net, setting = named_network("resnet8"), Setting(rules=Rules(adder_bits=None))
    roms, rams = limits_between(net, setting, count=5)
    found = surface(net, roms, rams, setting=setting)
    assert np.isinf(found.loss[0]).all()
    assert np.isinf(found.loss[:, 0]).all()
    assert np.isfinite(found.loss[1:, 1:]).all()
    assert_monotone(found.loss)
    assert found.loss[-1, -1] == solve(mcu_problem(net, setting=setting)).loss
    for i, j in ((1, 1), (2, 4), (3, 2)):
        alone = solve(mcu_problem(net, roms[i], rams[j], setting=setting), "highs")
        assert found.loss[i, j] == pytest.approx(alone.loss, rel=1e-9)
    assert found.solved < found.loss.size


def test_a_run_that_was_stopped(tmp_path: Path) -> None:
    """Answers are kept, torn lines are not; the same command goes on without asking again."""
    path = tmp_path / "surface.jsonl"
    net = named_network("ds_cnn")
    roms, rams = limits_between(net, count=4)
    whole = surface(net, roms, rams, checkpoint=path)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(lines) == 1 + whole.solved
    path.write_text("".join(lines[:-2]) + lines[-2][:9], encoding="utf-8")
    rest = surface(net, roms, rams, checkpoint=path)
    assert rest.solved == 2
    assert (rest.loss == whole.loss).all()
    assert rest.configurations == whole.configurations
    assert surface(net, roms, rams, checkpoint=path).solved == 0
    with pytest.raises(InputError, match="surface of another problem"):
        surface(net, roms, rams, setting=Setting(scheme="icn"), checkpoint=path)
    with pytest.raises(InputError, match="needs limits"):
        surface(net, roms, ())


def test_tables_that_depend_on_two_layers() -> None:
    """Folded tables are smaller: the loss is never more than with normalisation everywhere."""
    net = named_network("ds_cnn")
    roms, rams = limits_between(net, Setting(scheme="icn"), count=4)
    folded = surface(net, roms, rams, setting=Setting(scheme="folding-icn"))
    assert (folded.loss <= surface(net, roms, rams, setting=Setting(scheme="icn")).loss).all()


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_picture(tmp_path: Path, ending: str) -> None:
    """Also where nothing fits at all, and for a single pair."""
    pytest.importorskip("matplotlib")
    net = named_network("ds_cnn")
    path = tmp_path / f"surface.{ending}"
    for roms, rams in (limits_between(net, count=4), ((10,), (10,)), ((10**6,), (10**6,))):
        ax = plot_surface(surface(net, roms, rams), path, marked=(30_000, 20_000))
        assert path.stat().st_size > 1000
        assert ax.get_xlabel() == "ROM [KiB]"
        path.unlink()
