"""Noise: what is drawn, and what the samples say about an answer, against enumeration."""

from __future__ import annotations

import json
import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.enumeration import feasible_assignments
from mpsolve import (
    InfeasibleError,
    InputError,
    Limit,
    NoSolutionError,
    Problem,
    Solution,
    Status,
    solve,
    stability,
)
from mpsolve.report.tables import stability_sentences
from mpsolve.solving.session import Repetition, Stopped
from mpsolve.uncertainty.sampling import NOISES, resampled
from mpsolve.uncertainty.stability import standard_error

if TYPE_CHECKING:
    from mpsolve.uncertainty.sampling import Noise


def single(**parts: Any) -> Problem:
    """One layer that loses 1 and costs 5, or loses 2 and costs 4."""
    return Problem.from_arrays([[1.0, 2.0]], {"latency": [[5.0, 4.0]]}, layers=["a"], **parts)


def draws(problem: Problem, noise: Noise, count: int = 4000) -> tuple[Any, Any]:
    """``(count, M)`` latencies and losses."""
    samples = [resampled(problem, 3, sample, noise) for sample in range(count)]
    latencies = np.array([sample.costs["latency"] for sample in samples])
    return latencies, np.array([sample.loss for sample in samples])


@pytest.mark.parametrize("noise", NOISES)
def test_means_and_standard_deviations_are_those_stated(noise: Noise) -> None:
    """Within five standard errors; what has no deviation never changes."""
    problem = single(deviations={"latency": [[0.5, 0.0]], "loss": [[0.2, 0.4]]})
    latency, loss = draws(problem, noise)
    stated = ((latency[:, 0], 5, 0.5), (loss[:, 0], 1, 0.2), (loss[:, 1], 2, 0.4))
    for drawn, mean, deviation in stated:
        error = deviation / math.sqrt(len(drawn))
        assert abs(drawn.mean() - mean) <= 5 * error
        assert drawn.std() == pytest.approx(deviation, rel=0.1)
    assert (latency[:, 1] == 4).all()
    together = np.corrcoef(loss.T)[0, 1]
    assert together == pytest.approx(1) if noise == "shared" else abs(together) < 0.1


def test_costs_stay_at_least_zero() -> None:
    """Half-normal where the mean is 0; a log-normal number never gets there; losses may."""
    problem = single(deviations={"latency": [[50.0, 50.0]], "loss": [[50.0, 50.0]]})
    free = problem.replace(costs={"latency": np.zeros(2)})
    latency, loss = draws(free, "normal", 2000)
    assert latency.min() >= 0
    assert latency.mean() == pytest.approx(50 * math.sqrt(2 / math.pi), rel=0.05)
    assert loss.min() < 0
    assert draws(problem, "log-normal", 200)[0].min() > 0
    assert draws(problem, "shared", 200)[0].min() == 0
    negative = problem.replace(costs={"latency": np.array([-5.0, 4.0])})
    assert draws(negative, "normal", 200)[0][:, 0].min() < 0


def test_a_sample_does_not_depend_on_the_others() -> None:
    """The same seed and number give the same table, and the limits are the original ones."""
    problem = single(budgets={"latency": 4.5}, deviations={"latency": [[0.5, 0.5]]})
    one, same, other = (resampled(problem, 1, s).costs["latency"].tolist() for s in (7, 7, 8))
    assert one == same != other
    assert resampled(problem, 1, 7).budgets == {"latency": 4.5}
    few, many = stability(problem, 5, seed=1), stability(problem, 9, seed=1)
    assert (few.chosen <= many.chosen).all()
    assert few.samples == 5


def test_the_frequency_is_the_probability() -> None:
    """a loses 1 +- 0.6 and 2 +- 0.8: the second is better with probability Phi(-1)."""
    problem = single(deviations={"loss": [[0.6, 0.8]]})
    result = stability(problem, 1000)
    assert result.feasible == 1000
    assert abs(result.frequency[1] - NormalDist().cdf(-1)) <= 4 * result.standard_error[1]
    assert result.optimal == result.chosen[0]
    assert result.answer.kept == 1000
    # E max(0, d) for a normal d of mean -1 and deviation 1: phi(1) - Phi(-1)
    expected = NormalDist().pdf(1) - NormalDist().cdf(-1)
    assert result.answer.mean_regret == pytest.approx(expected, rel=0.2)
    assert result.most_stable is result.answer


