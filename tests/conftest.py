"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Contended threads make small solves slower by orders of magnitude.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_SHARED_TABLES = Path(__file__).parents[2] / "shared" / "data" / "tables"


@pytest.fixture(scope="session")
def shared_tables() -> Path:
    """Folder of published latency tables beside the repository; without it the test is skipped."""
    if not _SHARED_TABLES.is_dir():
        pytest.skip("the published tables are not beside the repository (../shared/data/tables)")
    return _SHARED_TABLES
