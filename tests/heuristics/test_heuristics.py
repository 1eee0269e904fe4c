"""The heuristics of the Free Bits papers, against figures, hand examples and pseudocode."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench.random_problems import PRECISIONS
from mpsolve import (
    Configuration,
    InputError,
    Precision,
    Problem,
    Restriction,
    Solution,
    Status,
    Tie,
    free_bits,
    greedy_decrease,
    greedy_increase,
    load_table,
    solve,
)
from mpsolve.heuristics.method import HEURISTICS, heuristic_named

Latencies = dict[int, dict[Precision, int]]


def problem_of(latency: list[dict[str, int]], budget: int | None = None, **parts: Any) -> Problem:
    """A problem from one map per layer, precision to latency."""
    return Problem.from_arrays(
        [[float(k) for k in range(len(row))] for row in latency],
        {"latency": [list(row.values()) for row in latency]},
        {} if budget is None else {"latency": budget},
        precisions=[list(row) for row in latency],
        **parts,
    )


def shown(solution: Solution) -> list[str]:
    """The precisions of a solution, as text."""
    assert solution.configuration is not None
    return [str(p) for p in solution.configuration.values()]


@st.composite
def latencies(draw: st.DrawFn) -> Latencies:
    """Complete latency dictionaries with many equal entries."""
    layers = draw(st.integers(1, 5))
    return {i: {p: draw(st.integers(1, 6)) for p in PRECISIONS} for i in range(layers)}


def as_problem(table: Latencies, budget: int) -> Problem:
    """The same numbers as a problem."""
    return Problem.from_arrays(
        [[0.0] * len(PRECISIONS)] * len(table),
        {"latency": [list(row.values()) for row in table.values()]},
        {"latency": budget},
        precisions=PRECISIONS,
    )


def test_registry_names_every_heuristic() -> None:
    """Every entry of the registry loads, and an unknown name lists them."""
    for name in HEURISTICS:
        assert heuristic_named(name)
    with pytest.raises(InputError, match="free-bits, greedy-decrease"):
        heuristic_named("free-bit")


class TestFreeBits:
    """Algorithm 1."""

    def test_figures_of_mobilenet_v1(self) -> None:
        """On the modelled table 4b/4b is 29.3 % faster than 8b/8b, Free Bits 36.5 % with 13 raised.

        The paper's simulated figures are 32.3 %, 37.1 % and 12 layers (Free Bits, Table 3).
        """
        problem = Problem.from_table(load_table("mobilenet_v1_0.75/pulp8-xpulpnnv1"))
        base = solve(problem, "homogeneous", start="8b/8b").costs["latency"]
        low = solve(problem, "homogeneous", start="4b/4b")
        raised = free_bits(problem)
        assert raised.configuration is not None
        assert low.configuration is not None
        assert round(100 * (1 - low.costs["latency"] / base), 1) == 29.3
        assert round(100 * (1 - raised.costs["latency"] / base), 1) == 36.5
        changed = [n for n in problem.layers if raised.configuration[n] != low.configuration[n]]
        assert len(changed) == 13
        assert all(raised.configuration[n].is_higher(low.configuration[n]) for n in changed)

    def test_takes_the_fastest_precision_that_is_not_lower(self) -> None:
        """8b/4b is fastest of those above 4b/4b; 2b/2b is faster but lower."""
        problem = problem_of([{"2b/2b": 1, "4b/4b": 5, "8b/4b": 3, "8b/8b": 4}])
        assert shown(free_bits(problem)) == ["8b/4b"]

    def test_of_equally_fast_precisions_the_higher_is_taken(self) -> None:
        """Assumption 2: more bits never hurt, so equal latency raises; strict leaves it."""
        problem = problem_of([{"4b/4b": 5, "8b/8b": 5}])
        assert shown(free_bits(problem)) == ["8b/8b"]
        assert shown(free_bits(problem, strict=True)) == ["4b/4b"]

    def test_tied_layers_move_as_one(self) -> None:
        """Alone layer0 would move to 8b/8b (3 < 4); together 4 + 4 < 3 + 9 keeps 4b/4b."""
        rows = [{"4b/4b": 4, "8b/8b": 3}, {"4b/4b": 4, "8b/8b": 9}]
        tie = Tie(("layer0", "layer1"))
        assert shown(free_bits(problem_of(rows))) == ["8b/8b", "4b/4b"]
        assert shown(free_bits(problem_of(rows, ties=[tie]))) == ["4b/4b", "4b/4b"]

    def test_restrictions_are_kept(self) -> None:
        """A forbidden candidate is not taken although it is fastest."""
        problem = problem_of(
            [{"4b/4b": 5, "8b/4b": 1, "8b/8b": 4}],
            restrictions=[Restriction("layer0", "forbidden", Precision(8, 4))],
        )
        assert shown(free_bits(problem)) == ["8b/8b"]

    def test_a_start_that_breaks_a_tie_is_refused(self) -> None:
        """A configuration from elsewhere must keep the problem's ties."""
        rows = [{"4b/4b": 1, "8b/8b": 2}] * 2
        problem = problem_of(rows, ties=[Tie(("layer0", "layer1"))])
        start = Configuration.from_json({"layer0": "4b/4b", "layer1": "8b/8b"})
        with pytest.raises(InputError, match="start breaks a tie"):
            free_bits(problem, start)

    @given(latencies(), st.sampled_from(PRECISIONS), st.booleans())
    def test_equals_the_pseudocode(self, table: Latencies, start: Precision, strict: bool) -> None:
        """Per layer, a direct transcription of Algorithm 1 reaches the same latency."""
        solution = free_bits(as_problem(table, 10**6), str(start), strict=strict)
        assert solution.configuration is not None
        for row, taken in zip(table.values(), solution.configuration.values(), strict=True):
            higher = [p for p in PRECISIONS if p.b_in >= start.b_in and p.b_wt >= start.b_wt]
            fastest = min(row[p] for p in higher)
            assert row[taken] == fastest
            assert taken in higher
            if strict and row[start] == fastest:
                assert taken == start
            elif not strict:
                most = max(p.b_in + p.b_wt for p in higher if row[p] == fastest)
                assert taken.b_in + taken.b_wt == most