def test_a_shared_error_changes_no_order() -> None:
    """If every loss is off by the same, the same choice stays optimal."""
    result = stability(single(deviations={"loss": [[0.6, 0.6]]}), 50, noise="shared")
    assert result.frequency.tolist() == [1, 0]
    assert result.optimal == 50
    assert result.answer.quantile(1.0) == 0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_every_count_agrees_with_enumeration(seed: int) -> None:
    """Frequencies, infeasible samples, regrets and the most stable configuration."""
    rng = np.random.default_rng(seed)
    loss, cost = rng.random((2, 3, 3))
    spread = {"cost": cost * rng.choice([0, 0.1]), "loss": loss * rng.choice([0.05, 0.3])}
    limit = np.sort(cost).sum(0) @ [0.6, 0.4, 0] * rng.choice([0.8, 1.0])
    problem = Problem.from_arrays(loss, {"cost": cost}, {"cost": limit}, deviations=spread)
    answer = solve(problem)
    if answer.choice is None:
        with pytest.raises(InfeasibleError):
            stability(problem, 3)
        return
    result = stability(problem, 30, seed=5, solution=answer)
    everything = feasible_assignments(problem.replace(budgets={}))
    row = int(np.flatnonzero((everything == problem.flat(answer.choice)).all(1))[0])
    chosen = np.zeros(9, int)
    infeasible, kept, regret, seen = [], [], [], {row}
    for sample in range(30):
        drawn = resampled(problem, 5, sample)
        losses = drawn.loss[everything].sum(1)
        fits = drawn.costs["cost"][everything].sum(1) <= limit
        if not fits.any():
            infeasible.append(sample)
            continue
        best = int(np.where(fits, losses, np.inf).argmin())
        seen.add(best)
        chosen[everything[best]] += 1
        kept.append(fits)
        regret.append(losses - losses[best])
    assert result.infeasible == tuple(infeasible)
    assert result.chosen.tolist() == chosen.tolist()
    if not kept:
        assert result.answer.kept == 0
        return
    held, lost = np.array(kept), np.array(regret)
    own = lost[held[:, row], row]
    assert result.answer.kept == len(own)
    assert result.answer.regrets == pytest.approx(np.sort(own), abs=1e-12)
    assert result.optimal == (own < 1e-12).sum()
    means = {a: lost[held[:, a], a].mean() for a in seen if held[:, a].sum() >= max(len(own), 1)}
    if means:
        assert result.most_stable.mean_regret == pytest.approx(min(means.values()), abs=1e-12)
    assert result.most_stable.kept >= result.answer.kept


def noisy(budget: float = 8) -> Problem:
    """(cost, loss) of its assignments: (3, 6), (6, 4), (8, 5), (11, 1), (11, 3), (16, 0)."""
    return Problem.from_arrays(
        [[0, 3, 5], [0, 1]],
        {"latency": [[9, 4, 1], [7, 2]]},
        {"latency": budget},
        layers=["a", "b"],
        precisions=[["8b/8b", "4b/4b", "2b/2b"], ["8b/8b", "4b/4b"]],
        deviations={"latency": [[2, 2, 0.5], [1, 1]]},
    )


def test_infeasible_samples_are_counted_and_named() -> None:
    """Within 3.2 the cheapest assignment, 3 +- 1.1, often does not fit."""
    result = stability(noisy(3.2), 40)
    assert 5 < len(result.infeasible) < 35
    assert result.chosen.sum() == 2 * result.feasible
    first = result.infeasible[0]
    assert solve(resampled(noisy(3.2), 0, first)).conflict is not None
    text = " ".join(stability_sentences(result))
    assert f"In {len(result.infeasible)} of them no assignment keeps the constraints" in text
    assert f"(numbers {first}, " in text


def test_standard_errors_never_vanish() -> None:
    """Agresti and Coull: (k + 2) / (n + 4) instead of k / n."""
    errors = standard_error(np.array([0, 48, 96]), 96)
    assert errors == pytest.approx([0.014, 0.05, 0.014])


def test_json_table_and_sentences() -> None:
    """Plain data; one row per layer; what the answer and the most stable configuration do."""
    result = stability(noisy(), 40)
    data = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert data["samples"] == 40
    assert sum(p["frequency"] for p in data["layers"]["a"].values()) == pytest.approx(1)
    assert data["answer"]["configuration"]["a"] == {"b_in": 4, "b_wt": 4}
    assert result.table().row_count == 2
    sentences = stability_sentences(result)
    assert sentences[0] == "40 samples (normal errors, seed 0)."
    kept = f"keeps its budgets in {result.answer.kept / 40:.1%} of the samples"
    assert kept in sentences[1]


@pytest.mark.parametrize("stop", [Stopped(Limit.TIME), KeyboardInterrupt()])
def test_what_was_done_before_a_stop_is_reported(
    monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    """Three samples and then Ctrl-C, or the end of the time."""
    whole, real, answer = stability(noisy(), 3), Repetition.optimum, solve(noisy())
    count = [0]

    def limited(self: Repetition, *arguments: Any) -> Solution:
        count[0] += 1
        if count[0] > 3:
            raise stop
        return real(self, *arguments)

    monkeypatch.setattr(Repetition, "optimum", limited)
    told: list[tuple[int, int]] = []
    result = stability(noisy(), 10, solution=answer, progress=lambda *state: told.append(state))
    assert (result.samples, result.requested) == (3, 10)
    assert result.limit in (Limit.TIME, Limit.INTERRUPTED)
    assert result.chosen.tolist() == whole.chosen.tolist()
    assert told == [(1, 10), (2, 10), (3, 10)]
    assert f"of 10 that were asked for; stopped: {result.limit}" in stability_sentences(result)[0]


def test_refusals() -> None:
    """What cannot be drawn, or is no answer, is refused in one sentence."""
    with pytest.raises(InputError, match="Nothing deviates: add columns such as latency_std"):
        stability(noisy().replace(deviations={}))
    with pytest.raises(InputError, match="noise is one of normal, log-normal, shared, not 'odd'"):
        stability(noisy(), noise=cast("Noise", "odd"))
    with pytest.raises(InputError, match="loss of layer a at 8b/8b is 0, which no log-normal"):
        stability(noisy().with_deviations({"loss": 1}), noise="log-normal")
    with pytest.raises(InputError, match="at least one sample"):
        stability(noisy(), 0)
    with pytest.raises(InputError, match="greedy-increase is a heuristic"):
        stability(noisy(), method="greedy-increase")
    with pytest.raises(InfeasibleError, match="3"):
        stability(noisy(2))
    with pytest.raises(NoSolutionError, match="stopped before it found an assignment"):
        stability(noisy(), solution=Solution(Status.NO_SOLUTION, "any"))
