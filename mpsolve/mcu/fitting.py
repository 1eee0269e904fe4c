"""Whether a network fits a microcontroller, and the best precision with which it does."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from mpsolve.building.budgets import byte_limit
from mpsolve.errors import InfeasibleError
from mpsolve.heuristics.memory_driven import memory_driven
from mpsolve.mcu.setting import DEFAULT_SETTING, input_widths, mcu_problem
from mpsolve.model.configuration import Configuration
from mpsolve.model.evaluation import evaluate
from mpsolve.model.precision import Precision
from mpsolve.model.solution import Solution, Status
from mpsolve.profiles.memory import peak_ram, rom_total
from mpsolve.profiles.networks.tensor_groups import tensor_bits
from mpsolve.solving.solve import solve

if TYPE_CHECKING:
    from os import PathLike

    from mpsolve.mcu.setting import Setting
    from mpsolve.model.problem import Problem
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.typing import Number

#: The heuristic that `fit` may be asked for instead of an exact method.
RULE = "memory-driven"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a configuration takes.

    Attributes
    ----------
    rom
        Bytes of weights and tables.
    ram
        Bytes of activations at the tightest node.
    node
        That node, the first of several.
    tensors
        What is in memory then.
    weight_bits
        Mean bits per weight.
    activation_bits
        Mean bits per element of all activation tensors.
    """

    rom: int
    ram: int
    node: str
    tensors: tuple[str, ...]
    weight_bits: float
    activation_bits: float


@dataclass(frozen=True, eq=False)
class Fit:
    """A network on a microcontroller.

    Attributes
    ----------
    network
        The network.
    rom, ram
        The limits in bytes; None for no limit.
    setting
        What may be chosen.
    problem
        The problem that was solved.
    solution
        The proven optimum, or what the method that was asked for gave.
    rule
        What the memory-driven rule of Rusci et al. ends with; its status is ``failed`` where it
        does not fit, though another configuration may.
    least
        What the network takes with the fewest bits everywhere: if that does not fit, nothing does.
    seconds
        Wall time of all of it.
    """

    network: Network
    rom: int | None
    ram: int | None
    setting: Setting
    problem: Problem
    solution: Solution
    rule: Solution
    least: Usage
    seconds: float

    @property
    def fits(self) -> bool:
        """Whether a configuration was found that keeps both limits."""
        return self.solution.status in (Status.OPTIMAL, Status.FEASIBLE)

    @property
    def gap_of_rule(self) -> float | None:
        """(loss of the rule - optimum) / optimum; None where either is missing or zero."""
        best = self.solution
        rule = self.rule
        if best.status is not Status.OPTIMAL or not best.loss or not rule_fits(rule):
            return None
        assert rule.loss is not None  # what fits was evaluated
        return float((rule.loss - best.loss) / best.loss)

    @property
    def usage(self) -> Usage | None:
        """What the solution takes; None without one."""
        configuration = self.solution.configuration
        return usage(self.network, configuration, self.setting) if configuration else None

    @property
    def obstacle(self) -> str:
        """Why nothing fits: the tightest node, or the ROM; empty if something does."""
        if self.fits:
            return ""
        least, name = self.least, self.network.name
        if self.ram is not None and least.ram > self.ram:
            return (
                f"{name} does not fit: with the fewest bits, node {least.node} needs {least.ram:,} "
                f"of {self.ram:,} bytes of RAM for {', '.join(least.tensors)}."
            )
        if self.rom is not None and least.rom > self.rom:
            return (
                f"{name} does not fit: with the fewest bits, weights and tables need "
                f"{least.rom:,} of {self.rom:,} bytes of ROM."
            )
        if self.solution.conflict:
            return self.solution.conflict.message
        return self.solution.reason or self.solution.status.meaning

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        used = self.usage
        return {
            "network": self.network.name,
            "fits": self.fits,
            "limits": {"rom": self.rom, "ram": self.ram},
            "usage": asdict(used) if used else None,
            "obstacle": self.obstacle or None,
            "least": asdict(self.least),
            "rule": {
                "fits": rule_fits(self.rule),
                "loss": self.rule.loss,
                "gap": self.gap_of_rule,
                "reason": self.rule.reason,
            },
            "seconds": self.seconds,
            "solution": self.solution.to_json(),
        }


