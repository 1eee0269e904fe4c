"""The options that the commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from mpsolve.building.proxies import PROXIES
from mpsolve.cli.completions import (
    complete_files,
    complete_losses,
    complete_methods,
    complete_networks,
    complete_tables,
    complete_targets,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Command = TypeVar("Command", bound="Callable[..., Any]")


class Decorator(Protocol):
    """What `click.option` and `click.argument` return."""

    def __call__(self, command: Command, /) -> Command:
        """Attach the option to a command."""


_PROBLEM: tuple[Decorator, ...] = (
    click.argument("table", shell_complete=complete_tables),
    click.option(
        "--minimize",
        "--minimise",
        "loss",
        metavar="LOSS",
        shell_complete=complete_losses,
        help="What to minimise: a column of the table or a proxy "
        f"({', '.join(PROXIES)}).  [default: the column sensitivity, else the first proxy that "
        "the columns of the table allow]",
    ),
    click.option(
        "--sensitivities",
        metavar="FILE",
        shell_complete=complete_files,
        help="What to minimise: sensitivities of the layers, as mpsolve sensitivity writes them.",
    ),
    click.option(
        "--pairs",
        metavar="FILE",
        shell_complete=complete_files,
        help="What two layers add to the loss or to a cost together, as CSV: layer_a, b_in_a, "
        "b_wt_a, layer_b, b_in_b, b_wt_b, value and, unless it is the loss, cost.",
    ),
    click.option(
        "-b",
        "--budget",
        "budgets",
        metavar="COST=LIMIT",
        multiple=True,
        help="An upper limit on a summed cost; repeat for others. LIMIT is a number (3.2e6, "
        "3.2M), bytes (2MB, 512KiB), a time (1.5ms), 0.7x (of the reference) or 50% (of the way "
        "from the least achievable to the reference). rom is the memory for the weights, ram the "
        "peak of the activations, which needs --network or --target.",
    ),
    click.option(
        "--reference",
        metavar="FILE|PRECISION",
        help="The configuration that relative budgets and the report refer to.  [default: 8b/8b]",
    ),
    click.option(
        "--target",
        metavar="TARGET",
        shell_complete=complete_targets,
        help="Profile TABLE, which then is a network (see mpsolve networks), on this target (see "
        "mpsolve targets).",
    ),
    click.option(
        "--network",
        metavar="NETWORK",
        shell_complete=complete_networks,
        help="The network of the table, by name or file, whose activations are to fit the RAM.",
    ),
    click.option(
        "--tie",
        "ties",
        metavar="LAYER,LAYER[:b_in|:b_wt]",
        multiple=True,
        help="Layers that must take the same precision, or the same bit-width of inputs or "
        "weights.",
    ),
    click.option(
        "--fix",
        "fixed",
        metavar="LAYER=PRECISION",
        multiple=True,
        help="Give a layer this precision. LAYER may be a pattern such as 'b0.*' or '*' here and "
        "below.",
    ),
    click.option(
        "--forbid",
        "forbidden",
        metavar="LAYER=PRECISION",
        multiple=True,
        help="Never give a layer this precision.",
    ),
    click.option(
        "--at-least",
        "minimum",
        metavar="LAYER=PRECISION",
        multiple=True,
        help="Only precisions with at least these bits in both inputs and weights.",
    ),
    click.option(
        "--at-most",
        "maximum",
        metavar="LAYER=PRECISION",
        multiple=True,
        help="Only precisions with at most these bits in both inputs and weights.",
    ),
)

_RULES: tuple[Decorator, ...] = (
    click.option(
        "--adder-bits",
        metavar="BITS|free",
        default="8",
        show_default=True,
        help="Least input bits of layers that read what an adder reads or writes.",
    ),
    click.option(
        "--input-bits",
        metavar="BITS|free",
        default="8",
        show_default=True,
        help="Least input bits of layers that read the network's input.",
    ),
)

_PROFILE: tuple[Decorator, ...] = (
    *_RULES,
    click.option(
        "--separate-inputs",
        is_flag=True,
        help="Layers that read the same tensor need not share their input bits.",
    ),
    click.option(
        "--rom",
        metavar="SCHEME",
        help="What is stored beside the weights.",
    ),
    click.option(
        "--leave-out",
        is_flag=True,
        help="Leave out layers that the target cannot run.",
    ),
    click.option(
        "--store",
        metavar="FILE",
        shell_complete=complete_files,
        help="Append every measurement to this file; a run that was stopped goes on from it.",
    ),
)

_THREADS = click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Threads of the methods that use them.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
_QUIET = click.option(
    "-q", "--quiet", is_flag=True, help="Print errors and what --json asks for, nothing else."
)


def problem_options(command: Command) -> Command:
    """TABLE and everything else that poses the problem; see `mpsolve.cli.problem.pose`."""
    return _decorated(command, _PROBLEM)


def profile_options(command: Command) -> Command:
    """What decides how a network is profiled; see `mpsolve.cli.profiling.profiled`."""
    return _decorated(command, _PROFILE)


def rules_options(command: Command) -> Command:
    """What the graph asks of activations that one quantiser serves; see `graph_rules`."""
    return _decorated(command, _RULES)


def time_limit_option(default: float | None = None) -> Decorator:
    """``--time-limit``."""
    return click.option(
        "--time-limit",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        default=default,
        show_default=default is not None,
        help="Stop an exact method after this time and report its best answer and gap.",
    )


def output_options(command: Command) -> Command:
    """``--json`` and ``--quiet``."""
    return _decorated(command, (_JSON, _QUIET))


def threads_option(command: Command) -> Command:
    """``--threads``."""
    return _decorated(command, (_THREADS,))


def method_option(help_text: str) -> Decorator:
    """``--method`` for the commands that need an exact one."""
    return click.option(
        "--method",
        default="auto",
        show_default=True,
        shell_complete=complete_methods,
        help=help_text,
    )


def _decorated(command: Command, options: tuple[Decorator, ...]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
