"""What the command lines of all studies share: lists, options, and where results go.

A study is a click command in its own module, which `run` makes a program, and one entry in the
list of `bench.__main__`. One that has lists takes options alone.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, fields
from functools import wraps
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from mpsolve.cli.application import Application
from mpsolve.cli.output import print_json, print_report, write_file
from mpsolve.report.tables.text import new_table
from mpsolve.storage.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.table import Table as RichTable

    from mpsolve.bench.report.page import Table
    from mpsolve.cli.output import Part

F = TypeVar("F", bound="Callable[..., Any]")

#: Of every group of commands.
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_WORDS = "bench.words"


class Several(click.Option):
    """An option with a list: values with spaces or commas between them, or the option again."""

    def __init__(self, *names: Any, **settings: Any) -> None:
        super().__init__(*names, **settings | {"multiple": True})


class Study(click.Command):
    """A command with lists, which remembers what was written for the pages that name it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option of a list before each of its values."""
        ctx.meta[_WORDS] = tuple(args)
        lists = {name for p in self.params if isinstance(p, Several) for name in p.opts}
        repeated, option = [], ""
        for word in args:
            value = word
            if word.startswith("-"):
                option, _, value = word.partition("=")
            if option not in lists:
                repeated.append(word)
            else:
                repeated += [f"{option}={part}" for part in value.split(",") if part]
        empty = lists.intersection(args).difference(w.partition("=")[0] for w in repeated)
        if empty:
            ctx.fail(f"{empty.pop()} needs a value.")
        return super().parse_args(ctx, repeated)


def command_line() -> str:
    """The command that is running, as a page may name it."""
    ctx = click.get_current_context()
    return f"python -m bench.{ctx.info_name} {shlex.join(ctx.meta[_WORDS])}".rstrip()


def run(study: click.Command) -> NoReturn:
    """Be the program that a study is; errors are one sentence, as those of ``mpsolve`` are."""
    assert study.name is not None
    application = Application(commands={study.name: study}, context_settings=SETTINGS)
    sys.exit(application.main([study.name, *sys.argv[1:]], "python -m bench"))


def seeds_option(default: int) -> Callable[[F], F]:
    """``--seeds``, a count as in ``mpsolve bench run``."""
    return click.option(
        "--seeds",
        type=click.IntRange(1),
        default=default,
        show_default=True,
        help="How many, from 0 on.",
    )


jobs_option = click.option(
    "--jobs", type=click.IntRange(1), help="Processes side by side.  [default: one per core]"
)
quick_option = click.option("--quick", is_flag=True, help="Leave out what takes long.")


@dataclass(frozen=True)
class Wanted:
    """Where results go.

    Attributes
    ----------
    as_json
        Print JSON and nothing else.
    output
        Also write JSON to this file.
    markdown, plot
        Also write a page, and draw a picture.
    """

    as_json: bool = False
    output: Path | None = None
    markdown: Path | None = None
    plot: Path | None = None


def _file(name: str, text: str, *short: str) -> Callable[[F], F]:
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option(*short, f"--{name}", type=kind, metavar="FILE", help=text)


markdown_option = _file("markdown", "Also write the tables into this page.")


def results_options(*, plot: bool = False) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """``--json``, ``--output`` and ``--markdown``, and ``--plot`` where there is a picture.

    The command gets them as one argument, ``wanted``.
    """

    def add(function: Callable[..., int]) -> Callable[..., int]:
        @wraps(function)
        def gathered(**given: Any) -> int:
            wanted = Wanted(**{f.name: given.pop(f.name, f.default) for f in fields(Wanted)})
            return function(**given, wanted=wanted)

        command: Callable[..., int] = gathered
        if plot:
            command = _file("plot", "Also draw the results, as SVG or PNG.")(command)
        command = markdown_option(command)
        command = _file("output", "Also write JSON to this file.", "-o")(command)
        flag = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
        return flag(command)

    return add


@dataclass(frozen=True)
class Findings:
    """Results in every form that may be wanted.

    Attributes
    ----------
    data
        Maps, lists and numbers.
    parts
        Tables and sentences for people.
    page
        Makes the text of a page from its path and from the picture's relative to it, or "".
    draw
        Draws the picture.
    """

    data: Any
    parts: Sequence[Part]
    page: Callable[[Path, str], str]
    draw: Callable[[Path], None] | None = None

    @classmethod
    def of(cls, data: Any, said: str, table: Table) -> Findings:
        """A sentence and a table, which are the whole page."""
        text = f"{said}\n\n{table.markdown()}\n"
        return cls(data, [said, for_people(table)], lambda *_: text)

    def deliver(self, wanted: Wanted) -> None:
        """Write and print what is wanted."""
        picture = ""
        if wanted.plot and self.draw:
            self.draw(wanted.plot)
            picture = relpath(wanted.plot, wanted.markdown.parent) if wanted.markdown else ""
        if wanted.markdown:
            write_text(str(wanted.markdown), self.page(wanted.markdown, picture))
        if wanted.output:
            write_file(str(wanted.output), self.data)
        if wanted.as_json:
            print_json(self.data)
        else:
            print_report(*self.parts)


def for_people(table: Table, title: str = "") -> RichTable:
    """A table for the terminal."""
    shown = new_table()
    shown.title, shown.title_justify = title or None, "left"
    for name in table.header:
        shown.add_column(name, justify="left" if name in table.left else "right")
    for row in table.rows:
        shown.add_row(*row)
    return shown
