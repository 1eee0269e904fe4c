"""Greedy latency decrease: lower few layers, and each as little as the target allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.heuristics.blocks import Blocks
from mpsolve.model.evaluation import keeps

if TYPE_CHECKING:
    from mpsolve.model.configuration import Configuration
    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray


class GreedyDecrease:
    """Greedy heuristic precision search, latency decrease (Free Bits, appendix A.2, Algorithm 2).

    For a growing step limit: find every layer's fastest precision within that distance; if all
    these moves together reach the target, apply them by decreasing impact until it is reached.

    Readings, where the appendix is open or misprinted. Its input line has the target above the
    present latency; section 3.3 has it below, which is meant. The distance of a move is the
    number of steps *down* in the order of bit-widths, inputs and weights together, so a move that
    raises a precision and is faster is within any limit. The target is reached when it is met
    with equality too. Of equally fast precisions the higher is taken, of equal impacts the earlier
    layer. Tied layers move as one. When no moves reach the target, the fastest state is returned;
    it exceeds the budget, and the answer says so.
    """

    default_start = "8b/8b"

    def run(
        self, problem: Problem, start: Configuration | str | None, strict: bool = False
    ) -> tuple[IntArray, tuple[str, ...]]:
        """Return the choice and what is to be said about it."""
        blocks = Blocks.of(problem)
        state, notes = blocks.start(start or self.default_start)
        notes = (*notes, *blocks.remarks)
        order = _order(blocks)
        moves = state
        for step_max in range(2 * len(order) + 1):
            moves = _moves(blocks, state, order, step_max)
            if keeps(blocks.total(moves), blocks.target, len(problem.layers)):
                return blocks.choice(_apply(blocks, state, moves)), notes
        failure = f"greedy-decrease failed: no moves from its start reach {blocks.target:,}."
        return blocks.choice(moves), (*notes, failure)


def _moves(blocks: Blocks, state: list[int], order: dict[float, int], step_max: int) -> list[int]:
    """GET_MOVES: per block the fastest candidate that is not slower and within ``step_max``."""
    return [
        blocks.fastest(
            [
                j
                for j in blocks.candidates(i)
                if blocks.latency[j] <= blocks.latency[present]
                and _distance(blocks, present, j, order) <= step_max
            ]
        )
        for i, present in enumerate(state)
    ]


def _apply(blocks: Blocks, state: list[int], moves: list[int]) -> list[int]:
    """Apply the moves of highest impact until the target is met."""
    reached = list(state)
    impact = {
        i: blocks.latency[present] - blocks.latency[moves[i]] for i, present in enumerate(state)
    }
    for i in sorted(impact, key=lambda i: -impact[i]):
        if keeps(blocks.total(reached), blocks.target, len(blocks.problem.layers)):
            break
        reached[i] = moves[i]
    return reached


def _distance(blocks: Blocks, present: int, candidate: int, order: dict[float, int]) -> int:
    """DIST: steps down in the order of bit-widths, inputs and weights together."""
    return max(
        order[p.b_in] - order[q.b_in] + order[p.b_wt] - order[q.b_wt]
        for p, q in zip(blocks.precisions[present], blocks.precisions[candidate], strict=True)
    )


def _order(blocks: Blocks) -> dict[float, int]:
    """O_p: the position of every bit-width among all that occur."""
    widths = {bits for row in blocks.precisions for p in row for bits in (p.b_in, p.b_wt)}
    return {bits: position for position, bits in enumerate(sorted(widths))}
