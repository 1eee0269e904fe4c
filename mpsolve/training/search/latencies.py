"""The latencies of a table as `SearchedLayer` takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError
from mpsolve.model.precision import Precision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpsolve.profiles.table import LatencyTable
    from mpsolve.training.search.layers import SearchedLayer
    from mpsolve.typing import FloatArray


def latencies_of(layers: Sequence[SearchedLayer], table: LatencyTable) -> dict[str, FloatArray]:
    """Layer -> ``(K_activation, K_weight)`` latencies, in the order of its precisions.

    Raises
    ------
    InputError
        If the table lacks latencies, a layer, or one of its precisions.
    """
    if "latency" not in table.columns:
        raise InputError(f"{table.source} has no column latency.")
    known = {}
    for number, layer in enumerate(table.layers):
        own = range(int(table.offsets[number]), int(table.offsets[number + 1]))
        known[layer] = {
            (table.precisions[c].b_in, table.precisions[c].b_wt): float(table.columns["latency"][c])
            for c in own
        }
    found = {}
    for searched in layers:
        if searched.name not in known:
            raise InputError(f"{table.source} has no layer {searched.name}.")
        rows, columns = searched.activation.precisions, searched.weight.precisions
        for a in rows:
            for w in columns:
                if (a, w) not in known[searched.name]:
                    raise InputError(
                        f"{table.source}: layer {searched.name} has no latency in {Precision(a, w)}"
                        ", which the search may choose."
                    )
        own_latencies = known[searched.name]
        found[searched.name] = np.array([[own_latencies[a, w] for w in columns] for a in rows])
    return found
