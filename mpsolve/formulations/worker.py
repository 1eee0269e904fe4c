"""The process in which a back end runs: reads tasks from standard input, writes reports.

Two solvers can share libraries that do not get along in one process, none of them can be relied
on to stop in time, and some print to standard output whatever they are told. In a process of
their own none of this reaches the user's.
"""

from __future__ import annotations

import os
import pickle
import queue
import shutil
import signal
import struct
import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO

from mpsolve.errors import MpsolveError

if TYPE_CHECKING:
    from mpsolve.typing import IntArray

_LENGTH = struct.Struct("<Q")


def write_message(stream: BinaryIO, message: Any) -> None:
    """Write one object."""
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    rest = memoryview(_LENGTH.pack(len(data)) + data)
    while rest:
        rest = rest[stream.write(rest) :]


def read_message(stream: BinaryIO) -> Any:
    """Read one object.

    Raises
    ------
    EOFError
        If the other end is closed.
    """
    (length,) = _LENGTH.unpack(_read(stream, _LENGTH.size))
    return pickle.loads(_read(stream, length))


def _read(stream: BinaryIO, length: int) -> bytes:
    parts = []
    while length:
        if not (part := stream.read(length)):
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def kill_group(process: int) -> None:
    """End a process and what it has started, where the system knows process groups."""
    if sys.platform == "win32":
        os.kill(process, signal.SIGTERM)
    else:
        os.killpg(process, signal.SIGKILL)


def module_of(family: str) -> str:
    """A module of `mpsolve.formulations`, or any other by its full name, up to a ``#``."""
    module, _, _ = family.partition("#")
    return module if "." in module else f"mpsolve.formulations.{module}"


def main(family: str, folder: str) -> None:
    """Serve tasks until standard input ends; the folder, which is ours, then goes too."""
    incoming, outgoing = _private_pipes()
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(incoming, tasks, folder), daemon=True).start()
    lock = threading.Lock()

    def send(*message: Any) -> None:
        with lock:
            write_message(outgoing, message)

    def hear(choice: IntArray | None, bound: float | None) -> None:
        send("bound", bound) if choice is None else send("incumbent", choice, bound)

    while True:
        task = tasks.get()
        try:
            send("done", import_module(module_of(family)).run(task, hear))
        except MpsolveError as error:
            send("error", error)
        except Exception as error:
            text = " ".join(str(error).split()) or "no message"
            send("error", MpsolveError(f"{family} failed: {type(error).__name__}: {text}"))


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take standard input and output away from everyone else."""
    incoming = os.fdopen(os.dup(0), "rb", buffering=0)
    outgoing = os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return incoming, outgoing


def _receive(incoming: BinaryIO, tasks: queue.SimpleQueue[Any], folder: str) -> None:
    """Pass tasks on; end everything as soon as nobody waits for an answer any more."""
    try:
        while True:
            tasks.put(read_message(incoming))
    except (EOFError, OSError):
        shutil.rmtree(folder, ignore_errors=True)
        kill_group(os.getpid())


if __name__ == "__main__":
    main(*sys.argv[1:])
