"""Which columns of a table become costs, and which labels become ties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mpsolve import InputError, LatencyTable, Precision, Tie
from mpsolve.building.table_columns import table_costs, table_ties
from mpsolve.profiles.networks import LayerType, Network, Node

#: Two layers with two candidates each.
PRECISIONS = (Precision(8, 8), Precision(8, 4.5)) * 2


def table(
    units: dict[str, str] | None = None,
    ties: tuple[str, ...] = (),
    inputs: tuple[str, ...] = (),
    **columns: Any,
) -> LatencyTable:
    """Two layers with these columns."""
    arrays = {name: np.array(values) for name, values in columns.items()}
    return LatencyTable(
        ("a", "b"),
        np.array([0, 2, 4]),
        PRECISIONS,
        arrays,
        units=units or {},
        tie_groups=ties,
        b_in_groups=inputs,
        source="net.csv",
    )


def test_usual_costs_are_always_there() -> None:
    """Latency, weight bits, bit operations and energy are reported where the table has them."""
    columns: dict[str, Any] = {
        "macs": [1] * 4,
        "energy": [4, 3, 2, 1],
        "weight_bits_total": [8, 4, 8, 4],
    }
    costs, units = table_costs(table(**columns), [])
    assert list(costs) == ["weight_bits_total", "energy"]
    assert units == {"weight_bits_total": "bit"}


def test_wanted_costs() -> None:
    """Any column can be asked for, a usual one too, and units come along."""
    wanted = table({"latency": "cycles", "ram": "KiB"}, latency=[4, 3, 2, 1], ram=[1, 2, 3, 4])
    costs, units = table_costs(wanted, ["ram", "latency"])
    assert {name: cost.tolist() for name, cost in costs.items()} == {
        "latency": [4, 3, 2, 1],
        "ram": [1, 2, 3, 4],
    }
    assert units == {"latency": "cycles", "ram": "KiB"}


def test_rom_is_where_the_weights_are() -> None:
    """``rom`` stands for the bits of the weights, in the same unit."""
    costs, units = table_costs(table(weight_bits_total=[8, 4, 8, 4]), ["rom"])
    assert costs["rom"].tolist() == [8, 4, 8, 4]
    assert units["rom"] == "bit"


def test_a_column_called_rom_wins() -> None:
    """A table may count its own read-only memory."""
    own = table({"rom": "byte"}, rom=[1, 2, 3, 4], weight_bits_total=[8, 4, 8, 4])
    costs, units = table_costs(own, ["rom"])
    assert costs["rom"].tolist() == [1, 2, 3, 4]
    assert units["rom"] == "byte"


def test_units_follow_from_names() -> None:
    """Columns that end in bits or bytes are counted in them, unless the table says otherwise."""
    columns: dict[str, Any] = {
        "ram_bytes": [1] * 4,
        "act_bits": [1] * 4,
        "io_bytes": [1] * 4,
        "score": [1] * 4,
    }
    units = table_costs(table({"io_bytes": "KiB"}, **columns), columns)[1]
    assert units == {"ram_bytes": "byte", "act_bits": "bit", "io_bytes": "KiB"}


def test_bit_operations() -> None:
    """Bits of inputs times bits of weights times MACs, as integers where the bits are."""
    costs = table_costs(table(macs=[10, 10, 20, 20]), ["bops"])[0]
    assert costs["bops"].tolist() == [640, 360, 1280, 720]  # 8 * 8 * 10, 8 * 4.5 * 10, ...
    whole = LatencyTable(
        ("a",), np.array([0, 1]), (Precision(8, 8),), {"macs": np.array([10])}, source="net.csv"
    )
    assert table_costs(whole, ["bops"])[0]["bops"].dtype == np.int64


def test_a_column_of_bit_operations_wins() -> None:
    """Nothing is computed that the table states."""
    costs = table_costs(table(bops=[4, 3, 2, 1], macs=[10] * 4), ["bops"])[0]
    assert costs["bops"].tolist() == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        (
            "ram",
            "ram is the peak over the nodes of a network, not a sum over the layers of a table: "
            "limit it with --budget ram=LIMIT --network NETWORK (in Python network=...).",
        ),
        ("energy", "net.csv has no cost 'energy'; its columns are macs."),
        ("rom", "net.csv has no cost 'rom'; its columns are macs."),
        (
            "latency",
            "net.csv has no cost 'latency' (its latency column is empty); its columns are macs.",
        ),
    ],
)
def test_unknown_costs(name: str, complaint: str) -> None:
    """The message names the table, the cost and the columns there are."""
    with pytest.raises(InputError) as caught:
        table_costs(table(macs=[10] * 4), [name])
    assert str(caught.value) == complaint


def test_bit_operations_of_experts_count_as_often_as_they_run() -> None:
    """A layer of which 2 of 8 experts run has a quarter of its 3 x 5 MACs in the mean."""
    kind = LayerType("linear", 3, 5)
    node = Node("a", "linear", ("x",), "a", kind)
    expert = Network("moe", (node,), {"x": (3, 1, 1), "a": (5, 1, 1)}, ("x",), ("a",), {"a": 2 / 8})
    macs = expert.layer("a").macs
    assert macs == 3.75
    costs, _ = table_costs(table(macs=[macs] * 4), ["bops"])
    assert costs["bops"].tolist() == [64 * 3.75, 36 * 3.75] * 2


def test_bit_operations_need_macs() -> None:
    """Without MACs there is nothing to compute them from."""
    with pytest.raises(InputError, match=r"net\.csv has no cost 'bops'; its columns are latency"):
        table_costs(table(latency=[4, 3, 2, 1]), ["bops"])


def test_ties() -> None:
    """Layers with one label are tied; a label of a single layer, and no label, tie nothing."""
    assert table_ties(table(ties=("t", "t"), latency=[1] * 4)) == (Tie(("a", "b"), label="t"),)
    assert table_ties(table(ties=("t", "u"), latency=[1] * 4)) == ()
    assert table_ties(table(ties=("", ""), latency=[1] * 4)) == ()
    assert table_ties(table(latency=[1] * 4)) == ()


def test_layers_that_read_one_tensor_share_b_in() -> None:
    """A group of equal b_in ties that alone, beside a tie of whole precisions."""
    shared = Tie(("a", "b"), "b_in", "conv0")
    assert table_ties(table(inputs=("conv0", "conv0"), latency=[1] * 4)) == (shared,)
    assert table_ties(table(inputs=("conv0", ""), latency=[1] * 4)) == ()
    both = table(ties=("t", "t"), inputs=("conv0", "conv0"), latency=[1] * 4)
    assert table_ties(both) == (Tie(("a", "b"), label="t"), shared)
