"""``python -m bench``: what ``mpsolve bench`` does, and the studies by their names."""

from __future__ import annotations

from importlib import import_module

import click

from bench.study import SETTINGS
from mpsolve.bench.cli import bench as harness
from mpsolve.cli.application import Application
from mpsolve.cli.output import write_error
from mpsolve.cli.status import BAD_INPUT, SOLVED

#: Module in this folder -> what it shows; the command in it has the same name.
STUDIES = {
    "brute_force": "Methods against complete enumeration, on random problems.",
    "compare": "The speed of this tree against another revision.",
    "cpu_table": "A network on this CPU: measured layers, proven choices, measured networks.",
    "haq_mcu": "Seven networks in 2 MB of ROM and 512 kB of RAM.",
    "mcu_digits": "Ways to fit a network into a microcontroller, fine-tuned on the digits.",
    "pulp_calibration": "The calibration of the model of PULP clusters, and its errors.",
    "rich": "Methods on problems with many constraints.",
    "training_speed": "How much slower training becomes with quantisers.",
}


class Bench(Application):
    """The commands of the harness, and studies that are loaded when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The harness, then the studies."""
        return [*harness.commands, *STUDIES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command of the harness, or a study."""
        if cmd_name not in STUDIES:
            return harness.get_command(ctx, cmd_name)
        module = import_module(f"bench.{cmd_name}")
        if hasattr(module, "__path__"):
            module = import_module(f"bench.{cmd_name}.__main__")
        study: click.Command = getattr(module, cmd_name)
        return study

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What a study needs may not be installed, so none is loaded for this."""
        with formatter.section("Harness"):
            commands = harness.commands.values()
            formatter.write_dl([(str(c.name), c.get_short_help_str(80)) for c in commands])
        with formatter.section("Studies"):
            formatter.write_dl([*STUDIES.items()])


@click.group(cls=Bench, context_settings=SETTINGS, invoke_without_command=True)
@click.pass_context
def bench(ctx: click.Context) -> int:
    """Measure every method on the same instances, or run a study."""
    if ctx.invoked_subcommand is None:
        write_error(ctx.get_help())
        return BAD_INPUT
    return SOLVED


if __name__ == "__main__":
    bench.main(prog_name="python -m bench")
