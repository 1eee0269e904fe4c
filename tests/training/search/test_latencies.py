"""The latencies of a table, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mpsolve import InputError
from mpsolve.model.precision import Precision
from mpsolve.profiles.table import LatencyTable
from mpsolve.training import Fixed, Gates, SearchedLayer
from mpsolve.training.search.latencies import latencies_of

LAYERS = [
    SearchedLayer("a", 10, Fixed(8), Gates((2, 4, 8))),
    SearchedLayer("b", 20, Gates((4, 8)), Gates((2, 8))),
]


def table(leave_out: object = None, **settings: Any) -> LatencyTable:
    """Latencies 100 b_in + b_wt of two layers, in the order of nothing in particular."""
    precisions = [Precision(a, w) for w in (8, 2, 4) for a in (4, 8)]
    rows = [(n, p) for n in ("b", "a") for p in precisions if (n, p) != leave_out]
    first = sum(name == "b" for name, _ in rows)
    columns = {"latency": [100 * p.b_in + p.b_wt for _, p in rows]}
    values: dict[str, Any] = {
        "layers": ("b", "a"),
        "offsets": np.array([0, first, len(rows)]),
        "precisions": tuple(p for _, p in rows),
        "columns": columns,
    }
    return LatencyTable(**values | settings)


def test_rows_are_activations_and_columns_weights() -> None:
    """In the order of the precisions that the search may choose."""
    found = latencies_of(LAYERS, table())
    np.testing.assert_array_equal(found["a"], [[802, 804, 808]])
    np.testing.assert_array_equal(found["b"], [[402, 408], [802, 808]])


def test_what_is_missing_is_said() -> None:
    """A precision, a layer, or the latencies."""
    with pytest.raises(InputError, match="layer b has no latency in 4b/8b, which the search"):
        latencies_of(LAYERS, table(("b", Precision(4, 8))))
    with pytest.raises(InputError, match="table has no layer c"):
        latencies_of([SearchedLayer("c", 1, Fixed(8), Fixed(8))], table())
    with pytest.raises(InputError, match="no column latency"):
        latencies_of(LAYERS, table(columns={"energy": np.arange(12)}))
