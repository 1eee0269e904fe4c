"""The pieces of work beside those of a flow: each returns a configuration and its CPU seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.mcu_digits.setting import SETTING
from mpsolve.errors import InputError
from mpsolve.heuristics.memory_driven import memory_driven
from mpsolve.mcu import mcu_problem
from mpsolve.model.constraints import Restriction
from mpsolve.model.solution import Status
from mpsolve.profiles.read import read_table
from mpsolve.solving.solve import greedy_decrease, solve
from mpsolve.training.flow.work import data_of, measure, model_of, traced
from mpsolve.training.haq.search import search_haq
from mpsolve.training.haq.settings import HaqSettings
from mpsolve.training.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bench.mcu_digits.setting import Limits
    from mpsolve.model.configuration import Configuration
    from mpsolve.model.precision import Precision
    from mpsolve.model.problem import Problem
    from mpsolve.model.solution import Solution
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.training.flow.settings import FlowSettings
    from mpsolve.training.flow.work import Result, Tell
    from mpsolve.training.progress import HaqProgress


def measured(
    settings: FlowSettings,
    seed: int,
    metric: str,
    candidates: Mapping[str, Sequence[Precision]],
    trained: Path,
    folder: Path,
    tell: Tell,
) -> Result:
    """Sensitivities, as in a flow."""
    began = time.process_time()
    result = measure(settings, seed, metric, candidates, trained, folder, tell)
    return None if result is None else {"seconds": time.process_time() - began}


@dataclass(frozen=True)
class Hunt:
    """What an agent looks for, and how.

    Attributes
    ----------
    limits
        What its configuration must keep.
    strategy, episodes
        Of the search.
    sensitivities
        Where those are that it asks; without them it trains every configuration.
    """

    limits: Limits
    strategy: str
    episodes: int
    sensitivities: Path | None


@one_thread()
def haq(
    settings: FlowSettings,
    seed: int,
    device: str,
    hunt: Hunt,
    trained: Path,
    folder: Path,
    tell: Tell,
) -> Result:
    """What the agent finds."""
    began = time.process_time()
    model = model_of(settings, seed, trained)

    def tell_episode(state: HaqProgress) -> None:
        tell((state.stage + state.episode / state.episodes) / state.stages)

    found = search_haq(
        model,
        data_of(settings),
        rom=hunt.limits.rom,
        ram=hunt.limits.ram,
        evaluator=hunt.sensitivities and hunt.sensitivities / "sensitivities.csv",
        settings=HaqSettings(hunt.strategy, hunt.episodes),
        folder=folder,
        seed=seed,
        name=settings.name,
        progress=tell_episode,
        device=device,
    )
    if not found.finished or found.best is None:
        return None
    return _answer(found.best.configuration, began)


@one_thread()
def choose(
    settings: FlowSettings,
    seed: int,
    limits: Limits,
    sensitivities: Mapping[str, Path],
    folder: Path,
    tell: Tell,
) -> Result:
    """The rule, the greedy heuristic and the exact optima, by name."""
    network = traced(settings, seed).network
    problem = partial(mcu_problem, network, limits.rom, limits.ram, setting=SETTING)
    ways: dict[str, Callable[[], Configuration]] = {
        "memory-driven": lambda: memory_driven(
            network, limits.rom, limits.ram, SETTING.scheme, bits=SETTING.bits
        ),
        "greedy": lambda: greedy(network, limits),
        "exact (noise-macs)": lambda: _optimum(solve(problem())),
    }
    for metric, place in sensitivities.items():
        table = read_table(place / "sensitivities.csv")
        ways[f"exact ({metric})"] = partial(_exact, problem, table)
    found = {}
    for name, way in ways.items():
        began = time.process_time()
        found[name] = _answer(way(), began)
    return found


def _exact(problem: Callable[..., Problem], table: LatencyTable) -> Configuration:
    return _optimum(solve(problem(sensitivities=table)))


def greedy(network: Network, limits: Limits) -> Configuration:
    """Free Bits' greedy decrease, with bytes of ROM in place of latency.

    It knows a single cost. So the memory-driven rule cuts the activations first, and only the
    weights are left to it.
    """
    start = memory_driven(network, None, limits.ram, SETTING.scheme, bits=SETTING.bits)
    problem = mcu_problem(network, limits.rom, None, setting=SETTING)
    others = [
        Restriction(layer, "forbidden", precision)
        for i, layer in enumerate(problem.layers)
        for precision in problem.candidates(i)
        if precision.b_in != start[layer].b_in
    ]
    return _optimum(greedy_decrease(problem.replace(restrictions=tuple(others)), start))


def _optimum(answer: Solution) -> Configuration:
    if answer.status not in (Status.OPTIMAL, Status.FEASIBLE) or answer.configuration is None:
        raise InputError(f"{answer.method} found nothing: {answer.reason or answer.status}.")
    return answer.configuration


def _answer(configuration: Configuration, began: float) -> dict[str, Any]:
    seconds = time.process_time() - began
    return {"configuration": configuration.to_json(), "seconds": seconds}
