"""The comparison with complete enumeration runs, on very little."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import brute_force

if TYPE_CHECKING:
    import pytest


def test_brute_force_finds_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    """Fifty instances are compared and counted."""
    assert brute_force.compare(50, 0, "mckp", 6, 1) == 0
    assert brute_force.compare(50, 0, "lagrangian", 6, 2, pairwise=True) == 0
    assert "50 instances" in capsys.readouterr().out