class TestGreedyDecrease:
    """Algorithm 2."""

    def test_prefers_small_steps_in_several_layers(self) -> None:
        """Two layers to 8b/4b (one step each) rather than one to 8b/2b, as section 3.3 says."""
        row = {"8b/8b": 10, "8b/4b": 7, "8b/2b": 4}
        assert shown(greedy_decrease(problem_of([row, row], 14))) == ["8b/4b", "8b/4b"]

    def test_applies_moves_by_impact_and_stops_at_the_target(self) -> None:
        """The second layer saves most, and saving 5 is enough."""
        rows = [{"8b/8b": 10, "8b/4b": 8}, {"8b/8b": 10, "8b/4b": 5}]
        assert shown(greedy_decrease(problem_of(rows, 15))) == ["8b/8b", "8b/4b"]

    def test_a_start_within_the_target_is_left_alone(self) -> None:
        """Nothing needs to be lowered."""
        row = {"8b/8b": 10, "8b/4b": 7}
        assert shown(greedy_decrease(problem_of([row, row], 20))) == ["8b/8b", "8b/8b"]

    def test_says_that_it_failed(self) -> None:
        """A target below the fastest state cannot be met: status, reason and note say so."""
        solution = greedy_decrease(problem_of([{"8b/8b": 10, "8b/4b": 7}], 6))
        assert solution.status is Status.FAILED
        assert "latency is 7 and its budget 6" in solution.reason
        assert any("greedy-decrease failed" in note for note in solution.notes)

    def test_needs_a_target(self) -> None:
        """Without a budget there is nothing to reach."""
        with pytest.raises(InputError, match="give a budget on latency"):
            greedy_decrease(problem_of([{"8b/8b": 10}]))

    @settings(max_examples=300)
    @given(latencies(), st.integers(1, 30))
    def test_equals_the_pseudocode(self, table: Latencies, target: int) -> None:
        """A direct transcription of Algorithm 2 reaches the same latency, or fails too."""
        solution = greedy_decrease(as_problem(table, target))
        expected = decrease_by_the_book(table, Precision(8, 8), target)
        assert (solution.status is Status.FEASIBLE) == (expected is not None)
        if expected is not None:
            latency = sum(table[i][p] for i, p in expected.items())
            assert solution.costs["latency"] == latency <= target


