"""A given configuration, judged on the original numbers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from mpsolve import (
    Configuration,
    InputError,
    Limit,
    Precision,
    Problem,
    Solution,
    Status,
    Verification,
    verify,
)
from mpsolve.model.evaluation import evaluate

HIGH, LOW = Precision(8, 8), Precision(4, 4)
BEST = {"a": LOW, "b": HIGH}


def small(budget: int = 12) -> Problem:
    """Two layers; within 12 cycles the best choice is (1, 0) with a loss of 5."""
    return Problem.from_arrays(
        [[0, 5], [0, 7]],
        {"latency": [[9, 4], [8, 3]]},
        {"latency": budget},
        layers=["a", "b"],
        precisions=["8b/8b", "4b/4b"],
    )


def judged(*choice: int, **best: Any) -> Verification:
    """A choice beside an answer of some method."""
    problem = small()
    best = {"status": Status.FEASIBLE, "method": "any", **best}
    return Verification(problem, evaluate(problem, np.array(choice)), Solution(**best))


def test_optimal() -> None:
    """The best configuration has no gap."""
    verification = verify(small(), BEST, method="mckp")
    assert verification.optimal is True
    assert verification.gap == 0.0
    assert verification.evaluation.loss == 5
    assert verification.best.status is Status.OPTIMAL


def test_feasible_but_not_optimal() -> None:
    """4b/4b everywhere has loss 12, of which 7 are too much."""
    verification = verify(small(), {"a": LOW, "b": LOW}, method="mckp")
    assert verification.optimal is False
    assert verification.gap == 7 / 12
    assert verification.best.configuration == BEST


def test_infeasible() -> None:
    """What breaks a constraint is not optimal and has no gap, whatever its loss."""
    verification = verify(small(), {"a": HIGH, "b": HIGH}, method="mckp")
    assert verification.optimal is False
    assert verification.gap is None
    assert verification.evaluation.violations == ("latency is 17 and its budget 12",)


def test_impossible_problem() -> None:
    """Nothing keeps 6 cycles, and the answer says why."""
    verification = verify(small(6), BEST)
    assert verification.optimal is False
    assert verification.best.conflict is not None
    assert verification.best.conflict.least == 7


def test_configurations_as_text() -> None:
    """The precisions may be written out, and their order does not matter."""
    written: Any = {"b": "w8a8", "a": "4b/4b"}
    assert verify(small(), written).optimal is True
    assert verify(small(), Configuration(written)).optimal is True


def test_configurations_that_do_not_fit() -> None:
    """The message names the layer."""
    with pytest.raises(InputError, match="says nothing about layer b"):
        verify(small(), {"a": LOW})


@pytest.mark.parametrize(
    ("choice", "best", "optimal", "gap"),
    [
        ((1, 0), {"loss": 5, "bound": 5.0}, True, 0.0),  # the bound proves it
        ((1, 0), {"loss": None, "bound": 4.0, "limit": Limit.TIME}, None, 0.2),
        ((1, 0), {"loss": 5, "bound": 4.0, "limit": Limit.TIME}, None, 0.2),
        ((1, 1), {"loss": 5, "bound": 3.0, "limit": Limit.TIME}, False, 0.75),
        ((1, 0), {"loss": 5, "bound": None, "status": Status.OPTIMAL}, True, None),
        ((1, 0), {"loss": None, "bound": None}, None, None),
    ],
)
def test_unfinished_proofs(
    choice: tuple[int, int], best: dict[str, Any], optimal: bool | None, gap: float | None
) -> None:
    """A better answer refutes, a bound proves, and otherwise nothing is known."""
    verification = judged(*choice, **best)
    assert verification.optimal is optimal
    assert verification.gap == gap


def test_to_json() -> None:
    """Plain data with the answer that it was compared with."""
    data = json.loads(json.dumps(verify(small(), {"a": HIGH, "b": HIGH}).to_json()))
    assert (data["loss"], data["feasible"], data["optimal"], data["gap"]) == (0, False, False, None)
    assert data["violations"] == ["latency is 17 and its budget 12"]
    assert (data["costs"], data["budgets"]) == ({"latency": 17}, {"latency": 12})
    assert data["best"]["loss"] == 5
    assert (data["loss_name"], data["provenance"], data["source"]) == (
        "loss",
        "unstated",
        "arrays",
    )
