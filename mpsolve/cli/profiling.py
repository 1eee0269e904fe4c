"""From the options of a command to a network and its latency table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpsolve.cli.progress import progress_line
from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.networks.tensor_groups import Rules
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.profiles.targets.measured.end_to_end import Additivity
    from mpsolve.profiles.targets.target import Target


def profiled(
    network: str,
    target: str,
    *,
    silent: bool,
    adder_bits: str = "8",
    input_bits: str = "8",
    separate_inputs: bool = False,
    rom: str | None = None,
    leave_out: bool = False,
    store: str | None = None,
) -> tuple[Network, LatencyTable]:
    """The network that was named, and its table; all arguments are the texts of the options.

    Raises
    ------
    InputError
        If any of them is not understood, or the target cannot run the network.
    """
    from mpsolve.profiles.networks.load import load_network
    from mpsolve.profiles.targets.registry import load_target

    rules = graph_rules(adder_bits, input_bits, separate_inputs)
    graph, machine = load_network(network), load_target(target)
    others: dict[str, Any] = {"rom": rom, "leave_out": leave_out, "store": store}
    return graph, profile_network(graph, machine, rules, silent=silent, **others)


def profile_network(
    network: Network,
    target: Target,
    rules: Rules,
    *,
    silent: bool,
    rom: str | None = None,
    leave_out: bool = False,
    store: str | None = None,
) -> LatencyTable:
    """The table of a network, with a progress line.

    Raises
    ------
    InputError
        If the target cannot run the network.
    """
    from mpsolve.profiles.profile import DEFAULT_SCHEME, profile

    with progress_line("profiling", silent=silent) as line:

        def tell(done: int, total: int) -> None:
            if line:
                line.label = f"profiling {done} of {total}"

        return profile(
            network,
            target,
            rules=rules,
            rom=rom or DEFAULT_SCHEME,
            leave_out=leave_out,
            store=store,
            progress=tell,
        )


def check_checkable(target: str) -> None:
    """Refuse a target that cannot run whole networks."""
    if target.partition(":")[0] != "cpu":
        raise InputError(f"--check runs the whole network, and {target} computes layers alone.")


def checked_additivity(
    graph: Network, table: LatencyTable, target: str, store: str | None, *, silent: bool
) -> tuple[Additivity, ...]:
    """The whole network, measured at a few configurations, against the sums of its layers."""
    from mpsolve.profiles.targets.measured.conversions import measure_conversions
    from mpsolve.profiles.targets.measured.cpu import CpuTarget
    from mpsolve.profiles.targets.measured.end_to_end import additivity, usual_configurations
    from mpsolve.profiles.targets.registry import load_target

    machine = load_target(target)
    assert isinstance(machine, CpuTarget)  # `check_checkable`
    with progress_line("checking", silent=silent) as line:

        def tell(what: str, done: int, total: int) -> None:
            if line:
                line.label = f"checking {what}, {done} of {total}"

        costs = measure_conversions(machine, graph, store, tell)
        return additivity(graph, table, costs, usual_configurations(table), machine, tell)


def graph_rules(adder_bits: str, input_bits: str, separate_inputs: bool = False) -> Rules:
    """What the options ask of the activations.

    Raises
    ------
    InputError
        If a width is neither a number of bits nor ``free``.
    """
    from mpsolve.profiles.networks.tensor_groups import Rules

    return Rules(
        input_bits=_bits("--input-bits", input_bits),
        adder_bits=_bits("--adder-bits", adder_bits),
        share_inputs=not separate_inputs,
    )


def _bits(option: str, text: str) -> float | None:
    if text == "free":
        return None
    try:
        bits = float(text)
    except ValueError:
        bits = -1.0
    if not 0 < bits <= 64:
        raise InputError(f"{option} {text}: write a number of bits, or free.")
    return bits