class TestGreedyIncrease:
    """Algorithm 3."""

    def test_spends_the_budget_on_the_cheapest_moves(self) -> None:
        """Raising the second layer costs 1; raising the first too would exceed 9."""
        rows = [{"4b/4b": 4, "8b/8b": 8}, {"4b/4b": 4, "8b/8b": 5}]
        assert shown(greedy_increase(problem_of(rows, 9))) == ["4b/4b", "8b/8b"]

    def test_ends_at_the_highest_precision(self) -> None:
        """With budget to spare every layer ends at its highest precision."""
        row = {"4b/4b": 4, "8b/4b": 6, "8b/8b": 8}
        assert shown(greedy_increase(problem_of([row, row], 100))) == ["8b/8b", "8b/8b"]

    def test_a_start_beyond_the_target_fails(self) -> None:
        """The upward search cannot lower anything and says that it failed."""
        solution = greedy_increase(problem_of([{"4b/4b": 4, "8b/8b": 8}], 3))
        assert solution.status is Status.FAILED
        assert any("its start exceeds 3" in note for note in solution.notes)

    @settings(max_examples=300)
    @given(latencies(), st.integers(1, 30))
    def test_never_exceeds_the_target_and_equals_the_pseudocode(
        self, table: Latencies, target: int
    ) -> None:
        """A direct transcription of Algorithm 3 reaches the same latency."""
        start = Precision(4, 4)
        assume(sum(row[start] for row in table.values()) <= target)
        solution = greedy_increase(as_problem(table, target))
        expected = increase_by_the_book(table, start, target)
        assert solution.status is Status.FEASIBLE
        latency = sum(table[i][p] for i, p in expected.items())
        assert solution.costs["latency"] == latency <= target


class TestHomogeneous:
    """The simplest baseline."""

    def test_takes_the_best_that_keeps_the_budget(self) -> None:
        """Losses count the candidates, so the first feasible one in the list is the best."""
        row = {"8b/8b": 10, "4b/4b": 6, "2b/2b": 3}
        assert shown(solve(problem_of([row, row], 13), "homogeneous")) == ["4b/4b", "4b/4b"]

    def test_says_which_layers_lack_the_precision(self) -> None:
        """A first layer without 4-bit inputs takes the nearest higher precision."""
        rows = [{"8b/4b": 5, "8b/8b": 9}, {"4b/4b": 4, "8b/8b": 8}]
        solution = solve(problem_of(rows), "homogeneous", start="4b/4b")
        assert shown(solution) == ["8b/4b", "4b/4b"]
        assert solution.notes == ("Layer layer0 takes 8b/4b, the nearest precision above 4b/4b.",)

    def test_fails_when_none_keeps_the_budget(self) -> None:
        """The fastest homogeneous configuration is returned as failed."""
        solution = solve(problem_of([{"8b/8b": 10, "4b/4b": 6}], 5), "homogeneous")
        assert solution.status is Status.FAILED
        assert solution.costs["latency"] == 6

    def test_named_formats_are_found_by_their_names(self) -> None:
        """A named format of the problem needs no bits to start from."""
        problem = Problem.from_arrays(
            [[3.0, 1.0]], {"latency": [[1, 2]]}, precisions=["q4_k:4.5", "q6_k:6.5625"]
        )
        assert shown(solve(problem, "homogeneous", start="q6_k")) == ["q6_k"]


def _rank(latency: dict[Precision, int], precision: Precision) -> tuple[int, float]:
    """Fastest first, and the most bits among equals."""
    return latency[precision], -(precision.b_in + precision.b_wt)


