"""Comparing methods, worked by hand."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from mpsolve import Configuration, LatencyTable, read_table
from mpsolve.training.flow.fronts import (
    Spread,
    at_budgets,
    budgets_of,
    delivered,
    families,
    front,
    lead,
    of_baseline,
    prediction,
    within,
)
from mpsolve.training.flow.outcome import FlowResult, Row, Tuned
from mpsolve.training.flow.points import AS_FOUND, EXACT, FREE_BITS, Point
from mpsolve.training.flow.settings import FlowSettings
from mpsolve.training.flow.summary import integer_sentences, solver_sentences, summary

TABLE = """\
layer,b_in,b_wt,latency,latency_unit
a,8,8,100,cycles
a,4,4,60,cycles
"""


def row(
    seed: int,
    method: str,
    kind: str,
    latency: float,
    validation: float,
    test: float,
    *,
    source: str = "x",
    loss: float = 0.1,
    predicted: float = 2.0,
) -> Row:
    configuration = Configuration({"a": f"8b/{latency:g}b"})  # type: ignore[dict-item]
    losses, warm = {"taylor": predicted}, 3.0 if method == EXACT else None
    point = Point("board", method, kind, source, "", latency, configuration, losses, warm)
    right = round(100 * test)
    tuned = Tuned(validation, loss, test, 100, right - 1, right, 98, True, 1)
    return Row(seed, point, 100.0, tuned, Path())


def rows_of(seed: int, better: float) -> list[Row]:
    """Free Bits gains ``better`` on the test split at 80."""
    return [
        row(seed, AS_FOUND, "homogeneous", 100, 0.90, 0.90, source="8b/8b"),
        row(seed, AS_FOUND, "homogeneous", 60, 0.80, 0.81, source="4b/4b"),
        row(seed, FREE_BITS, "homogeneous", 58, 0.82, 0.80, source="4b/4b"),
        row(seed, FREE_BITS, "edmips", 80, 0.896, 0.88 + better),
        row(seed, FREE_BITS, "edmips", 70, 0.87, 0.90),
        row(seed, EXACT, "taylor", 62, 0.895, 0.89),
        row(seed, EXACT, "taylor", 82, 0.91, 0.92),
    ]


@pytest.fixture(scope="module")
def result() -> FlowResult:
    table: LatencyTable = read_table(io.StringIO(TABLE))
    settings = FlowSettings(
        "ds_cnn_small", "digits", ("board",), (0, 1), budgets=("64", "75", "0.85x")
    )
    floats = {seed: {"validation_accuracy": 0.9, "test_accuracy": 0.91} for seed in (0, 1)}
    rows = (*rows_of(0, 0.0), *rows_of(1, 0.02))
    return FlowResult(settings, Path("out"), {"board": table}, floats, rows, ())


def test_the_best_by_validation_within_a_latency_is_delivered(result: FlowResult) -> None:
    """Not the best by test; equal accuracies go to the lower loss; rounding does not matter."""
    free = [r for r in result.of("board", 0) if r.point.method == FREE_BITS]
    found = delivered(free, 80)
    assert found is not None
    assert found.point.latency == 80
    found = delivered(free, 80 * (1 - 1e-12))
    assert found is not None
    assert found.point.latency == 80
    assert delivered(free, 57) is None
    losses = {90: 0.3, 70: 0.1, 80: 0.2}
    twins = [row(0, EXACT, "taylor", x, 0.9, 0.9, loss=loss) for x, loss in losses.items()]
    found = delivered(twins, 100)
    assert found is not None
    assert found.point.latency == 70


def test_a_front_has_what_nothing_beats(result: FlowResult) -> None:
    """By latency and validation accuracy."""
    assert [r.point.latency for r in front(result.of("board", 0))] == [58, 62, 80, 82]


def test_budgets_are_parts_of_the_reference(result: FlowResult) -> None:
    """Or numbers."""
    assert budgets_of(result, "board") == {"64": 64, "75": 75, "0.85x": 85}


def test_families_deliver_means_over_seeds(result: FlowResult) -> None:
    """Free Bits: nothing at 64, 0.90 at 75, then 0.88 and 0.90."""
    assert list(families(result)) == ["homogeneous", "Free Bits", "no search", "exact"]
    free = at_budgets(result, "board", "Free Bits")
    assert free["64"] is None
    assert free["75"] == Spread(0.90, 0.0, 2)
    last = free["0.85x"]
    assert last is not None
    assert last.mean == pytest.approx(0.89)
    assert last.deviation == pytest.approx(0.02 / 2**0.5)


def test_a_lead_is_the_mean_over_shared_latencies(result: FlowResult) -> None:
    """At 75: 0.89 - 0.90; at 85: 0.92 - 0.88 and 0.92 - 0.90; so 0.015 and 0.005 by seed."""
    found = lead(result, "board", "exact", "Free Bits")
    assert found is not None
    assert found.mean == pytest.approx(0.01)
    assert found.deviation == pytest.approx(0.01 / 2**0.5)


def test_the_fastest_within_a_margin(result: FlowResult) -> None:
    """Half a point below 0.90 in validation accuracy admits 0.895 and 0.896."""
    exact, free = (within(result, "board", name, 0.5) for name in ("exact", "Free Bits"))
    assert exact is not None
    assert free is not None
    assert exact.latency.mean == pytest.approx(-0.38)
    assert free.latency.mean == pytest.approx(-0.20)
    assert free.accuracy.mean == pytest.approx(0.89)
    assert within(result, "board", "no search", 0.5) is None
    plain = of_baseline(result, "board", "4b/4b", AS_FOUND)
    assert plain is not None
    assert (plain.latency.mean, plain.accuracy.mean) == pytest.approx((-0.4, 0.81))


def test_a_mean_over_some_seeds_says_so(result: FlowResult) -> None:
    """Without the fast networks of one seed, the other alone delivers at 75."""
    rows = tuple(
        r
        for r in result.rows
        if not (r.seed == 1 and r.point.kind == "edmips" and r.point.latency == 70)
    )
    by_budget, _ = summary(replace(result, rows=rows))
    cells = next(cells for cells in by_budget.rows if cells[0] == "Free Bits")
    assert cells[2] == "90.0% (1 of 2)"


def test_predictions_are_ranked_per_seed(result: FlowResult) -> None:
    """1, 2, 3 against 0.1, 0.3, 0.2: one pair of three is in the wrong order, so rho is 1/2."""
    pairs = ((1.0, 0.1), (2.0, 0.3), (3.0, 0.2))
    rows = tuple(
        row(0, EXACT, "taylor", 50 + i, 0.9, 0.9, predicted=predicted, loss=loss)
        for i, (predicted, loss) in enumerate(pairs)
    )
    found = prediction(replace(result, rows=rows), "taylor")
    assert found is not None
    assert found.mean == pytest.approx(0.5)
    assert prediction(result, "taylor") is None  # all predictions are 2


def test_one_seed_has_no_spread() -> None:
    """And none at all is None."""
    assert Spread.of([0.5]) == Spread(0.5, None, 1)
    assert Spread.of([]) is None


def test_the_summary_says_these_numbers(result: FlowResult) -> None:
    """In tables, whose latencies are called what they are."""
    by_budget, by_margin = summary(result)
    assert by_budget.header[1:4] == ("0.640x", "0.750x", "0.850x")
    rows = {cells[0]: cells[1:] for cells in by_budget.rows}
    assert rows["Free Bits"][:3] == ("none", "90.0% \u00b1 0.0", "89.0% \u00b1 1.4")
    assert rows["Free Bits"][3:] == ("2", "+1.00 \u00b1 0.71")
    assert rows["exact"][-1] == ""
    margins = {cells[0]: cells[1:] for cells in by_margin.rows}
    assert margins["within 0.5 points: exact"] == ("-38.0% \u00b1 0.0%", "89.0% \u00b1 0.0")
    assert margins["within 1.5 points: Free Bits"][0] == "-20.0% \u00b1 0.0%"
    assert "Full precision: 91.0%" in by_margin.remarks[0]


def test_integers_and_optima_in_sentences(result: FlowResult) -> None:
    """Fourteen networks, each with 98 equal classes and one wrong more than with quantisers."""
    first, second = integer_sentences(result)
    assert first.startswith("14 integer networks: ONNX Runtime")
    assert "1,372 of 1,400 images" in second
    assert "-1.00 points" in second
    proven, sentence, *_ = solver_sentences(result)
    assert proven == "4 exact optima, all proven."
    assert "in 4 of 4 cases: 50% more in the middle case" in sentence
