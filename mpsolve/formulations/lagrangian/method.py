"""The Lagrangian method: several budgets, couplings between layers near each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mpsolve.errors import UnsupportedError
from mpsolve.formulations.binary_model import binary_model
from mpsolve.formulations.lagrangian.graph import MAX_ARCS, layered_graph
from mpsolve.formulations.lagrangian.search import LABEL_LIMIT, search
from mpsolve.formulations.refinement import FINE_LABELS, Engine, Found, worth_another
from mpsolve.model.evaluation import loss_of
from mpsolve.model.solution import Limit
from mpsolve.presolve.fixing import contenders

if TYPE_CHECKING:
    from mpsolve.formulations.binary_model import BinaryModel
    from mpsolve.formulations.lagrangian.graph import LayeredGraph
    from mpsolve.formulations.refinement import Run
    from mpsolve.model.problem import Problem
    from mpsolve.presolve.presolved import Presolved
    from mpsolve.typing import BoolArray, IntArray

#: What to do after a search that ran out of labels.
MORE = "a larger label limit or method highs, milp or cpsat may prove more"
#: With more resources than this labels rarely dominate each other, and HiGHS was faster.
RESOURCES = 4


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


class Lagrangian(Engine):
    """Lagrangian bounds, fixing and label setting on the layered graph of the layers."""

    name = "lagrangian"

    def unsupported(self, presolved: Presolved) -> str | None:
        """Name what a layered graph of moderate size cannot hold."""
        ready = prepared(presolved)
        if ready.model is None or ready.graph is not None:
            return None
        return (
            "lagrangian follows ties, constraints and pairwise terms from layer to layer, and here "
            f"a layer would have more than {MAX_ARCS:,} arcs; use method highs, milp or cpsat."
        )

    def integers(self, presolved: Presolved, run: Run) -> _Scaled | None:
        """The graph."""
        if refusal := self.unsupported(presolved):
            raise UnsupportedError(refusal)
        return _Scaled.of(run, prepared(presolved))


@dataclass(frozen=True, eq=False)
class _Scaled:
    """A model and its graph."""

    run: Run
    model: BinaryModel
    graph: LayeredGraph

    @classmethod
    def of(cls, run: Run, ready: Prepared) -> _Scaled | None:
        if ready.model is None or ready.graph is None:
            return None
        return cls(run, ready.model, ready.graph)

    def search(self, start: IntArray | None) -> Found:
        model, options = self.model, self.run.options
        lowered = None if start is None else model.lower(start)

        def report(choice: IntArray | None, loss: int, bound: int) -> None:
            incumbent = None if choice is None else model.original(loss)
            self.run.report(incumbent, model.original(bound))

        begun = None
        if lowered is not None:
            begun = lowered[: len(model.groups.members)], model.excess(lowered)
        result = search(
            self.graph,
            start=begun,
            deadline=self.run.deadline,
            label_limit=options.label_limit or LABEL_LIMIT,
            allowance=lambda loss: int(options.gap * abs(model.base + loss)),
            report=report,
        )
        bound = model.original(result.bound) - model.resolution
        if result.choice is None:
            return Found(None, bound, result.limit, proven=result.limit is None)
        notes: tuple[str, ...] = ()
        if result.limit is Limit.LABELS and options.label_limit is None:
            notes = (f"The search kept {LABEL_LIMIT:,} labels; {MORE}.",)
        within_gap = result.limit is None and result.bound < result.loss
        limit = Limit.GAP if within_gap else result.limit
        choice = model.lift(result.choice)
        resolved = limit is not None or model.resolution == 0
        return Found(choice, bound, limit, limit is None, model.resolution, resolved, notes)

    def finer(self, choice: IntArray | None) -> _Scaled | None:
        if choice is None:
            return None
        problem, error = self.run.problem, self.model.resolution
        lost = abs(loss_of(problem, choice))
        if not worth_another(error, 0.0, lost, FINE_LABELS):
            return None
        usable = contenders(problem, choice)
        finer = None if usable is None else _Scaled.of(self.run, _ready(problem, usable))
        if finer and worth_another(error, finer.model.resolution, lost, FINE_LABELS):
            return finer
        return None
