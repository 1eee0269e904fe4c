"""Named losses, each in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from mpsolve import InputError, LatencyTable, Precision
from mpsolve.building.proxies import PROXIES, table_loss

#: One layer with three candidates.
PRECISIONS = (Precision(8, 8), Precision(8, 4), Precision(2, 2))
#: 10 weights, 100 MACs.
COLUMNS: dict[str, list[float]] = {
    "latency": [3, 2, 1],
    "macs": [100] * 3,
    "weight_bits_total": [80, 40, 20],
}


def table(**columns: list[float]) -> LatencyTable:
    """One layer with these columns."""
    arrays = {name: np.array(values) for name, values in columns.items()}
    return LatencyTable(("fc",), np.array([0, 3]), PRECISIONS, arrays, source="net.csv")


@pytest.mark.parametrize(
    ("name", "losses"),
    [
        # 4^-8 = 2^-16, 4^-4 = 2^-8, 4^-2 = 1/16: the noise of inputs plus that of weights.
        ("noise", [2 * 2.0**-16, 2.0**-16 + 2.0**-8, 2 / 16]),
        ("noise-macs", [200 * 2.0**-16, 100 * (2.0**-16 + 2.0**-8), 200 / 16]),
        ("noise-params", [20 * 2.0**-16, 10 * (2.0**-16 + 2.0**-8), 20 / 16]),
        # 0, 4 and 12 bits fewer than 8b/8b.
        ("missing-bits-macs", [0, 400, 1200]),
    ],
)
def test_proxies(name: str, losses: list[float]) -> None:
    """Every proxy of three candidates, computed by hand."""
    shown, values = table_loss(table(**COLUMNS), name)
    assert shown == f"{name} (proxy)"
    assert values.tolist() == losses


def test_every_proxy_prefers_more_bits() -> None:
    """The candidates stand in falling order of bits, so the losses stand in rising order."""
    for name in PROXIES:
        losses = table_loss(table(**COLUMNS), name)[1]
        assert (np.diff(losses) > 0).all()


def test_weights_of_no_bits() -> None:
    """A candidate without weights, such as a pooling layer's, adds no noise by parameters."""
    pooling = LatencyTable(
        ("pool",),
        np.array([0, 1]),
        (Precision(8, 0),),
        {"weight_bits_total": np.array([0])},
    )
    assert table_loss(pooling, "noise-params")[1].tolist() == [0.0]


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"sensitivity": [1, 2, 3], "macs": [100] * 3}, "sensitivity"),
        ({"macs": [100] * 3, "weight_bits_total": [80, 40, 20]}, "noise-macs (proxy)"),
        ({"weight_bits_total": [80, 40, 20]}, "noise-params (proxy)"),
        ({"latency": [3, 2, 1]}, "noise (proxy)"),
    ],
)
def test_default(columns: dict[str, list[float]], name: str) -> None:
    """The measured sensitivity, else the first proxy whose columns the table has."""
    assert table_loss(table(**columns))[0] == name


def test_a_column_by_name() -> None:
    """Any column can be the loss, even one that is called like a proxy."""
    assert table_loss(table(noise=[1, 2, 3]), "noise")[0] == "noise"
    name, values = table_loss(table(mse=[0.5, 0.25, 0.125]), "mse")
    assert (name, values.tolist()) == ("mse", [0.5, 0.25, 0.125])


def test_an_unknown_name() -> None:
    """The message names the table, its columns and the proxies."""
    with pytest.raises(InputError) as caught:
        table_loss(table(latency=[3, 2, 1]), "mse")
    assert str(caught.value) == (
        "net.csv has no column 'mse' to minimise; its columns are latency, and the proxies are "
        "noise-macs, noise-params, noise, missing-bits-macs."
    )


@pytest.mark.parametrize(
    ("proxy", "column"),
    [("noise-macs", "macs"), ("noise-params", "weight_bits_total"), ("missing-bits-macs", "macs")],
)
def test_a_missing_column(proxy: str, column: str) -> None:
    """The message names the proxy, the column and the table."""
    with pytest.raises(InputError) as caught:
        table_loss(table(latency=[3, 2, 1]), proxy)
    assert str(caught.value) == f"The proxy {proxy} needs the column {column}, which net.csv lacks."
