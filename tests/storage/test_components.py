"""Connected components, against the transitive closure."""

from __future__ import annotations

import numpy as np

from mpsolve.storage.components import components


def test_random_graphs() -> None:
    """Two items are in one component if and only if a power of the adjacency joins them."""
    rng = np.random.default_rng(3)
    for _ in range(50):
        count = int(rng.integers(1, 12))
        groups = [rng.integers(0, count, rng.integers(0, 4)).tolist() for _ in range(5)]
        reached = np.eye(count, dtype=int)
        for group in groups:
            reached[np.ix_(group, group)] = 1
        reached = np.linalg.matrix_power(reached, count) > 0
        expected = sorted({tuple(np.flatnonzero(row).tolist()) for row in reached})
        assert components(range(count), groups) == expected


def test_an_item_alone() -> None:
    """Nothing is joined, or nothing is there."""
    assert components("ab", []) == [("a",), ("b",)]
    assert components("", [""]) == []
