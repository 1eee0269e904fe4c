"""Ctrl-C as a request that a loop grants when it is in order to do so."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import FrameType, TracebackType


class Interruption:
    """Within this context the first Ctrl-C is only noted; a second one interrupts at once.

    Outside the main thread, where Python delivers no signals, nothing changes.

    Attributes
    ----------
    requested
        Whether Ctrl-C was pressed.
    """

    def __init__(self, patient: bool = False) -> None:
        """With ``patient``, a second Ctrl-C does nothing: starters of many processes repeat it."""
        self.requested = False
        self._patient = patient
        self._previous: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested and not self._patient:
            raise KeyboardInterrupt
        self.requested = True
