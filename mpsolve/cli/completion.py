"""``mpsolve completion``: the script that completes commands, options and table names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from mpsolve.cli.output import write
from mpsolve.cli.status import SOLVED


@click.command(
    epilog="""\b
Examples:
  mpsolve completion bash > ~/.local/share/bash-completion/completions/mpsolve
  mpsolve completion zsh > ~/.zfunc/_mpsolve        (~/.zfunc in fpath, before compinit)
  mpsolve completion fish > ~/.config/fish/completions/mpsolve.fish
"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print the completion script for a shell.

    TABLE completes to files and bundled tables, --method and --methods to method names.
    """
    script = get_completion_class(shell)
    assert script is not None  # the argument is one of the shells that click knows
    program = ctx.find_root().command
    write(script(program, {}, "mpsolve", "_MPSOLVE_COMPLETE").source())
    return SOLVED
