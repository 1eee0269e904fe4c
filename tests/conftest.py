"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Contended threads make small solves slower by orders of magnitude.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

_SHARED_TABLES = Path(__file__).parents[2] / "shared" / "data" / "tables"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A process per processor; none where single files are named, which need no helpers."""
    files = all(Path(argument.partition("::")[0]).is_file() for argument in config.args)
    return 0 if files else os.cpu_count() or 1


@pytest.fixture(scope="session")
def shared_tables() -> Path:
    """Folder of published latency tables beside the repository; without it the test is skipped."""
    if not _SHARED_TABLES.is_dir():
        pytest.skip("the published tables are not beside the repository (../shared/data/tables)")
    return _SHARED_TABLES
