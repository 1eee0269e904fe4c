"""One network within its limits: the optimum, the memory-driven rule, and what both use."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from bench.haq_mcu.setting import SCHEME, haq_mcu_problem
from mpsolve.errors import InfeasibleError
from mpsolve.heuristics.memory_driven import memory_driven
from mpsolve.model.evaluation import evaluate
from mpsolve.model.solution import Status
from mpsolve.profiles.memory import best_order, peak_ram, rom_total
from mpsolve.profiles.networks import named_network
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.solving.solve import solve

if TYPE_CHECKING:
    from bench.haq_mcu.setting import Case, Limits
    from mpsolve.model.configuration import Configuration
    from mpsolve.model.problem import Problem
    from mpsolve.profiles.networks import Network

#: Optima of two methods may differ by so much of the loss.
AGREEMENT = 1e-9


@dataclass(frozen=True, slots=True)
class Answer:
    """A configuration in the figures of the paper.

    Attributes
    ----------
    loss
        The proxy.
    weights
        32 bits per weight over the bits of all weights, without biases and tables.
    activations
        Mean of 32 / b_in over the layers: one activation tensor each, the network's input
        included, and small ones count as much as large ones.
    elements
        32 bits per activation over the bits of the same tensors.
    rom, ram, node
        Bytes, and the node where activations need the most.
    configuration
        The bits of every layer, ``{layer: [b_in, b_wt]}``.
    """

    loss: float
    weights: float
    activations: float
    elements: float
    rom: int
    ram: int
    node: str
    configuration: dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Result:
    """What is known about a network within its limits.

    Attributes
    ----------
    case, loss, limits
        The problem.
    rows
        RAM rows that may bind.
    eight_bits
        Peak of RAM with all activations in 8 bits, and its node.
    optimum
        The proven optimum, or None if there is no assignment.
    method, seconds
        How it was found.
    checked_by
        Another exact method with the same optimum.
    rule
        What the memory-driven rule ends with, or None if above a limit.
    remarks
        Why there is no optimum or no answer of the rule, and what would help.
    """

    case: Case
    loss: str
    limits: Limits
    rows: int
    eight_bits: tuple[int, str]
    optimum: Answer | None
    method: str
    seconds: float
    checked_by: str
    rule: Answer | None
    remarks: tuple[str, ...]

    @property
    def gap(self) -> float | None:
        """(loss of the rule - optimum) / optimum, as `mpsolve compare` measures it."""
        if self.rule is None or self.optimum is None:
            return None
        return (self.rule.loss - self.optimum.loss) / self.optimum.loss

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {"gap": self.gap}


def run(case: Case, loss: str, limits: Limits, check: str = "") -> Result:
    """Solve one case, run the rule on it, and say what either cannot do.

    Parameters
    ----------
    case, loss, limits
        The problem.
    check
        A second exact method that must find the same optimum; empty for none.
    """
    network = named_network(case.network)
    problem = haq_mcu_problem(network, loss, limits)
    solution = solve(problem)
    optimum, remarks = None, []
    if solution.status is Status.OPTIMAL and solution.configuration is not None:
        optimum = answer(network, problem, solution.configuration)
        if check:
            _check(problem, check, optimum.loss)
    else:
        message = solution.conflict.message if solution.conflict else solution.status.meaning
        remarks = [message, *relaxations(network, loss, limits)]
    rule = None
    try:
        rule = answer(network, problem, memory_driven(network, limits.rom, limits.ram, SCHEME))
    except InfeasibleError as error:
        remarks.append(str(error))
    whole = peak_ram(network, problem.configuration(_widest(problem)))
    return Result(
        case,
        loss,
        limits,
        len(problem.constraints),
        (whole.bytes, whole.node),
        optimum,
        solution.method,
        solution.seconds,
        check if optimum else "",
        rule,
        tuple(remarks),
    )


def answer(network: Network, problem: Problem, configuration: Configuration) -> Answer:
    """The figures of a configuration."""
    chosen = [(layer, configuration[layer.name]) for layer in network.layers]
    peak = peak_ram(network, configuration)
    weight_bits = sum(layer.weights * p.b_wt for layer, p in chosen)
    inputs = [(layer.layer_types[0].inputs, p.b_in) for layer, p in chosen]
    return Answer(
        evaluate(problem, problem.choice(configuration)).loss,
        32 * network.weights / weight_bits,
        fmean(32 / bits for _, bits in inputs),
        32 * sum(size for size, _ in inputs) / sum(size * bits for size, bits in inputs),
        rom_total(network, configuration, SCHEME),
        peak.bytes,
        peak.node,
        {layer.name: [p.b_in, p.b_wt] for layer, p in chosen},
    )


def relaxations(network: Network, loss: str, limits: Limits) -> list[str]:
    """Whether another order, adders in place or narrow adders would make a problem feasible."""
    order = best_order(network)
    tried = {
        f"the best order of execution ({'proven' if order.proven else 'not proven'})": {
            "order": order.nodes
        },
        "adders in place": {"in_place": ("add",)},
        "adders and products in place": {"in_place": ("add", "mul")},
        "adders of any width": {"rules": Rules(adder_bits=None)},
    }
    sentences = []
    for what, relaxation in tried.items():
        relaxed = haq_mcu_problem(network, loss, limits, **relaxation)  # type: ignore[arg-type]
        helps = solve(relaxed, explain=False).status is Status.OPTIMAL
        sentences.append(f"With {what}, there is {'an' if helps else 'no'} assignment.")
    return sentences


def _check(problem: Problem, method: str, loss: float) -> None:
    """Compare with another exact method; a difference is an error of this library."""
    other = solve(problem.replace(), method)
    if other.loss is None or abs(other.loss - loss) > AGREEMENT * loss:
        raise AssertionError(f"{problem.source}: {method} finds {other.loss}, and not {loss}.")


def _widest(problem: Problem) -> Any:
    """The choice of the last candidate of every layer, 8b/8b."""
    return problem.offsets[1:] - problem.offsets[:-1] - 1
