"""``mpsolve targets``: what a network can be profiled on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from mpsolve.cli.completions import complete_targets
from mpsolve.cli.output import print_json, print_report
from mpsolve.cli.status import SOLVED
from mpsolve.errors import MissingDependencyError
from mpsolve.report.tables.text import new_table, plain

if TYPE_CHECKING:
    from mpsolve.profiles.targets.target import Target


@click.command(
    epilog="""\b
Examples:
  mpsolve targets
  mpsolve targets pulp8-xpulpnnv1-model
  mpsolve targets board.toml --json
"""
)
@click.argument("name", required=False, shell_complete=complete_targets)
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def targets(name: str | None, *, as_json: bool) -> int:
    """List the targets or, with NAME, say where its latencies come from and what it can be told.

    NAME is a target or a .toml file that describes one.
    """
    from mpsolve.profiles.targets.registry import TARGETS, load_target, target_options

    if name is not None:
        facts = _facts(load_target(name)) | {"options": target_options(name)}
        if as_json:
            print_json(facts)
        else:
            print_report(*(Text(f"{key}: {value}") for key, value in _spoken(facts).items()))
        return SOLVED
    listed = [_listed(known) for known in TARGETS]
    if as_json:
        print_json(listed)
        return SOLVED
    table = new_table()
    for header in ("target", "latencies", "unit"):
        table.add_column(header, no_wrap=True)
    table.add_column("what", overflow="fold")
    for facts in listed:
        table.add_row(*(plain(facts[k]) for k in ("name", "provenance", "unit", "description")))
    print_report(
        table, Text(), Text("A .toml file describes another one; mpsolve targets NAME says more.")
    )
    return SOLVED


def _facts(target: Target) -> dict[str, Any]:
    return {
        "name": target.name,
        "provenance": target.provenance.value,
        "unit": target.unit,
        "description": target.description,
        "source": target.source,
    }


def _listed(name: str) -> dict[str, Any]:
    """The facts of a target, or what it needs to be used here."""
    from mpsolve.profiles.targets.registry import load_target

    try:
        return _facts(load_target(name))
    except MissingDependencyError as error:
        return dict.fromkeys(("provenance", "unit", "source"), "") | {
            "name": name,
            "description": str(error),
        }


def _spoken(facts: dict[str, Any]) -> dict[str, str]:
    options = facts["options"]
    spoken = ", ".join(f"{option}={value}" for option, value in options.items())
    return {key: str(value) for key, value in facts.items() if key != "options"} | (
        {"options": spoken} if spoken else {}
    )
