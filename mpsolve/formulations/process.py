"""Workers as seen from the user's process: started when needed, kept, ended when they overstay."""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from mpsolve.errors import MpsolveError
from mpsolve.formulations.worker import kill_group, read_message, write_message

if TYPE_CHECKING:
    from mpsolve.formulations.task import Hear, Report, Task

#: Seconds between two looks at the clock while a worker is silent.
PATIENCE = 0.5
#: What a back end may take beyond its deadline: at least so many seconds, or this part of it.
GRACE_SECONDS, GRACE_PART = 2.0, 0.2


class Worker:
    """A process that serves the tasks of one back end, one after the other."""

    def __init__(self, family: str) -> None:
        self.family = family
        self._folder = tempfile.mkdtemp(prefix="mpsolve-")
        paths = [os.path.abspath(path) for path in sys.path]
        # What a solver that is killed leaves behind lies in this folder too.
        temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), self._folder)
        module = "mpsolve.formulations.worker"
        try:
            with open(self._stderr, "wb") as stderr:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", module, family, self._folder],
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    start_new_session=True,
                    env={**os.environ, **temporary, "PYTHONPATH": os.pathsep.join(paths)},
                )
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    @property
    def _stderr(self) -> str:
        return os.path.join(self._folder, "stderr")

    @property
    def pid(self) -> int:
        """Process id, also of the group that it leads."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def ask(self, task: Task, hear: Hear, until: float) -> Report | None:
        """Have a task solved.

        Parameters
        ----------
        task
            The task.
        hear
            Called with every better choice and bound as it arrives.
        until
            The `time.monotonic` value at which to give up.

        Returns
        -------
        The report, or None if there was none in time.
        """
        messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        incoming = cast("BinaryIO", self._process.stdout)
        threading.Thread(target=_pump, args=(incoming, messages), daemon=True).start()
        try:
            write_message(cast("BinaryIO", self._process.stdin), task)
        except OSError:
            raise self._dead() from None
        while True:
            try:
                kind, *content = messages.get(timeout=PATIENCE)
            except queue.Empty:
                if time.monotonic() > until:
                    return None
                continue
            if kind == "done":
                return cast("Report", content[0])
            if kind == "error":
                raise content[0]
            if kind == "end":
                raise self._dead()
            hear(*((None, *content) if kind == "bound" else content))
            if time.monotonic() > until:
                return None

    def _dead(self) -> MpsolveError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        with open(self._stderr, errors="replace") as stderr:
            said = stderr.read().strip().splitlines()
        last = f": {said[-1]}" if said else ""
        return MpsolveError(
            f"The process of {self.family} ended unexpectedly with status "
            f"{self._process.returncode}{last}."
        )

    def end(self) -> None:
        """End the process and what it has started."""
        try:
            if self.alive:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    kill_group(self.pid)
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                cast("BinaryIO", stream).close()
        finally:  # also where Ctrl-C cuts the waiting short
            shutil.rmtree(self._folder, ignore_errors=True)


#: Workers without a task, by the process that started them: a fork must not share its parent's.
idle: dict[tuple[int, str], Worker] = {}


def run_in_worker(family: str, task: Task, hear: Hear) -> Report | None:
    """Have a task solved by the worker of a family, which is started if none is idle.

    Returns
    -------
    The report, or None if the back end overstayed its deadline and was ended.

    Raises
    ------
    MpsolveError
        If the back end failed; the message says how.
    """
    key = os.getpid(), family
    worker = idle.pop(key, None)
    if worker and not worker.alive:
        worker.end()
        worker = None
    worker = worker or Worker(family)
    try:
        report = worker.ask(task, hear, _until(task.deadline))
    except BaseException:
        worker.end()
        raise
    if report is None or idle.setdefault(key, worker) is not worker:
        worker.end()
    return report


def _until(deadline: float) -> float:
    """When a back end is ended that ought to have stopped at the deadline."""
    return deadline + max(GRACE_SECONDS, GRACE_PART * (deadline - time.monotonic()))


def _pump(incoming: BinaryIO, messages: queue.SimpleQueue[Any]) -> None:
    """Pass messages on until the one that ends a task."""
    kind = ""
    while kind not in ("done", "error", "end"):
        try:
            kind, *content = read_message(incoming)
        except Exception:
            kind, content = "end", []
        messages.put((kind, *content))


@atexit.register
def end_idle() -> None:
    """End the workers that this process has started and that have no task."""
    for process, family in list(idle):
        if process == os.getpid():
            idle.pop((process, family)).end()
