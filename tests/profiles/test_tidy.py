"""The tidy form: what is read, and every refusal with its place."""

from __future__ import annotations

import pytest

from mpsolve import Precision
from mpsolve.profiles import Provenance
from tests.profiles.helpers import TIDY, read, refusal


def test_every_field_of_a_tidy_table_is_read() -> None:
    """Layers are grouped by first appearance and candidates keep the order of their rows."""
    table = read(TIDY)
    assert table.layers == ("conv0", "fc")
    assert table.offsets.tolist() == [0, 2, 4]
    assert table.precisions == tuple(map(Precision.parse, ("8/8", "8/4", "8/8", "8/4.5")))
    assert {name: values.tolist() for name, values in table.columns.items()} == {
        "latency": [100, 120, 30, 20],
        "energy": [1.5, 1.0, 0.25, 0.125],
    }
    assert table.columns["latency"].dtype == "int64"
    assert table.columns["energy"].dtype == "float64"
    assert table.units == {"latency": "cycles"}
    assert table.layer_types == ("conv", "linear")
    assert table.tie_groups == ("", "g0")
    assert table.b_in_groups == ("add0", "")
    assert table.provenance is Provenance.SIMULATED
    assert table.source == "t.csv"


def test_a_lower_precision_may_be_slower() -> None:
    """Non-monotone latencies are how real kernels behave."""
    table = read("layer,b_in,b_wt,latency\na,8,8,1\na,8,4,2\na,8,2,3\n")
    assert table.columns["latency"].tolist() == [1, 2, 3]


def test_layers_may_have_different_candidates() -> None:
    """A layer that has a single candidate is fine."""
    assert read("layer,b_in,b_wt,latency\na,8,8,1\nb,8,8,2\na,8,4,2\n").offsets.tolist() == [
        0,
        2,
        3,
    ]


def test_a_wholly_empty_latency_column_is_left_out() -> None:
    """A table of sensitivities alone still has to say that latencies are unknown."""
    table = read("layer,b_in,b_wt,latency,latency_unit,bops\na,8,8,,,64\na,8,4, ,,32\n")
    assert list(table.columns) == ["bops"]
    assert table.units == {}


def test_columns_of_remarks_are_ignored() -> None:
    """A column without a single number is no cost, whether some of its cells are empty or not."""
    table = read("layer,b_in,b_wt,latency,note,core\na,8,8,1,,M7\na,8,4,2,guess,M4\n")
    assert list(table.columns) == ["latency"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "layer,b_wt,cycles\na,8,1\n",
            "t.csv: the columns latency, b_in are missing; a table needs layer, b_in, b_wt (or "
            "precision) and latency, and this one has layer, b_wt, cycles.",
        ),
        (
            "layer,b_in,b_wt\na,8,8\n",
            "t.csv: the column latency is missing; a table needs layer, b_in, b_wt (or "
            "precision) and latency, and this one has layer, b_in, b_wt.",
        ),
        (
            "layer,b_in,b_wt,latency\na,8,8,1\n,8,4,2\n",
            "t.csv: line 3, column layer is empty; name the layer.",
        ),
        (
            "layer,b_in,b_wt,latency\na,8,8,1\nb,8,8,2\na,8,4,3\na,8.0,8,3\n",
            "t.csv: line 2 and line 5 both give layer a at 8b/8b; keep one of them.",
        ),
        (
            "layer,b_in,b_wt,latency\na,8,8,1\na,8,4,-0.5\n",
            "t.csv: line 3, column latency: -0.5 is negative; a latency is at least 0.",
        ),
        (
            "layer,b_in,b_wt,latency\na,8,8,fast\na,8,4,slow\n",
            "t.csv: line 2, column latency: 'fast' is not a number; write digits and a decimal "
            "point only, such as 12.5.",
        ),
    ],
)
def test_refusals(text: str, message: str) -> None:
    """Each contradiction is one sentence that says where it is and what to do."""
    assert refusal(text) == message
