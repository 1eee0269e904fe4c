"""A line on the terminal that shows how far a long search has come."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from mpsolve.model.solution import relative_gap
from mpsolve.report.tables import number, percentage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.text import Text

    from mpsolve.model.solution import Progress

#: Searches that are shorter than this many seconds show nothing.
DELAY = 0.5


class ProgressLine:
    """The state of the search that is shown.

    Attributes
    ----------
    label
        What is running.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self._began = time.monotonic()
        self._latest: Progress | None = None

    def update(self, progress: Progress) -> None:
        """Take note of a new state."""
        self._latest = progress

    def __str__(self) -> str:
        parts = [self.label, f"{time.monotonic() - self._began:.1f} s"]
        latest = self._latest
        if latest and latest.incumbent is not None:
            if latest.bound is not None:
                parts.append(f"gap {percentage(relative_gap(latest.incumbent, latest.bound))}")
            parts.append(f"incumbent {number(latest.incumbent)}")
        if latest and latest.bound is not None:
            parts.append(f"bound {number(latest.bound)}")
        return "  ".join([*parts, "(Ctrl-C stops)"])

    def render(self) -> Text:
        """The line, cut where the terminal ends."""
        from rich.text import Text

        return Text(str(self), no_wrap=True, overflow="ellipsis")


@contextmanager
def progress_line(label: str, *, silent: bool) -> Iterator[ProgressLine | None]:
    """Show a progress line on standard error while the body runs, if that is a terminal.

    Parameters
    ----------
    label
        What is running.
    silent
        Show nothing in any case.
    """
    if silent or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.live import Live

    line = ProgressLine(label)
    live = Live(
        console=Console(stderr=True),
        get_renderable=line.render,
        refresh_per_second=5,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    later = threading.Timer(DELAY, live.start)
    later.daemon = True
    later.start()
    try:
        yield line
    finally:
        later.cancel()
        later.join()
        live.stop()


@contextmanager
def following(label: str, *, silent: bool) -> Iterator[Callable[[object], None] | None]:
    """A progress line that says how far something has come: what its ``progress`` is told.

    Parameters
    ----------
    label
        What is running.
    silent
        As in `progress_line`.
    """
    with progress_line(label, silent=silent) as line:
        yield None if line is None else partial(_follow, line, label)


def _follow(line: ProgressLine, label: str, state: object) -> None:
    line.label = f"{label}: {state}"