def decrease_by_the_book(
    table: Latencies, start: Precision, target: int
) -> dict[int, Precision] | None:
    """Algorithm 2 with dictionaries, line by line."""
    order: dict[float, int] = {2: 0, 4: 1, 8: 2}
    config = dict.fromkeys(table, start)
    for step_max in range(2 * len(order) + 1):
        moves = {}
        for i, present in config.items():
            candidates = [
                p
                for p in PRECISIONS
                if table[i][p] <= table[i][present]
                and order[present.b_in] - order[p.b_in] + order[present.b_wt] - order[p.b_wt]
                <= step_max
            ]
            moves[i] = min(candidates, key=partial(_rank, table[i]))
        if sum(table[i][p] for i, p in moves.items()) <= target:
            result = dict(config)
            while sum(table[i][p] for i, p in result.items()) > target:
                best = max(moves, key=lambda i: table[i][config[i]] - table[i][moves[i]])
                result[best] = moves.pop(best)
            return result
    return None


def increase_by_the_book(table: Latencies, start: Precision, target: int) -> dict[int, Precision]:
    """Algorithm 3 with dictionaries, line by line."""
    config = dict.fromkeys(table, start)
    while True:
        moves = {}
        for i, present in config.items():
            candidates = [
                p
                for p in PRECISIONS
                if (p.b_in > present.b_in and p.b_wt >= present.b_wt)
                or (p.b_in >= present.b_in and p.b_wt > present.b_wt)
            ]
            if candidates:
                moves[i] = min(candidates, key=partial(_rank, table[i]))
        if not moves:
            return config
        if sum(table[i][p] for i, p in (config | moves).items()) <= target:
            config |= moves
            continue
        while True:
            best = min(moves, key=lambda i: table[i][moves[i]] - table[i][config[i]])
            added = table[best][moves[best]] - table[best][config[best]]
            if sum(table[i][p] for i, p in config.items()) + added > target:
                return config
            config[best] = moves.pop(best)


def test_every_heuristic_keeps_ties_on_random_tables() -> None:
    """Whatever the heuristic, tied layers end with one precision."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        problem = Problem.from_arrays(
            np.zeros((4, 9)),
            {"latency": rng.integers(1, 50, (4, 9))},
            {"latency": 120},
            precisions=PRECISIONS,
            ties=[Tie(("layer0", "layer2"))],
        )
        for name in HEURISTICS:
            solution = solve(problem, name)
            assert solution.configuration is not None
            assert solution.configuration["layer0"] == solution.configuration["layer2"]


class TestBlocks:
    """What all heuristics work on."""

    def test_another_cost_is_watched_where_there_is_no_latency(self) -> None:
        """With a budget on energy alone, the greedy search reaches that."""
        problem = Problem.from_arrays(
            [[0, 1]], {"energy": [[9, 4]]}, {"energy": 5}, precisions=["8b/8b", "8b/4b"]
        )
        assert shown(greedy_decrease(problem)) == ["8b/4b"]

    def test_without_any_latency_the_heuristics_refuse(self) -> None:
        """There is nothing to watch."""
        problem = Problem.from_arrays([[0, 1]], {}, precisions=["8b/8b", "4b/4b"])
        with pytest.raises(InputError, match="watch the latency, and the problem has no such"):
            free_bits(problem)

    def test_a_layer_without_candidates_is_named(self) -> None:
        """A layer fixed to what it cannot take leaves nothing to move."""
        problem = problem_of(
            [{"4b/4b": 1, "8b/8b": 2}],
            restrictions=[Restriction("layer0", "fixed", Precision(2, 2))],
        )
        with pytest.raises(InputError, match="No candidate is left for layer0"):
            free_bits(problem)

    def test_formats_that_no_layer_shares_have_no_homogeneous_configuration(self) -> None:
        """Named formats of equal bits are not higher than each other."""
        problem = Problem.from_arrays(
            [[0.0], [0.0]], {"latency": [[1], [1]]}, precisions=[["a:16/4"], ["b:16/4"]]
        )
        with pytest.raises(InputError, match="offered by every layer"):
            solve(problem, "homogeneous")
