"""Pieces of work for other processes, which import them by name."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

from mpsolve import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def square(number: int, folder: Path, tell: Callable[[float], None]) -> dict[str, Any]:
    """Also say in which process, and how often it was done."""
    tell(0.25)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "done").open("a") as file:
        file.write("x")
    return {"square": number * number, "process": os.getpid()}


def refuse(folder: Path, tell: Callable[[float], None]) -> dict[str, Any]:
    """What bad input does."""
    raise InputError("Nothing is right.")


def vanish(folder: Path, tell: Callable[[float], None]) -> dict[str, Any]:
    """What lack of memory does."""
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def patient(folder: Path, tell: Callable[[float], None]) -> dict[str, Any] | None:
    """Work until somebody presses Ctrl-C, like training: keep what there is, return None."""
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "begun").touch()
        while not heard:
            tell(0)
            time.sleep(0.01)
        (folder / "kept").touch()
    finally:
        signal.signal(signal.SIGINT, before)
    return None


def endless(folder: Path, tell: Callable[[float], None]) -> dict[str, Any] | None:
    """Work that keeps itself step by step and heeds no signal."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "begun").write_text(str(os.getpid()))
    while True:
        tell(0)
        time.sleep(0.01)
