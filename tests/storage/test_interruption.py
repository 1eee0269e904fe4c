"""Ctrl-C outside of training."""

from __future__ import annotations

import signal
import threading

from mpsolve.storage.interruption import Interruption


def test_a_patient_one_notes_every_ctrl_c() -> None:
    """Starters of several processes hand on what their children have received already."""
    with Interruption(patient=True) as interruption:
        assert not interruption.requested
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert interruption.requested


def test_other_threads_leave_signals_alone() -> None:
    """Python would refuse to set a handler there."""
    seen: list[object] = []
    before = signal.getsignal(signal.SIGINT)

    def enter() -> None:
        with Interruption() as interruption:
            seen.append((signal.getsignal(signal.SIGINT), interruption.requested))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [(before, False)]
