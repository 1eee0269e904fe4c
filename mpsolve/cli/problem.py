"""From the options of a command to the problem that they pose."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from mpsolve.building.budgets import DEFAULT_REFERENCE, parse_budgets
from mpsolve.building.from_table import Request, posed
from mpsolve.building.homogeneous import homogeneous_choice
from mpsolve.cli.configurations import configuration_or_precision
from mpsolve.errors import InputError
from mpsolve.model.constraints import RELATIONS, Restriction, Tie
from mpsolve.model.precision import Precision

if TYPE_CHECKING:
    from mpsolve.building.ram import RamBudget
    from mpsolve.model.configuration import Configuration
    from mpsolve.model.constraints import Kind
    from mpsolve.model.problem import Problem
    from mpsolve.profiles.networks import Network
    from mpsolve.profiles.table import LatencyTable

_OPTION_OF: dict[Kind, str] = {
    "fixed": "--fix",
    "forbidden": "--forbid",
    "minimum": "--at-least",
    "maximum": "--at-most",
}


@dataclass(frozen=True, eq=False)
class Posed:
    """A problem, and what its report refers to.

    Attributes
    ----------
    problem
        The problem.
    reference
        The reference configuration or homogeneous precision; None if the layers lack it.
    ram
        The network's activations and the limit on them, if a network was named.
    """

    problem: Problem
    reference: Configuration | str | None
    ram: RamBudget | None = None

    def configuration(self, text: str, table: str) -> Configuration:
        """The configuration that a file, standard input or a homogeneous precision stands for.

        Parameters
        ----------
        text
            What was written.
        table
            How the table was named.
        """
        read = configuration_or_precision(text, table, self.problem.precisions)
        if not isinstance(read, str):
            return read
        return self.problem.configuration(homogeneous_choice(self.problem, read)[0])


def pose(
    table: str,
    *,
    loss: str | None = None,
    sensitivities: str | None = None,
    pairs: str | None = None,
    budgets: tuple[str, ...] = (),
    reference: str | None = None,
    ties: tuple[str, ...] = (),
    fixed: tuple[str, ...] = (),
    forbidden: tuple[str, ...] = (),
    minimum: tuple[str, ...] = (),
    maximum: tuple[str, ...] = (),
    target: str | None = None,
    network: str | None = None,
    costs: tuple[str, ...] = (),
) -> Posed:
    """Read the table and pose the problem; all arguments are the texts of the options.

    ``costs`` are columns that the command needs beside the usual ones.

    Raises
    ------
    InputError
        If any of them is not understood or does not fit the table.
    """
    limits = parse_budgets(budgets)
    loaded, graph = _loaded(table, target, network)
    wanted: dict[Kind, tuple[str, ...]] = {
        "fixed": fixed,
        "forbidden": forbidden,
        "minimum": minimum,
        "maximum": maximum,
    }
    given = reference and configuration_or_precision(reference, table, loaded.precisions)
    request = Request(
        loaded,
        loss,
        limits,
        reference=given or None,
        costs=costs,
        ties=[_tie(loaded, text) for text in ties],
        restrictions=[
            restriction
            for kind, texts in wanted.items()
            for text in texts
            for restriction in _restrictions(loaded, kind, text)
        ],
        sensitivities=sensitivities or None,
        pairs=pairs or None,
        network=graph,
    )
    problem, ram = posed(request)
    return Posed(problem, given or _default_reference(problem), ram)


def _loaded(
    table: str, target: str | None, network: str | None
) -> tuple[LatencyTable, Network | None]:
    """The table, read or profiled, and its network if one was named."""
    if target is None:
        from mpsolve.profiles.bundled import load_table
        from mpsolve.profiles.networks import load_network
        from mpsolve.profiles.networks.named import is_named_network

        if is_named_network(table) and not Path(table).exists():
            raise InputError(f"{table} is a network; say on which --target to profile it.")
        return load_table(table), load_network(network) if network else None
    if network is not None:
        raise InputError("With --target the table is profiled from a network; leave out --network.")
    from mpsolve.cli.profiling import profiled

    graph, made = profiled(table, target, silent=False)
    return made, graph


def matching_layers(table: LatencyTable, pattern: str, option: str) -> list[str]:
    """The layers that a name or a pattern with ``*``, ``?`` and ``[...]`` stands for.

    Raises
    ------
    InputError
        If there is none; the message suggests similar names.
    """
    if pattern in table.layers:
        return [pattern]
    if found := [layer for layer in table.layers if fnmatchcase(layer, pattern)]:
        return found
    close = get_close_matches(pattern, table.layers, n=3)
    hint = f"similar: {', '.join(close)}" if close else f"the first is {table.layers[0]}"
    raise InputError(f"{option} {pattern}: no layer of {table.source} matches; {hint}.")


def _tie(table: LatencyTable, text: str) -> Tie:
    names, _, relation = text.rpartition(":")
    if not names or relation not in RELATIONS:
        if names and relation not in table.layers and "," not in relation:
            hint = f"{relation!r} is not one of {', '.join(RELATIONS)}"
            if all(name.strip() in table.layers for name in names.split(",")):
                raise InputError(f"--tie {text}: {hint}.")
        names, relation = text, "precision"
    layers = [
        layer
        for name in names.split(",")
        for layer in matching_layers(table, name.strip(), "--tie")
    ]
    if len(set(layers)) < 2:
        raise InputError(f"--tie {text}: name two or more layers, separated by commas.")
    equal = next(known for known in RELATIONS if known == relation)
    return Tie(tuple(dict.fromkeys(layers)), equal)


def _restrictions(table: LatencyTable, kind: Kind, text: str) -> list[Restriction]:
    option = _OPTION_OF[kind]
    pattern, equals, bits = text.rpartition("=")
    if not equals or not pattern.strip() or not bits.strip():
        raise InputError(f"{option} {text}: write LAYER=PRECISION, such as {option} 'b0.*=8b/8b'.")
    precision = Precision.among(bits.strip(), table.precisions)
    layers = matching_layers(table, pattern.strip(), option)
    return [Restriction(layer, kind, precision) for layer in layers]


def _default_reference(problem: Problem) -> str | None:
    try:
        homogeneous_choice(problem, DEFAULT_REFERENCE)
    except InputError:
        return None
    return DEFAULT_REFERENCE
