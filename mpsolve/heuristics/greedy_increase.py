"""Greedy latency increase: spend what is left of the budget on cheap precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.heuristics.blocks import Blocks
from mpsolve.model.evaluation import keeps

if TYPE_CHECKING:
    from mpsolve.model.configuration import Configuration
    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray


class GreedyIncrease:
    """Greedy heuristic precision search, latency increase (Free Bits, appendix A.2, Algorithm 3).

    Find every layer's fastest strictly higher precision. If all these moves together stay within
    the target, apply them and begin again; otherwise apply them one by one by least increase of
    latency until the next would exceed the target.

    Readings, where the appendix is open or misprinted. Its input line has the target below the
    present latency; section 3.3 has it above, which is meant. A move that has been applied is
    discarded. What a move adds is the difference to the layer's present latency. When every layer
    has its highest precision, the search ends with that state. Of equally fast precisions the
    higher is taken, of equal increases the earlier layer. Tied layers move as one. A start
    that exceeds the target is returned as it is, and the answer says so.
    """

    default_start = "4b/4b"

    def run(
        self, problem: Problem, start: Configuration | str | None, strict: bool = False
    ) -> tuple[IntArray, tuple[str, ...]]:
        """Return the choice and what is to be said about it."""
        blocks = Blocks.of(problem)
        state, notes = blocks.start(start or self.default_start)
        notes = (*notes, *blocks.remarks)
        if not _within(blocks, state):
            failure = f"greedy-increase failed: its start exceeds {blocks.target:,}."
            return blocks.choice(state), (*notes, failure)
        while (moves := _moves(blocks, state)) != state and _within(blocks, moves):
            state = moves
        return blocks.choice(_apply(blocks, state, moves)), notes


def _moves(blocks: Blocks, state: list[int]) -> list[int]:
    """GET_MOVES: per block the fastest strictly higher candidate, if there is one."""
    moves = list(state)
    for i, present in enumerate(state):
        candidates = [j for j in blocks.candidates(i) if blocks.is_higher(j, present)]
        if candidates:
            moves[i] = blocks.fastest(candidates)
    return moves


def _apply(blocks: Blocks, state: list[int], moves: list[int]) -> list[int]:
    """Apply the moves of least increase until the next would exceed the target."""
    increase = {i: blocks.latency[moves[i]] - blocks.latency[j] for i, j in enumerate(state)}
    for i in sorted(increase, key=lambda i: increase[i]):
        extended = [*state[:i], moves[i], *state[i + 1 :]]
        if not _within(blocks, extended):
            break
        state = extended
    return state


def _within(blocks: Blocks, state: list[int]) -> bool:
    return keeps(blocks.total(state), blocks.target, len(blocks.problem.layers))
