"""A latency table as it is built, whatever it was read from."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from mpsolve import LatencyTable, Precision, TableError

#: Two layers, the first with two candidates.
PARTS: dict[str, Any] = {
    "layers": ("conv", "fc"),
    "offsets": np.array([0, 2, 3]),
    "precisions": (Precision(8, 8), Precision(8, 4), Precision(8, 8)),
    "columns": {"latency": np.array([9, 12, 5])},
}


def test_slower_low_precisions_are_normal() -> None:
    """8b/4b may be slower than 8b/8b; integers stay integers."""
    table = LatencyTable(**PARTS)
    assert table.columns["latency"].dtype == np.int64
    assert table.layer_of(1) == "conv"
    assert table.layer_of(2) == "fc"
    assert repr(table) == "<LatencyTable table: 2 layers, 3 candidates, unstated; latency>"


def test_nothing_can_be_changed_afterwards() -> None:
    """Arrays are read-only and do not share memory with what was given."""
    given = np.array([9, 12, 5])
    table = LatencyTable(**PARTS | {"columns": {"latency": given}})
    given[0] = 1
    assert table.columns["latency"][0] == 9
    with pytest.raises(ValueError, match="read-only"):
        table.columns["latency"][0] = 1


def test_tables_pickle_and_copy() -> None:
    """Other processes receive the same table."""
    table = LatencyTable(**PARTS)
    for twin in (pickle.loads(pickle.dumps(table)), copy.deepcopy(table)):
        assert twin.layers == table.layers
        assert twin.columns["latency"].tolist() == [9, 12, 5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": (), "offsets": [0]}, "the table is empty"),
        ({"layers": ("fc", "fc")}, "layer fc occurs twice"),
        ({"offsets": [0, 2, 4]}, "offsets do not fit 2 layers"),
        ({"offsets": [0, 3, 3]}, "layer fc has no candidate"),
        ({"precisions": (Precision(8, 8),) * 3}, "layer conv has 8b/8b twice"),
        ({"columns": {"latency": np.array([1, 2])}}, "column latency needs one number for each"),
        ({"columns": {"latency": np.array(["a", "b", "c"])}}, "column latency needs one number"),
        ({"columns": {"latency": np.array([1.0, np.nan, 2.0])}}, "conv at 8b/4b is not a finite"),
        ({"columns": {"latency": np.array([1, 2, -3])}}, "layer fc at 8b/8b is negative: -3"),
        ({"layer_types": ("conv",)}, "layer_types needs one entry for each layer"),
        ({"tie_groups": ("a", "b", "c")}, "tie_groups needs one entry for each layer"),
        ({"b_in_groups": ("a",)}, "b_in_groups needs one entry for each layer"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], message: str) -> None:
    """One sentence names the table and the layer or column."""
    with pytest.raises(TableError, match=message):
        LatencyTable(**PARTS | changes)


def test_other_columns_may_be_negative() -> None:
    """A loss or a difference may be negative; a latency may not."""
    columns = {"latency": np.array([9, 12, 5]), "drift": np.array([-1.0, 0.0, 2.0])}
    assert LatencyTable(**PARTS | {"columns": columns}).columns["drift"][0] == -1
