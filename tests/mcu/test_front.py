"""Fronts of ROM and loss: against enumeration and against the point-by-point method."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.enumeration import feasible_assignments, summands
from mpsolve import InfeasibleError, Problem, UnsupportedError, pareto_front
from mpsolve.mcu import Setting, mcu_problem, rom_front
from mpsolve.mcu.front import NOTE, separates
from mpsolve.profiles.networks import Network, named_network
from mpsolve.profiles.networks.tensor_groups import Rules
from tests.mcu.small import assignments, chains


def front_of(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """The non-dominated points by increasing ROM."""
    kept: list[tuple[int, float]] = []
    for x, y in sorted(points):
        if not kept or y < kept[-1][1] * (1 - 1e-12):
            kept.append((x, y))
    return kept


@settings(max_examples=40, deadline=None)
@given(chains(3), st.floats(0.3, 1.1))
def test_every_point_of_chains(net: Network, part: float) -> None:
    """All non-dominated pairs and no others, with the RAM limit kept."""
    every = list(assignments(net))
    ram = int(part * max(m for _, _, m, _ in every))
    expected = front_of([(r, loss) for _, r, m, loss in every if m <= ram])
    problem = mcu_problem(net, ram=ram)
    assert separates(problem)
    if not expected:
        with pytest.raises(InfeasibleError):
            rom_front(problem)
        return
    found = rom_front(problem)
    assert found.exact
    assert found.x.tolist() == [x for x, _ in expected]
    assert found.y == pytest.approx([y for _, y in expected], rel=1e-12)
    point = found[len(found) // 2]
    assert point.configuration is not None
    chosen = dict(point.configuration)
    assert any(c == chosen and r == point.costs["rom"] for c, r, m, _ in every if m <= ram)


@settings(max_examples=25, deadline=None)
@given(chains(3), st.integers(0, 2**32 - 1))
def test_losses_that_do_not_separate(net: Network, seed: int) -> None:
    """With a loss of its own for every pair of widths, points are found one by one."""
    posed = mcu_problem(net, ram=10**6)
    problem: Problem = posed.replace(
        loss=np.random.default_rng(seed).integers(0, 1000, len(posed.loss))
    )
    flat = feasible_assignments(problem)
    points = zip(
        summands(problem, "rom", flat).sum(1).tolist(),
        summands(problem, None, flat).sum(1).tolist(),
        strict=True,
    )
    found = rom_front(problem)
    apart = separates(problem)
    assert list(zip(found.x.tolist(), found.y.tolist(), strict=True)) == front_of(list(points))
    assert (NOTE in found.notes) == apart


def test_a_network_with_skip_tensors_point_by_point() -> None:
    """The general method, which knows nothing of parts, finds the same points of ResNet8.

    Its first adder alone would need 49,152 bytes in 8 bits, so adders of any width are allowed.
    """
    setting = Setting(rules=Rules(adder_bits=None))
    problem = mcu_problem(named_network("resnet8"), ram=30_000, setting=setting)
    assert problem.constraints
    together, apart = rom_front(problem), pareto_front(problem, "rom")
    assert separates(problem)
    assert together.x.tolist() == apart.x.tolist()
    assert together.y == pytest.approx(apart.y, rel=1e-9)
    assert len(together) > 100


def test_a_limit_on_rom_ends_the_front() -> None:
    """Points beyond it are left out."""
    net = named_network("ds_cnn")
    whole = rom_front(mcu_problem(net, ram=20_000))
    half = int(whole.x[len(whole) // 2])
    cut = rom_front(mcu_problem(net, half, 20_000))
    assert cut.x.tolist() == whole.x[: len(whole) // 2 + 1].tolist()


def test_tables_that_depend_on_two_layers() -> None:
    """The scheme folding-icn is refused with a way out."""
    problem = mcu_problem(named_network("ds_cnn"), setting=Setting(scheme="folding-icn"))
    with pytest.raises(UnsupportedError, match="take another scheme, such as icn"):
        rom_front(problem)
