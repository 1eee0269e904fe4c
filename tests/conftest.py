"""Fixtures that several folders of tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

_SHARED_TABLES = Path(__file__).parents[2] / "shared" / "data" / "tables"


@pytest.fixture(scope="session")
def shared_tables() -> Path:
    """Folder of published latency tables beside the repository; without it the test is skipped."""
    if not _SHARED_TABLES.is_dir():
        pytest.skip("the published tables are not beside the repository (../shared/data/tables)")
    return _SHARED_TABLES
