"""Free Bits: raise every layer to its fastest precision that is not lower."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.heuristics.blocks import Blocks

if TYPE_CHECKING:
    from mpsolve.model.configuration import Configuration
    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray


class FreeBits:
    """Profiling-based heuristic precision search (Free Bits, section 3.2, Algorithm 1).

    For every layer: among the precisions that are higher than or equal to the present one and not
    slower, take the fastest. The budget plays no part.

    The paper leaves two things open. Of equally fast precisions the higher is taken, since by the
    paper's second assumption more bits never hurt; with ``strict`` a layer changes only for a
    strictly faster precision, which is the rule of the authors' own code. Tied layers move as
    one: their latencies add up, and none of them may get a lower precision.
    """

    default_start = "4b/4b"

    def run(
        self, problem: Problem, start: Configuration | str | None, strict: bool = False
    ) -> tuple[IntArray, tuple[str, ...]]:
        """Return the choice and what is to be said about it."""
        blocks = Blocks.of(problem)
        state, notes = blocks.start(start or self.default_start)
        notes = (*notes, *blocks.remarks)
        for i, present in enumerate(state):
            candidates = [
                j
                for j in blocks.candidates(i)
                if blocks.is_higher_or_equal(j, present)
                and blocks.latency[j] <= blocks.latency[present]
            ]
            best = blocks.fastest(candidates)
            if not strict or blocks.latency[best] < blocks.latency[present]:
                state[i] = best
        return blocks.choice(state), notes
