"""The Lagrangian method: several budgets, couplings between layers near each other."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mpsolve.errors import UnsupportedError
from mpsolve.formulations.binary_model import binary_model
from mpsolve.formulations.lagrangian.graph import MAX_ARCS, layered_graph
from mpsolve.formulations.lagrangian.search import LABEL_LIMIT, search
from mpsolve.formulations.method import Outcome
from mpsolve.model.evaluation import evaluate
from mpsolve.model.solution import Limit, Progress
from mpsolve.presolve.fixing import competitive, pairwise_excess

if TYPE_CHECKING:
    from mpsolve.formulations.binary_model import BinaryModel
    from mpsolve.formulations.lagrangian.graph import LayeredGraph
    from mpsolve.formulations.lagrangian.search import Result
    from mpsolve.formulations.method import Options
    from mpsolve.model.problem import Problem
    from mpsolve.presolve.presolved import Presolved
    from mpsolve.typing import BoolArray, IntArray

#: A remark is due when the integers may misjudge the loss by more than this part of it.
RESOLUTION = 1e-9
#: A coarser scale than this, relative to the loss of the answer, is worth another search.
FINE = 2.0**-40
#: What to do after a search that ran out of labels.
MORE = "a larger label limit or method highs, milp or cpsat may prove more"
#: With more resources than this labels rarely dominate each other, and HiGHS was faster.
RESOURCES = 4
#: How many scales are tried.
SCALES = 3


@dataclass(frozen=True, eq=False)
class Prepared:
    """A problem in integers and as a graph; None where there is nothing to choose, or too much."""

    model: BinaryModel | None
    graph: LayeredGraph | None


def prepared(presolved: Presolved) -> Prepared:
    """The model and the graph of a problem, whose rows hold its budgets."""
    return presolved.own.once("lagrangian", partial(_ready, presolved.problem))


def _ready(problem: Problem, usable: BoolArray | None = None) -> Prepared:
    model = binary_model(problem, usable)
    return Prepared(model, None if model is None else layered_graph(model))


def suits(presolved: Presolved) -> bool:
    """Whether the method is the one to take: it can, and has few enough resources."""
    ready = prepared(presolved)
    if ready.graph is None:
        return ready.model is None
    return len(ready.graph.capacity) <= RESOURCES


class Lagrangian:
    """Lagrangian bounds, fixing and label setting on the layered graph of the layers."""

    def unsupported(self, presolved: Presolved) -> str | None:
        """Name what a layered graph of moderate size cannot hold."""
        ready = prepared(presolved)
        if ready.model is None or ready.graph is not None:
            return None
        return (
            "lagrangian follows ties, constraints and pairwise terms from layer to layer, and here "
            f"a layer would have more than {MAX_ARCS:,} arcs; use method highs, milp or cpsat."
        )

    def solve(self, presolved: Presolved, options: Options) -> Outcome:
        """Search for the optimum, on a finer scale again if the answer asks for it."""
        began, deadline = time.monotonic(), options.deadline()
        problem, ready, best = presolved.problem, prepared(presolved), options.warm_start
        if best is not None and not evaluate(problem, best).feasible:
            best = None
        if refusal := self.unsupported(presolved):
            raise UnsupportedError(refusal)
        outcome = Outcome(best, complete=True)
        for _ in range(SCALES):
            if ready.model is None or ready.graph is None:
                break
            result = self._search(ready.model, ready.graph, best, options, began, deadline)
            if result.choice is not None:
                best = ready.model.lift(result.choice)
            outcome = _outcome(problem, options, ready.model, result, best)
            usable = _finer(problem, ready.model, best) if outcome.complete else None
            if usable is None:
                break
            ready = _ready(problem, usable)
        return outcome

    def _search(
        self,
        model: BinaryModel,
        graph: LayeredGraph,
        best: IntArray | None,
        options: Options,
        began: float,
        deadline: float,
    ) -> Result:
        lowered = None if best is None else model.lower(best)

        def allowance(loss: int) -> int:
            return int(options.gap * abs(model.base + loss))

        def report(choice: IntArray | None, loss: int, bound: int) -> None:
            incumbent = None if choice is None else model.original(loss)
            if options.progress:
                seconds = time.monotonic() - began
                options.progress(Progress(seconds, incumbent, model.original(bound)))

        start = None
        if lowered is not None:
            start = lowered[: len(model.groups.members)], model.excess(lowered)
        return search(
            graph,
            start=start,
            deadline=deadline,
            label_limit=options.label_limit or LABEL_LIMIT,
            allowance=allowance,
            report=report,
        )


def _finer(problem: Problem, model: BinaryModel, choice: IntArray | None) -> BoolArray | None:
    """The candidates that can compete with a choice, if the scale is coarse beside its loss."""
    if choice is None or model.resolution <= FINE * abs(evaluate(problem, choice).loss):
        return None
    together = pairwise_excess(problem, choice)
    usable = competitive(problem.loss, problem.offsets, choice, together)
    return None if usable.all() else usable


def _outcome(
    problem: Problem,
    options: Options,
    model: BinaryModel,
    result: Result,
    choice: IntArray | None,
) -> Outcome:
    bound = model.original(result.bound) - model.resolution
    if choice is None:
        return Outcome(None, bound if result.limit else None, result.limit is None, result.limit)
    loss = abs(evaluate(problem, choice).loss)
    notes: tuple[str, ...] = ()
    if model.resolution > RESOLUTION * loss:
        notes = (f"Losses were resolved to {model.resolution:.2g}.",)
    if result.limit is Limit.LABELS and options.label_limit is None:
        notes = (*notes, f"The search kept {LABEL_LIMIT:,} labels; {MORE}.")
    within_gap = result.limit is None and result.bound < result.loss
    return Outcome(
        choice,
        bound,
        complete=result.limit is None and not within_gap,
        limit=Limit.GAP if within_gap else result.limit,
        notes=notes,
    )
