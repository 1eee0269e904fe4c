"""The comparison on problems with many constraints runs, on one of them."""

from __future__ import annotations

import pytest

from bench import rich


def test_rich_problems_are_timed_and_compared() -> None:
    """One problem of 53 nodes: both methods prove the same optimum, and the table has a row."""
    pytest.importorskip("scipy")
    methods = ["lagrangian", "highs"]
    result = rich.measure(53, "tight", 0, methods, 30.0)
    assert (result.wrong, result.unfinished) == ((), ())
    (row,) = rich.table([result], methods).rows
    assert row[:2] == ("53", "tight")
    assert "1 problems: 0 wrong answers, 0 unfinished" in rich.summary([result])
