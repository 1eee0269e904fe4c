"""Profile a network, solve it at several budgets, build the answers and run them."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.building.conversions import with_conversions
from mpsolve.errors import UnsupportedError
from mpsolve.model.configuration import Configuration
from mpsolve.model.evaluation import evaluate
from mpsolve.model.pairwise import PairwiseTerm
from mpsolve.model.problem import Problem
from mpsolve.profiles.networks import load_network
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.profiles.profile import profile
from mpsolve.profiles.targets.measured.conversions import measure_conversions
from mpsolve.profiles.targets.measured.end_to_end import additivity, random_configurations
from mpsolve.profiles.targets.measured.ort.formats import FLOAT, INT8
from mpsolve.profiles.targets.measured.ort.tensors import conversions, needed
from mpsolve.solving.solve import solve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from mpsolve.profiles.networks import Network
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.profiles.targets.measured.cpu import CpuTarget
    from mpsolve.profiles.targets.measured.end_to_end import Additivity

#: Every reader converts for itself, so that layers need not share b_in.
RULES = Rules(share_inputs=False)
LOSS = "noise-macs"
REFERENCE = "32b/32b"


@dataclass(frozen=True, slots=True)
class Row:
    """A configuration, what was predicted, and what was measured.

    Attributes
    ----------
    name
        The configuration.
    budget
        The part of the float32 network's latency that it may take, if it was solved for one.
    aware
        Whether the solver knew of conversions.
    loss
        The proxy.
    float32, int8, few_bits
        How many layers are in which format.
    conversions
        How many tensors are converted.
    layers_us, conversions_us
        Predicted: the layers, and the conversions between them.
    measured_us, error_us
        The whole network, median and its standard error.
    least_us
        The fastest sample of the whole network.
    """

    name: str
    budget: float | None
    aware: bool
    loss: float
    float32: int
    int8: int
    few_bits: int
    conversions: int
    layers_us: float
    conversions_us: float
    measured_us: float
    error_us: float
    least_us: float

    @property
    def predicted_us(self) -> float:
        """Layers and conversions."""
        return self.layers_us + self.conversions_us


@dataclass(frozen=True, slots=True)
class Result:
    """Everything about one network.

    Attributes
    ----------
    network, loss
        Their names.
    record
        Machine, versions, options and date.
    load
        Mean number of processes that wanted a core, over a minute, before and after.
    rows
        The configurations.
    slower
        Layer types that are slower in int8, with microseconds in float32 and in int8.
    """

    network: str
    loss: str
    record: str
    load: tuple[float, float]
    rows: tuple[Row, ...]
    slower: tuple[tuple[str, float, float], ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def run(
    name: str,
    budgets: Sequence[float],
    target: CpuTarget,
    mixes: int = 3,
    store: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Result:
    """Measure layers and conversions, solve, and measure the networks that come out.

    Parameters
    ----------
    name
        The network.
    budgets
        Parts of the latency that is predicted for float32.
    target
        The processor, with its options.
    mixes
        How many random configurations are measured beside the others.
    store
        A file of samples to go on with.
    progress
        Told what was measured, how many of its kind are done, and how many there are.
    """
    load = os.getloadavg()[0]
    network = load_network(name)
    table = profile(network, target, rules=RULES, store=store, progress=_telling(progress))
    costs = measure_conversions(target, network, store, progress)
    alone = Problem.from_table(table, LOSS)
    problem = with_conversions(alone, network, costs)
    chosen = {
        "float32": Configuration.homogeneous(table.layers, FLOAT),
        "int8": Configuration.homogeneous(table.layers, INT8),
        "fastest": fastest(problem),
    }
    solved: dict[str, tuple[float, bool]] = {}
    for aware, posed in ((True, problem), (False, alone)):
        for budget in budgets:
            label = f"{budget:g}x" if aware else f"{budget:g}x, layers alone"
            if (found := at_budget(posed, budget)) is not None:
                solved[label] = (budget, aware)
                chosen[label] = found
    chosen |= random_configurations(table, mixes)
    measured = additivity(network, table, costs, chosen, target, progress)
    rows = tuple(
        _row(own, chosen[own.name], alone, network, *solved.get(own.name, (None, True)))
        for own in measured
    )
    slower = slower_in_int8(table)
    after = os.getloadavg()[0]
    return Result(network.name, problem.loss_name, str(target.record), (load, after), rows, slower)


def at_budget(problem: Problem, budget: float) -> Configuration | None:
    """The proven optimum within a part of the float32 network's latency, if there is any."""
    posed = problem.with_budgets({"latency": f"{budget}x"}, reference=REFERENCE)
    return solve(posed).configuration


def fastest(problem: Problem) -> Configuration:
    """The configuration of least latency, with conversions."""
    terms = [
        PairwiseTerm(term.first, term.second, term.values, None, term.label)
        for term in problem.pairwise_on("latency")
    ]
    posed = problem.replace(loss=problem.costs["latency"], pairwise=terms, budgets={})
    found = solve(posed).configuration
    if found is None:
        raise UnsupportedError("No configuration of least latency was found.")
    return found


def slower_in_int8(table: LatencyTable) -> tuple[tuple[str, float, float], ...]:
    """Layer types that are slower in int8 than in float32, those that lose most first."""
    latency: dict[str, dict[Any, float]] = {}
    for i, label in enumerate(table.layer_types):
        for j in range(table.offsets[i], table.offsets[i + 1]):
            latency.setdefault(label, {})[table.precisions[j]] = table.columns["latency"][j].item()
    found = [
        (label, own[FLOAT], own[INT8])
        for label, own in latency.items()
        if own.get(INT8, 0.0) > own.get(FLOAT, np.inf)
    ]
    return tuple(sorted(found, key=lambda row: row[1] - row[2]))


def _row(
    own: Additivity,
    configuration: Configuration,
    problem: Problem,
    network: Network,
    budget: float | None,
    aware: bool,
) -> Row:
    precisions = list(configuration.values())
    few = len(precisions) - precisions.count(FLOAT) - precisions.count(INT8)
    choice = problem.choice(configuration)
    return Row(
        own.name,
        budget,
        aware,
        float(evaluate(problem, choice).loss),
        precisions.count(FLOAT),
        precisions.count(INT8),
        few,
        len(needed(conversions(network), configuration)),
        own.layers_us,
        own.conversions_us,
        own.measured.median,
        own.measured.error,
        own.measured.least,
    )


def _telling(
    progress: Callable[[str, int, int], None] | None,
) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress("layers", done, total)