def fit(
    network: Network,
    rom: Number | str | None = None,
    ram: Number | str | None = None,
    *,
    loss: str | None = None,
    sensitivities: LatencyTable | str | PathLike[str] | None = None,
    setting: Setting = DEFAULT_SETTING,
    method: str = "auto",
    time_limit: float | None = None,
) -> Fit:
    """Find the configuration of least loss that fits ROM and RAM, and what the rule finds.

    Parameters
    ----------
    network
        The network.
    rom, ram
        Bytes, or text such as ``"2MB"`` or ``"512KiB"``; None for no limit.
    loss, sensitivities, setting
        As in `mpsolve.mcu.mcu_problem`.
    method
        An exact method, or `RULE` for the rule alone.
    time_limit
        Wall seconds for an exact method.

    Raises
    ------
    InputError
        If a limit is not understood, or the sensitivities are not those of the network.
    """
    began = time.perf_counter()
    rom, ram = byte_limit("rom", rom), byte_limit("ram", ram)
    problem = mcu_problem(
        network, rom, ram, loss=loss, sensitivities=sensitivities, setting=setting
    )
    rule = _rule(problem, network, rom, ram, setting)
    least = usage(network, fewest_bits(network, setting), setting)
    if method != RULE:
        solution = solve(problem, method, time_limit=time_limit)
    elif ram is not None and least.ram > ram:
        solution = replace(rule, status=Status.INFEASIBLE)  # no other rule could do better
    elif rom is not None and least.rom > rom and not problem.pairwise:
        solution = replace(rule, status=Status.INFEASIBLE)
    else:
        solution = rule
    seconds = time.perf_counter() - began
    return Fit(network, rom, ram, setting, problem, solution, rule, least, seconds)


def rule_fits(rule: Solution) -> bool:
    """Whether the memory-driven rule ended within both limits."""
    return rule.status is Status.FEASIBLE


def usage(network: Network, configuration: Configuration, setting: Setting) -> Usage:
    """What a configuration takes."""
    peak = peak_ram(network, configuration, setting.rules)
    weight_bits = sum(layer.weights * configuration[layer.name].b_wt for layer in network.layers)
    bits = tensor_bits(network, configuration, setting.rules)
    elements = {tensor: network.elements(tensor) for tensor in bits}
    return Usage(
        rom_total(network, configuration, setting.scheme, setting.rules),
        peak.bytes,
        peak.node,
        peak.tensors,
        weight_bits / network.weights,
        sum(bits[t] * size for t, size in elements.items()) / sum(elements.values()),
    )


def fewest_bits(network: Network, setting: Setting) -> Configuration:
    """The configuration with the fewest bits that every layer may have."""
    return Configuration(
        {
            name: Precision(widths[0], setting.bits[0])
            for name, widths in input_widths(network, setting).items()
        }
    )


def _rule(
    problem: Problem, network: Network, rom: int | None, ram: int | None, setting: Setting
) -> Solution:
    """The answer of the memory-driven rule, evaluated on the numbers of the problem."""
    began = time.perf_counter()
    known: dict[str, Any] = {
        "budgets": dict(problem.budgets),
        "loss_name": problem.loss_name,
        "units": dict(problem.units),
        "provenance": problem.provenance,
        "source": problem.source,
    }
    try:
        found = memory_driven(
            network, rom, ram, setting.scheme, bits=setting.bits, rules=setting.rules
        )
    except InfeasibleError as error:
        seconds = time.perf_counter() - began
        return Solution(Status.FAILED, RULE, reason=str(error), seconds=seconds, **known)
    choice = problem.choice(found)
    judged = evaluate(problem, choice)
    return Solution(
        Status.FEASIBLE if judged.feasible else Status.FAILED,
        RULE,
        configuration=found,
        choice=choice,
        loss=judged.loss,
        costs=judged.costs,
        reason="; ".join(judged.violations),
        seconds=time.perf_counter() - began,
        **known,
    )
