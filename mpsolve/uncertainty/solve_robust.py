"""Answers that keep their budgets although the numbers are off, with a proof that none is better.

Branch and bound over the parameters of the protected costs (`mpsolve.uncertainty.counterpart`):
every node is an ordinary problem with relaxed costs and budgets, solved by any exact method. An
answer to a node that keeps the protected budgets ends it, because nothing in the node is better;
any other splits the span of a parameter in two. The node of least bound comes first.
"""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from mpsolve.errors import Conflict, InputError
from mpsolve.model.evaluation import evaluate, total
from mpsolve.model.solution import Limit, Progress, Solution, Status
from mpsolve.presolve.quickxplain import shown_number
from mpsolve.presolve.redundancy import refuse_pairwise
from mpsolve.solving.session import PROVEN, Repetition, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray, Number
    from mpsolve.uncertainty.counterpart import Protection, Span
    from mpsolve.uncertainty.sets import Robustness

Spans: TypeAlias = tuple["Span", ...]


def solve_robust(
    problem: Problem,
    robustness: Robustness | Sequence[Robustness],
    method: str = "auto",
    *,
    time_limit: float | None = None,
    threads: int = 1,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> Solution:
    """Find the assignment of least loss that keeps every budget under protection.

    Parameters
    ----------
    problem
        The problem.
    robustness
        One or more of `ChanceConstraint`, `Box` and `Budgeted`, each on a cost of its own. Several
        chance constraints are kept with their probabilities one by one, not together.
    method
        The exact method to solve the nominal problems by; ``auto`` where it cannot express one.
    time_limit
        Wall seconds after which the best answer so far is returned with its proven gap.
    threads, seed
        For the methods that use them.
    progress
        Called after every nominal problem.

    Returns
    -------
    Solution
        Its costs are nominal; its notes say what is protected, what that comes to, and the loss
        beyond the nominal optimum. A protected cost of floats may exceed its budget by about
        1e-12 of the numbers involved.

    Raises
    ------
    InputError
        If a protection does not fit the problem, or two are on the same cost.
    UnsupportedError
        If the problem has pairwise terms.

    Examples
    --------
    >>> from mpsolve import Box, Problem
    >>> problem = Problem.from_arrays([[0, 3, 5], [0, 1]], {"us": [[9, 4, 1], [7, 2]]}, {"us": 8})
    >>> solve_robust(problem, Box("us", 1)).costs["us"], solve_robust(problem, Box("us", 2)).loss
    (6, 6)
    """
    refuse_pairwise(problem, "Protection")
    kinds = tuple(robustness) if isinstance(robustness, (list, tuple)) else (robustness,)
    costs = [kind.cost for kind in kinds]
    if not kinds or len(set(costs)) < len(costs):
        raise InputError("Give one protection, or several on different costs.")
    began = time.perf_counter()
    search = _Search(
        problem,
        {kind.cost: kind.bind(problem) for kind in kinds},
        Repetition(method, time_limit, threads, seed),
        progress,
    )
    search.run()
    return replace(_answer(search, kinds), seconds=time.perf_counter() - began)


class _Incumbent(NamedTuple):
    """The best assignment so far that is kept under protection."""

    choice: IntArray
    loss: Number


@dataclass(eq=False)
class _Search:
    """The state of the branch and bound; ``bound`` is proven at any time."""

    problem: Problem
    protections: dict[str, Protection]
    repetition: Repetition
    progress: Callable[[Progress], None] | None
    nominal: Solution | None = None
    best: _Incumbent | None = None
    bound: float | None = None
    limit: Limit | None = None
    complete: bool = False
    solved: int = 0
    nodes: int = 0
    _open: list[tuple[float, int, Spans]] = field(default_factory=list)

    def run(self) -> None:
        """Search until nothing is open or a limit ends it."""
        began = time.monotonic()
        try:
            self._start()
            while self._open and not self._closed():
                self.bound, _, spans = heapq.heappop(self._open)
                self._branch(spans)
                if self.progress is not None:
                    loss = self.best.loss if self.best else None
                    self.progress(Progress(time.monotonic() - began, loss, self.bound))
            self.complete = True
        except Stopped as stop:
            self.limit = stop.limit
        except KeyboardInterrupt:
            self.limit = Limit.INTERRUPTED

    def _closed(self) -> bool:
        return self.best is not None and self._open[0][0] >= self.best.loss

    def _start(self) -> None:
        """The nominal problem bounds all others; close to its answer lies a first incumbent."""
        self.nominal = nominal = self.repetition.solve(self.problem, explain=True)
        self.bound = nominal.bound
        if nominal.status is Status.INFEASIBLE or (self._takes(nominal) and _proven(nominal)):
            return
        if nominal.choice is None or nominal.bound is None or not _proven(nominal):
            raise Stopped(nominal.limit)
        flat = self.problem.flat(nominal.choice)
        self._takes(self._relaxation(tuple(p.around(flat) for p in self.protections.values())))
        whole = tuple(p.whole for p in self.protections.values())
        self._open.append((nominal.bound, 0, whole))

    def _branch(self, spans: Spans) -> None:
        """Solve a node, and split it if its answer is not kept under protection."""
        answer = self._relaxation(spans)
        if answer.status is Status.INFEASIBLE:
            return
        kept = self._takes(answer)
        if answer.choice is None or answer.bound is None or not _proven(answer):
            raise Stopped(answer.limit)
        if kept:
            return
        flat = self.problem.flat(answer.choice)
        protections = list(self.protections.values())
        i = next(i for i, protection in enumerate(protections) if not protection.kept(flat))
        for half in protections[i].halves(spans[i], flat):
            node = (*spans[:i], half, *spans[i + 1 :])
            self.nodes += 1
            heapq.heappush(self._open, (answer.bound, self.nodes, node))

    def _relaxation(self, spans: Spans) -> Solution:
        """The answer to the nominal problem that relaxes a node."""
        costs, budgets = dict(self.problem.costs), dict(self.problem.budgets)
        for span, (name, protection) in zip(spans, self.protections.items(), strict=True):
            costs[name], budgets[name] = protection.relaxed(span)
        self.solved += 1
        return self.repetition.solve(
            self.problem.replace(costs=costs, budgets=budgets, deviations={})
        )

    def _takes(self, answer: Solution) -> bool:
        """Whether an answer is kept under protection; the best one becomes the incumbent."""
        if answer.choice is None or answer.loss is None:
            return False
        flat = self.problem.flat(answer.choice)
        if not all(protection.kept(flat) for protection in self.protections.values()):
            return False
        if self.best is None or answer.loss < self.best.loss:
            self.best = _Incumbent(answer.choice, answer.loss)
        return True


def _proven(solution: Solution) -> bool:
    return solution.status in PROVEN


def _answer(search: _Search, kinds: Sequence[Robustness]) -> Solution:
    """What the search found and proved, on the original numbers."""
    problem, nominal = search.problem, search.nominal
    parts: dict[str, Any] = {
        "limit": search.limit,
        "reason": f"{search.solved + 1} nominal problems were solved",
    }
    if nominal is None:  # stopped before the first answer
        return Solution(Status.NO_SOLUTION, "robust", budgets=problem.budgets, **parts)
    if nominal.status is Status.INFEASIBLE:
        return nominal
    if search.best is None:
        return replace(
            nominal,
            status=Status.INFEASIBLE if search.complete else Status.NO_SOLUTION,
            configuration=None,
            choice=None,
            loss=None,
            costs={},
            bound=None if search.complete else search.bound,
            conflict=_conflict(kinds, nominal) if search.complete else None,
            **parts,
        )
    loss = float(search.best.loss)
    bound = loss if search.complete else search.bound
    return replace(
        nominal,
        status=Status.OPTIMAL if search.complete else Status.FEASIBLE,
        configuration=problem.configuration(search.best.choice),
        choice=search.best.choice,
        loss=search.best.loss,
        costs=evaluate(problem, search.best.choice).costs,
        bound=None if bound is None else min(bound, loss),
        notes=(*nominal.notes, *_notes(search, search.best, kinds, nominal.loss)),
        **parts,
    )


def _notes(
    search: _Search, best: _Incumbent, kinds: Sequence[Robustness], nominal: Number | None
) -> list[str]:
    """The protections, what they come to, and their price."""
    problem, notes = search.problem, []
    flat = problem.flat(best.choice)
    for kind in kinds:
        unprotected = total(problem.costs[kind.cost][flat])
        protected = search.protections[kind.cost].cost(flat)
        notes.append(
            f"{kind}: nominally {shown_number(unprotected)}, protected {shown_number(protected)} "
            f"of {shown_number(problem.budgets[kind.cost])}."
        )
    if nominal is not None:
        price, most = best.loss - nominal, "" if search.complete else "at most "
        part = f" ({price / abs(nominal):.2%})" if nominal else ""
        notes.append(
            f"The protection costs {most}{shown_number(price)} loss{part} beyond the nominal "
            f"optimum {shown_number(nominal)}."
        )
    return notes


def _conflict(kinds: Sequence[Robustness], nominal: Solution) -> Conflict:
    promises = "; ".join(map(str, kinds))
    least = "" if nominal.loss is None else f" the least loss is {shown_number(nominal.loss)}"
    return Conflict(
        f"No assignment keeps the protected budgets: {promises}. Without protection{least}; raise "
        "a budget or protect from less.",
        constraints=tuple(map(str, kinds)),
    )
