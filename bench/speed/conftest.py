"""What every time is taken with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mpsolve
from mpsolve.bench.machine import one_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

one_thread()


def pytest_benchmark_update_json(
    config: object, benchmarks: Sequence[object], output_json: dict[str, Any]
) -> None:
    """Say which package it was that took the times."""
    output_json["package"] = mpsolve.__file__
