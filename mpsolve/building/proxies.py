"""Named losses for tables that have no sensitivity column.

They are proxies: none knows the network. Measured sensitivities are always better.

Quantiser noise
    A uniform quantiser with ``b`` bits over a fixed range has a step proportional to ``2^-b`` and
    adds noise of power step^2 / 12, that is proportional to ``4^-b`` (Widrow and Kollar,
    *Quantization Noise*, Cambridge University Press 2008). In a linear layer the relative noise
    powers of inputs and weights add up (Lin, Talathi and Annapureddy, *Fixed Point Quantization
    of Deep Convolutional Networks*, ICML 2016), which gives ``4^-b_in + 4^-b_wt``. Weighting by
    MACs counts every product, weighting by parameters every weight.
Missing bits
    How many bits of inputs and weights together a candidate has less than the highest precision
    of the table, weighted by MACs: the complement of a bit-operation count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.profiles.table import LatencyTable
    from mpsolve.typing import FloatArray, NumberArray

#: The column that is the loss unless the caller says otherwise.
DEFAULT_COLUMN = "sensitivity"


def noise_power(table: LatencyTable) -> FloatArray:
    """Quantiser noise of inputs and weights, every layer counted alike."""
    b_in, b_wt = _bits(table)
    return 4.0**-b_in + 4.0**-b_wt


def noise_by_macs(table: LatencyTable) -> FloatArray:
    """Quantiser noise of inputs and weights, weighted by MACs."""
    return noise_power(table) * _column(table, "macs", "noise-macs")


def noise_by_parameters(table: LatencyTable) -> FloatArray:
    """Quantiser noise of inputs and weights, weighted by the number of weights."""
    weight_bits = _column(table, "weight_bits_total", "noise-params")
    b_wt = _bits(table)[1]
    return noise_power(table) * np.divide(
        weight_bits, b_wt, where=b_wt > 0, out=np.zeros(len(b_wt))
    )


def missing_bits_by_macs(table: LatencyTable) -> FloatArray:
    """Bits below the highest precision of the table, weighted by MACs."""
    b_in, b_wt = _bits(table)
    missing = (b_in.max() - b_in) + (b_wt.max() - b_wt)
    return missing * _column(table, "macs", "missing-bits-macs")


PROXIES: dict[str, Callable[[LatencyTable], FloatArray]] = {
    "noise-macs": noise_by_macs,
    "noise-params": noise_by_parameters,
    "noise": noise_power,
    "missing-bits-macs": missing_bits_by_macs,
}


def table_loss(table: LatencyTable, name: str | None = None) -> tuple[str, NumberArray]:
    """The loss of a table under a name, with the text that is printed beside every answer.

    Parameters
    ----------
    table
        The table.
    name
        One of its columns or one of `PROXIES`. By default the column ``sensitivity``, else the
        first proxy whose columns the table has.

    Raises
    ------
    InputError
        If the table has no such column and no proxy has this name.
    """
    if name is None:
        name = DEFAULT_COLUMN if DEFAULT_COLUMN in table.columns else _default_proxy(table)
    if name in table.columns:
        return name, table.columns[name]
    if name in PROXIES:
        return f"{name} (proxy)", PROXIES[name](table)
    raise InputError(
        f"{table.source} has no column {name!r} to minimise; its columns are "
        f"{', '.join(table.columns)}, and the proxies are {', '.join(PROXIES)}."
    )


def _default_proxy(table: LatencyTable) -> str:
    if "macs" in table.columns:
        return "noise-macs"
    return "noise-params" if "weight_bits_total" in table.columns else "noise"


def _bits(table: LatencyTable) -> tuple[FloatArray, FloatArray]:
    bits = np.array([(p.b_in, p.b_wt) for p in table.precisions], np.float64)
    return bits[:, 0], bits[:, 1]


def _column(table: LatencyTable, column: str, proxy: str) -> NumberArray:
    if column not in table.columns:
        raise InputError(
            f"The proxy {proxy} needs the column {column}, which {table.source} lacks."
        )
    return table.columns[column]
