"""``mpsolve bench``, which is loaded when it is called: its packages are a further extra."""

from __future__ import annotations

import click


class LazyGroup(click.Group):
    """The commands of `mpsolve.bench.cli`."""

    def _loaded(self) -> click.Group:
        from mpsolve.bench.cli import bench

        return bench

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return self._loaded().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them."""
        return self._loaded().get_command(ctx, cmd_name)


@click.command(cls=LazyGroup)
def bench() -> None:
    """Measure every method, heuristic, general solver and peer on the same instances."""
