"""Published problems with published answers, solved by every exact method."""

from __future__ import annotations

import csv
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve import (
    Configuration,
    Precision,
    Problem,
    Status,
    UnsupportedError,
    load_table,
    solve,
    verify,
)

if TYPE_CHECKING:
    from pathlib import Path

ONE_BUDGET = ("mckp", "cpsat", "highs", "milp")
SEVERAL_BUDGETS = ("cpsat", "highs", "milp")

#: HAWQ-V3's name of a budget -> the column that it limits.
HAWQ_BUDGETS = {"modelsize": "weight_bits_total", "bops": "bops", "latency": "latency"}
#: The single published configuration that is not optimal: its loss, and the least one.
IMPROVED = {("resnet50", "modelsize", 0.25): (0.08311, 0.07495)}


def published(tables: Path, model: str, config: str) -> dict[str, Precision]:
    """A published configuration, layer by layer."""
    with (tables / "published_configs.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["layer"]: Precision(float(row["b_act"]), float(row["b_wt"]))
            for row in csv.DictReader(file)
            if (row["model"], row["config"]) == (model, config)
        }


def hawq(tables: Path, model: str, budget: str, ratio: float) -> Problem:
    """HAWQ-V3's integer programme: a budget between the all-4-bit and the all-8-bit cost."""
    table = load_table(str(tables / f"hawq_{model}.csv"))
    limit = {HAWQ_BUDGETS[budget]: f"{ratio:.0%}"}
    return Problem.from_table(table, "sensitivity", limit, reference="8b/8b")


@pytest.mark.parametrize("method", ONE_BUDGET)
@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.75])
@pytest.mark.parametrize("budget", HAWQ_BUDGETS)
@pytest.mark.parametrize("model", ["resnet18", "resnet50"])
def test_hawq_optima(
    shared_tables: Path, model: str, budget: str, ratio: float, method: str
) -> None:
    """Every method finds the published configuration, or the one that is better than it."""
    problem = hawq(shared_tables, model, budget, ratio)
    assert problem.ties
    solution = solve(problem, method)
    assert solution.status is Status.OPTIMAL
    assert solution.loss is not None
    assert solution.configuration is not None
    configuration = published(shared_tables, model, f"{budget}_{ratio:g}")
    given = Configuration({layer: configuration[layer] for layer in problem.layers})
    judged = verify(problem, given)
    assert judged.evaluation.feasible
    if (model, budget, ratio) in IMPROVED:
        theirs, ours = IMPROVED[model, budget, ratio]
        assert judged.evaluation.loss == pytest.approx(theirs, abs=5e-6)
        assert solution.loss == pytest.approx(ours, abs=5e-6)
        assert judged.optimal is False
    else:
        assert solution.configuration == given
        assert judged.optimal is True


def limpq(tables: Path) -> Problem:
    """LIMPQ's published run: W3A4 bit operations and a compression of 12.2 at once.

    Losses that their rule erases become 1e8, as in their script.
    """
    table = load_table(str(tables / "limpq_resnet50.csv"))
    problem = Problem.from_table(table, "sensitivity", costs=["macs_source_formula"])
    macs = problem.costs["macs_source_formula"]
    products = np.array([int(p.b_in * p.b_wt) for p in problem.precisions])
    per_layer = macs[problem.offsets[:-1]]
    size = Fraction(32 * 25_502_912) / Fraction("12.2") - 8 * (2_048_000 + 9_408)
    return problem.replace(
        loss=np.where(table.columns["erased"] == 1, 1e8, problem.loss),
        costs={"bops": macs * products, "size": problem.costs["weight_bits_total"]},
        budgets={"bops": int(per_layer.sum()) * 12, "size": int(size)},
        units={"size": "bit"},
    )


@pytest.mark.parametrize("method", SEVERAL_BUDGETS)
def test_limpq_policy(shared_tables: Path, method: str) -> None:
    """Every method finds the published policy under both budgets; its loss is 4.617439227."""
    problem = limpq(shared_tables)
    solution = solve(problem, method)
    assert solution.status is Status.OPTIMAL
    assert solution.loss == pytest.approx(4.617439227, abs=5e-10)
    assert solution.configuration == published(shared_tables, "resnet50", "w3a4_cr12.2")


def test_limpq_needs_both_budgets(shared_tables: Path) -> None:
    """Either budget alone leaves less loss, so neither is redundant, and mckp refuses by name."""
    problem = limpq(shared_tables)
    for name, limit in problem.budgets.items():
        alone = solve(problem.replace(budgets={name: limit}), "mckp")
        assert alone.loss is not None
        assert alone.loss < 4.617439227 - 1e-6
    with pytest.raises(UnsupportedError, match="bops and size can all bind"):
        solve(problem, "mckp")
