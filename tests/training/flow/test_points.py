"""The configurations of a flow, on a table of three layers that can be enumerated."""

from __future__ import annotations

import io
from itertools import product

import pytest

from mpsolve import Configuration, Problem, read_table
from mpsolve.training.flow.points import (
    AS_FOUND,
    DECREASE,
    EXACT,
    FREE_BITS,
    INCREASE,
    Point,
    Start,
    find_points,
)

# 4b/4b is slower than 8b/4b in layer b: a free bit.
TABLE = """\
layer,b_in,b_wt,latency,latency_unit,sensitivity
a,8,8,100,cycles,0
a,8,4,80,cycles,1
a,4,4,60,cycles,6
b,8,8,50,cycles,0
b,8,4,40,cycles,2
b,4,4,45,cycles,5
c,8,8,40,cycles,0
c,8,4,30,cycles,3
c,4,4,10,cycles,4
"""
LATENCY = {
    (layer, precision): (latency, loss)
    for layer, precision, latency, loss in (
        *(("a", "8b/8b", 100, 0), ("a", "8b/4b", 80, 1), ("a", "4b/4b", 60, 6)),
        *(("b", "8b/8b", 50, 0), ("b", "8b/4b", 40, 2), ("b", "4b/4b", 45, 5)),
        *(("c", "8b/8b", 40, 0), ("c", "8b/4b", 30, 3), ("c", "4b/4b", 10, 4)),
    )
}
BUDGETS = ("120", "150", "170")


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.from_table(read_table(io.StringIO(TABLE)))


def searched(*precisions: str) -> Configuration:
    return Configuration(dict(zip("abc", precisions, strict=True)))  # type: ignore[arg-type]


STARTS = (
    Start("bayesian-bits", "0.01", searched("8b/4b", "4b/4b", "8b/8b")),
    Start("bayesian-bits", "0.12", searched("4b/4b", "4b/4b", "4b/4b")),
)


def cost(configuration: Configuration) -> tuple[int, int]:
    """Latency and loss, added by hand."""
    parts = [LATENCY[layer, str(precision)] for layer, precision in configuration.items()]
    return sum(latency for latency, _ in parts), sum(loss for _, loss in parts)


def least_loss(budget: float) -> int:
    """Of all 27 assignments."""
    every = (searched(*chosen) for chosen in product(("8b/8b", "8b/4b", "4b/4b"), repeat=3))
    return min(loss for latency, loss in map(cost, every) if latency <= budget)


def points_of(problem: Problem, *, nearest: bool = True) -> list[Point]:
    found, notes = find_points(
        problem, "board", STARTS, {"hessian": problem}, BUDGETS, nearest=nearest
    )
    assert notes == []
    return found


def test_every_latency_is_the_sum_of_the_layers(problem: Problem) -> None:
    """Of all methods."""
    found = points_of(problem)
    assert {p.method for p in found} == {AS_FOUND, FREE_BITS, INCREASE, DECREASE, EXACT}
    assert all(p.latency == cost(p.configuration)[0] for p in found)
    assert all(p.latency <= float(p.budget) for p in found if p.budget)


def test_free_bits_follows_every_start(problem: Problem) -> None:
    """Homogeneous ones too; here 4b/4b of layer b becomes 8b/4b, and nothing else changes."""
    found = points_of(problem)
    before = {p.source: p.configuration for p in found if p.method == AS_FOUND}
    after = {p.source: p.configuration for p in found if p.method == FREE_BITS}
    assert list(before) == ["8b/8b", "4b/4b", "2b/2b", "bayesian-bits 0.01", "bayesian-bits 0.12"]
    assert before["2b/2b"] == before["4b/4b"]  # the next that there is
    assert after["8b/8b"] == before["8b/8b"]
    assert after["bayesian-bits 0.01"] == searched("8b/4b", "8b/4b", "8b/8b")
    assert after["bayesian-bits 0.12"] == searched("4b/4b", "8b/4b", "4b/4b")


def test_the_exact_points_are_those_of_enumeration(problem: Problem) -> None:
    """And nothing that another method found is better."""
    found = points_of(problem)
    for point in (p for p in found if p.method == EXACT):
        loss = point.losses["hessian"]
        assert loss == cost(point.configuration)[1] == least_loss(float(point.budget))
        others = [
            cost(p.configuration)
            for p in found
            if p.method != EXACT and p.latency <= float(point.budget)
        ]
        assert point.warm_start == min(loss for _, loss in others) >= loss


def test_the_nearest_start_of_every_kind_is_refined(problem: Problem) -> None:
    """After Free Bits the searched ones take 160 and 110: up from 110 below 150, down from 160."""
    found = [p for p in points_of(problem) if p.method in (INCREASE, DECREASE)]
    searches = [(p.budget, p.method, p.source) for p in found if p.kind != "homogeneous"]
    assert searches == [
        ("120", INCREASE, "bayesian-bits 0.12"),
        ("120", DECREASE, "bayesian-bits 0.01"),
        ("150", INCREASE, "bayesian-bits 0.12"),
        ("150", DECREASE, "bayesian-bits 0.01"),
        ("170", INCREASE, "bayesian-bits 0.01"),
    ]


def test_all_starts_may_be_refined(problem: Problem) -> None:
    """Each in its direction."""
    found = points_of(problem, nearest=False)
    chosen = [p for p in found if p.budget == "170" and p.kind != "homogeneous"]
    refined = {(p.method, p.source) for p in chosen if p.method != EXACT}
    assert refined == {(INCREASE, "bayesian-bits 0.01"), (INCREASE, "bayesian-bits 0.12")}


def test_what_a_target_lacks_is_noted(problem: Problem) -> None:
    """A search may find precisions for which there is no kernel."""
    strange = Start("edmips", "0.1", searched("2b/2b", "8b/8b", "8b/8b"))
    found, notes = find_points(problem, "board", [strange], {}, BUDGETS)
    assert len(notes) == 1
    assert notes[0].startswith("board: edmips 0.1: ")
    assert "2b/2b" in notes[0]
    assert not any(p.kind == "edmips" for p in found)


def test_an_impossible_latency_is_noted(problem: Problem) -> None:
    """By the exact method with its reason, by greedy searches that fail."""
    found, notes = find_points(problem, "board", STARTS, {"hessian": problem}, ["100"])
    assert not any(p.budget for p in found)
    assert len(notes) == 3  # down from both kinds, and exact
    assert "needs at least 110 cycles" in notes[-1]


def test_points_survive_json(problem: Problem) -> None:
    """With a name that equal configurations share."""
    found = points_of(problem)
    again = [Point.from_json(p.to_json()) for p in found]
    assert again == found
    names = {p.id: p.configuration for p in found}
    assert len(names) == len(set(names.values())) == len({p.configuration for p in found})
