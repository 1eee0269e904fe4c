"""Small tables and what it means for two tables to be equal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve.errors import TableError
from mpsolve.profiles import read_table

if TYPE_CHECKING:
    from mpsolve.profiles import LatencyTable

#: Two layers whose rows are not adjacent, integers and fractions, ties, a unit and a remark.
TIDY = """\
layer,layer_type,b_in,b_wt,latency,latency_unit,energy,tie_group,b_in_group,provenance,remark
conv0,conv,8,8,100,cycles,1.5,,add0,simulated,
fc,linear,8,8,30,cycles,0.25,g0,,simulated,slow
conv0,conv,8,4,120,cycles,1,,add0,simulated,odd
fc,linear,8,4.5,20,cycles,0.125,g0,,simulated,
"""


def read(text: str) -> LatencyTable:
    """Read CSV text under the name ``t.csv``."""
    return read_table(io.StringIO(text), name="t.csv")


def refusal(text: str) -> str:
    """The sentence with which CSV text is refused."""
    with pytest.raises(TableError) as caught:
        read(text)
    return str(caught.value)


def assert_same(one: LatencyTable, other: LatencyTable) -> None:
    """Every field but the source is equal, numbers bit for bit and type for type."""
    labels = ("layer_types", "tie_groups", "b_in_groups")
    for name in ("layers", "precisions", "units", *labels, "provenance"):
        assert getattr(one, name) == getattr(other, name), name
    assert one.offsets.tolist() == other.offsets.tolist()
    assert list(one.columns) == list(other.columns)
    for name, values in one.columns.items():
        assert values.dtype == other.columns[name].dtype, name
        np.testing.assert_array_equal(values, other.columns[name])
