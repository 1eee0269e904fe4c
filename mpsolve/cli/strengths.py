"""``--strength``, the weights of the regulariser of a search: one or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OPTION = "--strength"

strength_option = click.option(
    OPTION,
    "strengths",
    metavar="NUMBER...",
    multiple=True,
    help="The weight of the regulariser, of Bayesian Bits unless another method is named; "
    "several with spaces or commas.  [default: those of the recipe]",
)


class StrengthCommand(click.Command):
    """A command whose option ``--strength`` may be followed by several numbers."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option before every further number."""
        return super().parse_args(ctx, list(_repeated(args)))


def _repeated(args: Iterable[str]) -> Iterator[str]:
    value_follows = several = False
    for arg in args:
        if several and not value_follows and _is_number(arg):
            yield OPTION
        elif not value_follows:
            several = arg == OPTION or arg.startswith(f"{OPTION}=")
        value_follows = not value_follows and arg == OPTION
        yield arg


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def numbers(texts: Iterable[str]) -> tuple[float, ...]:
    """The strengths that were written.

    Raises
    ------
    InputError
        If one is no number from 0 on, or is given twice.
    """
    found: list[float] = []
    for text in (part.strip() for whole in texts for part in whole.split(",")):
        number = float(text) if _is_number(text) else -1.0
        if not 0 <= number < float("inf"):
            raise InputError(f"{OPTION} {text}: write numbers from 0 on, such as 0.01 0.03.")
        if number in found:
            raise InputError(f"{OPTION} {text} is given twice.")
        found.append(number)
    return tuple(found)
