"""The register of instances, their generators and their budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve import InputError, Problem, solve
from mpsolve.bench.generators import CLASSES, cnn, llm, pisinger, scaled
from mpsolve.bench.instances import FAMILIES, instance_named, instances, matching
from mpsolve.bench.isolated import problem_of
from mpsolve.bench.levels import at_level, parse_levels
from mpsolve.formulations.mckp.method import Mckp
from mpsolve.presolve.presolved import Presolved

if TYPE_CHECKING:
    from mpsolve.typing import NumberArray


def test_every_instance_of_moderate_size_can_be_built_and_limited() -> None:
    """Each name gives a problem with a budget on every limited cost."""
    for name, spec in instances().items():
        if spec.family == "moe" or "1000x10" in name:
            continue
        problem = problem_of(name, 50.0)
        assert tuple(problem.budgets) == spec.limited, name
        assert spec.family in FAMILIES


def test_a_generator_gives_the_same_numbers_for_the_same_seed_only() -> None:
    """Seeds decide everything."""
    for first, again, other in (
        (cnn(5, 1), cnn(5, 1), cnn(5, 2)),
        (llm(5, 4, 1), llm(5, 4, 1), llm(5, 4, 2)),
    ):
        assert np.array_equal(first.loss, again.loss)
        assert not np.array_equal(first.loss, other.loss)


def test_the_hard_classes_are_correlated_as_their_names_say() -> None:
    """Losses are max(p) - p, so loss + weight is max(p) less the difference p - w (Pisinger)."""
    assert np.ptp(_loss_plus_weight("weakly")) <= 20
    assert (np.diff(_loss_plus_weight("strongly"), axis=1) == -10).all()
    assert np.ptp(_loss_plus_weight("strongly")[:, 0]) == 0
    assert np.ptp(_loss_plus_weight("subset-sum")) == 0
    assert np.ptp(_loss_plus_weight("uncorrelated")) > 1000


def _loss_plus_weight(kind: str) -> NumberArray:
    problem = pisinger(kind, 100, 10, 1000, 1)
    return (problem.loss + problem.costs["cost"]).reshape(100, 10)


def test_other_units_do_not_change_the_answer() -> None:
    """Powers of two are exact, so the same choice is optimal."""
    problem = cnn(8, 1)
    small = scaled(problem, 2.0**-30, 2.0**-40)
    first = solve(at_level(problem, ("latency",), 40))
    second = solve(at_level(small, ("latency",), 40))
    assert first.choice is not None
    assert second.choice is not None
    assert first.choice.tolist() == second.choice.tolist()


def test_levels_span_the_achievable_range() -> None:
    """By hand: 3 + 1 is the least cost, 7 + 5 what the least loss costs, half way lies 8."""
    problem = Problem.from_arrays([[0, 9], [0, 1]], {"cost": [[7, 3], [5, 1]]})
    budgets = [at_level(problem, ("cost",), level).budgets["cost"] for level in (0, 50, 100)]
    assert budgets == [4, 8, 12]


@pytest.mark.parametrize("text", ["", "10,", "120", "1:2", "10:20:0", "many"])
def test_unreadable_levels_are_refused(text: str) -> None:
    """The message says how budgets are written."""
    with pytest.raises(InputError, match="names no budgets"):
        parse_levels(text)


def test_patterns_choose_instances() -> None:
    """In the order of the register; an unknown pattern is named."""
    assert matching(["llm/*", "cnn/28x9-seed1"])[0] == "cnn/28x9-seed1"
    assert len(matching([f"hard/{kind}-100x10-R1e3" for kind in CLASSES])) == 4
    with pytest.raises(InputError, match="'nosuch'"):
        matching(["cnn/*", "nosuch"])
    with pytest.raises(InputError, match="nosuch"):
        instance_named("nosuch/instance")


def test_two_budget_instances_bind_twice() -> None:
    """Neither budget is redundant half way, so the knapsack method refuses them."""
    for name in matching(["two-budgets/*"]):
        assert "latency and rom can all bind" in str(
            Mckp().unsupported(Presolved(problem_of(name, 50.0)))
        )
