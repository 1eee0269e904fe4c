"""The program: its commands, and how errors become one sentence and an exit status."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from mpsolve.cli.bench import bench
from mpsolve.cli.candidates import candidates
from mpsolve.cli.compare import compare
from mpsolve.cli.completion import completion
from mpsolve.cli.export import export
from mpsolve.cli.finetune import finetune
from mpsolve.cli.flow import flow
from mpsolve.cli.front import front
from mpsolve.cli.haq import haq
from mpsolve.cli.import_ import import_
from mpsolve.cli.inspect import inspect
from mpsolve.cli.mcu import mcu
from mpsolve.cli.networks import networks
from mpsolve.cli.output import write_error
from mpsolve.cli.predictiveness import predictiveness
from mpsolve.cli.profile import profile
from mpsolve.cli.search import search
from mpsolve.cli.sensitivity import sensitivity
from mpsolve.cli.solve import solve
from mpsolve.cli.stability import stability
from mpsolve.cli.status import BAD_INPUT, INTERRUPTED, SOLVED
from mpsolve.cli.tables import tables
from mpsolve.cli.targets import targets
from mpsolve.cli.train import train
from mpsolve.cli.verify import verify
from mpsolve.errors import MpsolveError
from mpsolve.storage.optional import installed_version

if TYPE_CHECKING:
    from collections.abc import Sequence


class Application(click.Group):
    """A group of commands that answers every error with one sentence on standard error."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and exit with its status, or return it if not in standalone mode."""
        extra["windows_expand_args"] = windows_expand_args
        status = self._status(args, prog_name, complete_var, extra)
        if standalone_mode:
            sys.exit(status)
        return status

    def _status(
        self,
        args: Sequence[str] | None,
        prog_name: str | None,
        complete_var: str | None,
        extra: dict[str, Any],
    ) -> int:
        try:
            status = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            return int(status or SOLVED)
        except click.ClickException as error:
            sentence = error.format_message()
        except MpsolveError as error:
            sentence = str(error)
        except OSError as error:
            sentence = f"{error.filename or 'The system'}: {error.strerror or error}."
        except (click.Abort, KeyboardInterrupt):
            write_error("Interrupted.")
            return INTERRUPTED
        write_error(f"Error: {' '.join(sentence.split())}")
        return BAD_INPUT

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; a wrong name is answered with a similar one."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            names = self.list_commands(ctx)
            close = get_close_matches(args[0], names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}."
            ctx.fail(f"There is no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    click.echo(f"mpsolve {installed_version('mpsolve')}")
    ctx.exit()


@click.group(
    cls=Application,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  mpsolve solve mobilenet_v1_0.75/pulp8-xpulpnnv1 --budget latency=0.7x
  mpsolve compare latencies.csv --budget latency=3.2e6
  mpsolve front latencies.csv --plot front.png
  mpsolve candidates latencies.csv --budget latency=0.7x --within 1%
  mpsolve verify latencies.csv configuration.json --budget latency=3.2e6
  mpsolve profile model.onnx --target cpu -o latencies.csv
  mpsolve solve mobilenet_v2 --target pulp8-xpulpnnv2-model --budget latency=0.7x
  mpsolve mcu mobilenet_v1 --device stm32h7
  mpsolve search ds_cnn_small:runs/float --data digits --strength 0.01 0.03 -o configs
  mpsolve flow --network ds_cnn --data digits --target pulp8-xpulpnnv1-model -o out
""",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Print the version.",
)
@click.pass_context
def application(ctx: click.Context) -> int:
    """Choose the precision of every layer of a neural network exactly.

    A table of latencies per layer and precision, a loss, and budgets give the assignment of least
    loss, with a proof that none is better. Every command has its own --help with examples.
    """
    if ctx.invoked_subcommand is None:
        write_error(ctx.get_help())
        return BAD_INPUT
    return SOLVED


for _command in (
    solve,
    compare,
    front,
    candidates,
    verify,
    stability,
    networks,
    targets,
    profile,
    mcu,
    tables,
    inspect,
    import_,
    train,
    search,
    haq,
    sensitivity,
    predictiveness,
    finetune,
    export,
    flow,
    bench,
    completion,
):
    application.add_command(_command)
