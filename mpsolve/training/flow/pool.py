"""Running pieces of work, several at once, each until it is complete."""

from __future__ import annotations

import json
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection, get_context, parent_process
from queue import Empty
from typing import TYPE_CHECKING, Any, Protocol, Self

from mpsolve.errors import InputError
from mpsolve.storage.atomic import write_text, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from pathlib import Path
    from types import TracebackType

RESULT = "result.json"
#: What part of a task is worth a message.
STEP = 0.01
#: Seconds between two looks at what the processes tell.
PAUSE = 0.2


@dataclass(frozen=True)
class Task:
    """A piece of work.

    Attributes
    ----------
    name
        What it is, in a few words.
    folder
        Where it keeps what it has; ``result.json`` when it is complete.
    work
        A function of a module that is given ``arguments``, the folder, and a function that it may
        tell what part of it is done, from 0 to 1; it returns plain data, or None if it was
        interrupted.
    arguments
        What else it needs; they go to another process.
    """

    name: str
    folder: Path
    work: Callable[..., dict[str, Any] | None]
    arguments: tuple[Any, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether there is a result."""
        return (self.folder / RESULT).exists()

    def result(self) -> dict[str, Any]:
        """The result of a complete task."""
        file = self.folder / RESULT
        try:
            plain = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise InputError(f"{file} cannot be read; remove it to repeat {self.name}.") from None
        return dict(plain)

    def run(self, tell: Callable[[float], None]) -> bool:
        """Do the work; whether it is complete."""
        result = self.work(*self.arguments, self.folder, tell)
        if result is None:
            return False
        write_json(self.folder / RESULT, result)
        return True


class Display(Protocol):
    """What shows people how far the work has come."""

    def phase(self, name: str, done: int, total: int) -> None:
        """So many of so many tasks are complete."""

    def tell(self, task: str, part: float | None) -> None:
        """What part of a task is done, from 0 to 1; None when it ends."""


class Pool:
    """Runs tasks in so many processes; a single one is this process.

    A process ends when this one is gone, however that came about. Ctrl-C ends them after their
    present batch.
    """

    def __init__(self, jobs: int, display: Display | None = None) -> None:
        self.jobs, self.display = jobs, display
        self._executor: ProcessPoolExecutor | None = None
        context = get_context("spawn")
        self._messages: Any = context.Queue() if jobs > 1 else None
        self._stop: Any = context.Event() if jobs > 1 else None
        self._context = context

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._executor:
            self._stop.set()
            self._executor.shutdown(cancel_futures=True)

    def run(self, phase: str, tasks: Sequence[Task]) -> list[dict[str, Any]]:
        """Complete all tasks and return their results.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C, when everything has been kept.
        """
        left = [task for task in tasks if not task.complete]
        self._tell_phase(phase, len(tasks) - len(left), len(tasks))
        if left and self.jobs == 1:
            self._run_here(phase, left, len(tasks))
        elif left:
            self._run_there(phase, left, len(tasks))
        return [task.result() for task in tasks]

    def _run_here(self, phase: str, left: Sequence[Task], total: int) -> None:
        for number, task in enumerate(left, total - len(left) + 1):
            if not task.run(partial(self._tell, task.name)):
                raise KeyboardInterrupt
            self._tell(task.name, None)
            self._tell_phase(phase, number, total)

    def _run_there(self, phase: str, left: Sequence[Task], total: int) -> None:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self.jobs, self._context, _begin, (self._messages, self._stop)
            )
        waiting = {self._executor.submit(_run, task): task for task in left}
        try:
            done = total - len(left)
            while waiting:
                complete, _ = wait(waiting, PAUSE, FIRST_COMPLETED)
                self._hear({task.name for task in waiting.values()})
                for future in complete:
                    if not self._completed(future):
                        raise KeyboardInterrupt
                    done += 1
                    self._tell(waiting.pop(future).name, None)
                    self._tell_phase(phase, done, total)
        except BaseException:
            self._stop.set()
            for future in waiting:
                future.cancel()
            raise

    def _completed(self, future: Future[bool]) -> bool:
        try:
            return future.result()
        except BrokenProcessPool:
            raise InputError(
                "A process ended abruptly, perhaps for lack of memory; the same command goes on, "
                "and --jobs 1 needs the least memory."
            ) from None

    def _hear(self, running: set[str]) -> None:
        """Pass on what the processes tell; what arrives after the end of a task is late."""
        with suppress(Empty):
            while True:
                name, part = self._messages.get_nowait()
                if name in running:
                    self._tell(name, part)

    def _tell(self, task: str, part: float | None) -> None:
        if self.display:
            self.display.tell(task, part)

    def _tell_phase(self, phase: str, done: int, total: int) -> None:
        if self.display:
            self.display.phase(phase, done, total)


def write_json(path: Path, plain: Any) -> None:
    """Replace a file, all of it or nothing."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(plain, indent=2) + "\n")


# In the processes.

_messages: Any = None
_stop: Any = None


def _begin(messages: Any, stop: Any) -> None:
    global _messages, _stop
    _messages, _stop = messages, stop
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C goes to the first process alone, which says so here
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _run(task: Task) -> bool:
    told, interrupted = -1.0, False

    def tell(part: float) -> None:
        nonlocal told, interrupted
        if part >= told + STEP:
            told = part
            _messages.put((task.name, part))
        if _stop.is_set() and not interrupted:
            interrupted = True
            _interrupt()

    return not _stop.is_set() and task.run(tell)


def _interrupt() -> None:
    """Ctrl-C for whoever heeds it; else an exception."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)
