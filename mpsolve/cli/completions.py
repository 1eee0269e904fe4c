"""What the shell offers when the tab key is pressed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

#: Files that can be tables; any other can still be written out.
SUFFIXES = (".csv", ".json", ".parquet")


def complete_tables(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Bundled tables and the table files of the directory; any file where no table fits."""
    from mpsolve.profiles.bundled import bundled_tables

    files = (str(p) for p in Path().iterdir() if p.suffix in SUFFIXES)
    found = [
        CompletionItem(table.name, help=f"{table.layers} layers, {table.provenance}")
        for table in bundled_tables()
        if table.name.startswith(incomplete)
    ]
    found += [CompletionItem(name) for name in sorted(files) if name.startswith(incomplete)]
    return found or complete_files(ctx, parameter, incomplete)


def complete_networks(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Networks that are known by name and the files of the directory that can hold one."""
    from mpsolve.profiles.networks.load import SUFFIXES as suffixes
    from mpsolve.profiles.networks.named import named_networks

    files = (str(p) for p in Path().iterdir() if p.suffix in suffixes)
    found = [
        CompletionItem(network.name, help=network.description)
        for network in named_networks()
        if network.name.startswith(incomplete)
    ]
    found += [CompletionItem(name) for name in sorted(files) if name.startswith(incomplete)]
    return found or complete_files(ctx, parameter, incomplete)


def complete_files(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Files, as the shell completes them."""
    return [CompletionItem(incomplete, type="file")]


def complete_targets(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Named targets; files where none fits."""
    from mpsolve.profiles.targets.registry import TARGETS

    return _matching(TARGETS, incomplete) or complete_files(ctx, parameter, incomplete)


def complete_methods(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Method names; of a list with commas, the last one."""
    from mpsolve.cli.methods import known_methods

    done, comma, _ = incomplete.rpartition(",")
    return _matching((f"{done}{comma}{name}" for name in known_methods()), incomplete)


def complete_losses(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Proxies, and the column that holds measured sensitivities."""
    from mpsolve.building.proxies import DEFAULT_COLUMN, PROXIES

    return _matching((DEFAULT_COLUMN, *PROXIES), incomplete)


def _matching(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
