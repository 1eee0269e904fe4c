"""Sony's Model Compression Toolkit: the integer programme behind its mixed precision search."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.bench.contender import Answer
from mpsolve.bench.peers.rows import choice, refusal, rows
from mpsolve.bench.result import Claim

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem

SEARCH = "model_compression_toolkit.core.common.mixed_precision.search_methods.linear_programming"


class Mct:
    """``MixedPrecisionIntegerLPSolver`` of model-compression-toolkit (2.6.1).

    It gives CBC 60 s of its own, and raises unless PuLP says "Optimal".
    """

    def unsupported(self, problem: Problem) -> str | None:
        """A cost per resource that it knows as a plain sum: weights and bit operations."""
        if len(problem.budgets) > 2:
            return "It knows two summed resources."
        return refusal(problem)

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Call it; where it returns, it takes its answer for optimal."""
        search = _search()
        targets = (search.RUTarget.WEIGHTS, search.RUTarget.BOPS)
        pairs = list(zip(targets, problem.budgets.items(), strict=False))
        costs = {
            target: np.concatenate(rows(problem, problem.costs[name]))[:, None].astype(float)
            for target, (name, _) in pairs
        }
        limits = {target: np.array([float(limit)]) for target, (_, limit) in pairs}
        losses = dict(enumerate(rows(problem, problem.loss)))
        try:
            found = search.MixedPrecisionIntegerLPSolver(losses, costs, limits).run()
        except RuntimeError as error:
            infeasible = str(error).endswith("status -1")
            return Answer(Claim.INFEASIBLE if infeasible else Claim.NOTHING, note=str(error))
        return Answer(Claim.OPTIMAL, choice(problem, [found[i] for i in losses]))


@cache
def _search() -> Any:
    """The module of the solver; its parents are named without being run, since they want torch."""
    *parents, _ = SEARCH.split(".")
    spec = find_spec(parents[0])
    assert spec and spec.submodule_search_locations  # `ContenderSpec.missing` has looked
    path = spec.submodule_search_locations[0]
    for depth, name in enumerate(parents):
        module = ModuleType(".".join(parents[: depth + 1]))
        path = f"{path}/{name}" if depth else path
        module.__path__ = [path]
        sys.modules.setdefault(module.__name__, module)
    return import_module(SEARCH)
