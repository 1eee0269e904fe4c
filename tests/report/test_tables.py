"""Tables for people: labels, numbers and columns."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from mpsolve import Configuration, Problem, Provenance, Tie, compare, solve, verify
from mpsolve.profiles.bundled import bundled_tables
from mpsolve.report.tables import (
    bundled_table_list,
    comparison_table,
    cost_table,
    difference_table,
    labelled,
    number,
    percentage,
    solution_table,
    spoken,
    verification_table,
)
from tests.cli.support import environment

if TYPE_CHECKING:
    from rich.table import Table


def words(table: Table) -> list[list[str]]:
    """The words of every line of a table."""
    console = Console(file=io.StringIO(), width=1000)
    with console.capture() as capture:
        console.print(table)
    return [line.split() for line in capture.get().splitlines()]


def problem(budget: int = 12) -> Problem:
    """Two layers; within 12 the best is 8b/8b and 4b/4b: loss 3, latency 11."""
    return Problem.from_arrays(
        [[0, 5], [0, 3]],
        {"latency": [[8, 4], [8, 3]]},
        {"latency": budget},
        layers=["conv", "fc"],
        precisions=["8b/8b", "4b/4b"],
        units={"latency": "us"},
        provenance=Provenance.MODELLED,
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-1234567890123, "-1,234,567,890,123"),
        (2**70, f"{2**70:,}"),
        (0.0, "0"),
        (3.0, "3"),
        (1512744.5449, "1,512,745"),
        (0.012345678, "0.01234568"),
        (1.5e-7, "1.500000e-07"),
        (2e20, "2.000000e+20"),
        (float("inf"), "inf"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    """Integers are exact with separators; others have seven significant digits."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [(None, ""), (0, "0%"), (1e-12, "<0.01%"), (0.1234567, "12.35%"), (12.5, "1,250.00%")],
)
def test_percentages(part: float | None, text: str) -> None:
    """A gap that is not zero is never printed as zero."""
    assert percentage(part) == text


def test_provenance_of_latencies() -> None:
    """Latencies are labelled with their provenance, other costs and unstated ones are not."""
    assert labelled("latency", Provenance.MODELLED) == "latency (modelled)"
    assert labelled("latency", Provenance.UNSTATED) == "latency"
    assert labelled("rom", Provenance.MODELLED) == "rom"
    assert spoken("rom is 3", Provenance.MODELLED) == "rom is 3"


def test_solution_table() -> None:
    """One row per layer with its latency, the change against 8b/8b and the loss."""
    posed = problem()
    answer = solve(posed, "mckp")
    rows = words(solution_table(answer, posed, reference="8b/8b"))
    assert ["latency", "(modelled)"] in rows
    assert ["conv", "8b/8b", "8", "same", "0"] in rows
    assert ["fc", "4b/4b", "3", "-62.5%", "3"] in rows
    assert ["fc", "4b/4b", "3"] in words(solution_table(answer, posed, compact=True))


def test_solution_table_alone() -> None:
    """Without the problem there are layers and precisions; infeasible answers have no rows."""
    assert ["conv", "8b/8b"] in words(solve(problem(), "mckp").table())
    assert solve(problem(1), "mckp").table().row_count == 0


def test_reference_may_be_a_configuration() -> None:
    """The changes refer to the configuration that was given."""
    posed = problem()
    reference = Configuration.homogeneous(("conv", "fc"), "4b/4b")
    rows = words(solution_table(solve(posed, "mckp"), posed, reference=reference))
    assert ["conv", "8b/8b", "8", "+100.0%", "0"] in rows
    assert ["fc", "4b/4b", "3", "same", "3"] in rows


@pytest.mark.parametrize(
    ("cost", "limit", "used"),
    [
        (9996, 10000, "99.9%"),
        (10000, 10000, "100.0%"),
        (10001, 10000, "100.1%"),
        (0, 0, "kept"),
        (1, 0, "over"),
        (0.1 + 0.2, 0.3, "100.0%"),  # one rounding apart
    ],
)
def test_use_of_a_budget(cost: float, limit: float, used: str) -> None:
    """Rounding never turns a kept budget into a broken one, or the other way round."""
    table = cost_table({"latency": cost}, {"latency": limit}, {}, Provenance.UNSTATED)
    assert ["latency", number(cost), number(limit), used] in words(table)


def test_rom_is_shown_once() -> None:
    """The bits of the weights are not repeated beside the memory that holds them."""
    costs = {"weight_bits_total": 80, "rom": 80}
    rows = words(cost_table(costs, {"rom": 100}, {"rom": "bit"}, Provenance.UNSTATED))
    assert ["rom", "80", "100", "80.0%", "bit"] in rows
    assert not any("weight_bits_total" in row for row in rows)


def test_comparison_table() -> None:
    """Free Bits raises nothing, since 8b/8b is slower: loss 8 against the optimum of 3."""
    comparison = compare(problem(), ["mckp", "free-bits"])
    rows = words(comparison_table(comparison, compact=True))
    assert ["mckp", "optimal", "3", "0%", "91.6%"] in rows  # 11 of 12
    assert ["free-bits", "4b/4b", "feasible", "8", "166.67%", "58.3%"] in rows
    assert len(words(comparison.table())) == len(rows)


def test_comparison_of_a_problem_that_a_method_cannot_express() -> None:
    """A method that was not run has a row without numbers."""
    posed = problem().replace(
        costs={"latency": problem().costs["latency"], "rom": problem().costs["latency"] * 2},
        budgets={"latency": 12, "rom": 25},
    )
    rows = words(comparison_table(compare(posed, ["mckp"])))
    assert ["mckp", "not", "run"] in rows


def test_verification_table_and_differences() -> None:
    """4b/4b everywhere costs 7 with loss 8; the optimum differs in conv only."""
    posed = problem()
    given = Configuration.homogeneous(("conv", "fc"), "4b/4b")
    verification = verify(posed, given, method="mckp")
    rows = words(verification_table(verification))
    assert ["loss", "8", "3"] in rows
    assert ["latency", "(modelled)", "7", "12", "58.3%", "11", "us"] in rows
    assert ["latency", "(modelled)", "7", "12", "58.3%", "11"] in words(
        verification_table(verification, compact=True)
    )
    differences = difference_table(posed, given, verification.best.configuration)
    assert differences is not None
    assert differences.row_count == 1
    assert difference_table(posed, given, given) is None
    assert difference_table(posed, given, None) is None


def test_tied_layers_in_a_report() -> None:
    """Ties change the answer, not the form of the report."""
    posed = problem().replace(ties=(Tie(("conv", "fc")),))
    rows = words(solution_table(solve(posed, "mckp"), posed))
    assert ["conv", "4b/4b", "4", "5"] in rows


def test_tables_without_rich_name_the_extra() -> None:
    """Without rich a table cannot be made, and the message says what to install."""
    script = """
import sys
sys.modules["rich"] = None
import mpsolve
try:
    mpsolve.Solution(mpsolve.Status.FAILED, "free-bits").table()
except mpsolve.MissingDependencyError as error:
    print(error)
"""
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), check=True)
    assert "pip install 'mpsolve[cli]'" in done.stdout


def test_bundled_tables() -> None:
    """One row per table."""
    assert bundled_table_list(bundled_tables()).row_count == len(bundled_tables())
