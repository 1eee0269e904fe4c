"""Latency tables: what every layer costs in every precision that it may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import TableError
from mpsolve.model.provenance import Provenance
from mpsolve.model.ragged import numbers
from mpsolve.storage.frozen import Picklable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mpsolve.model.precision import Precision
    from mpsolve.typing import FloatArray, IntArray, NumberArray

#: After the name of a column: the standard deviations of its values.
STD = "_std"


@dataclass(frozen=True, eq=False)
class LatencyTable(Picklable):
    """Profiled costs of every candidate precision of every layer.

    The candidates of all layers stand one after the other in flat arrays; those of layer ``i``
    are the entries ``offsets[i]:offsets[i + 1]``. Layers may have different candidates, and a
    lower precision may well be slower: neither is an error.

    Attributes
    ----------
    layers
        Names of the N layers, in network order.
    offsets
        ``(N + 1,)`` int64, where the candidates of each layer begin and end.
    precisions
        The precision of each of the M candidates.
    columns
        Name -> ``(M,)`` int64 or float64: ``latency`` (if known) and any further costs.
        Integers stay integers, so that their sums are exact.
    units
        Unit of a column, where it is known: ``{"latency": "model cycles"}``.
    layer_types
        Per layer, the name of its layer type (all that parametrises its kernel call), or empty.
    tie_groups
        Per layer, a label; layers with the same non-empty label must take the same precision.
    b_in_groups
        Per layer, a label; layers with the same non-empty label must have the same b_in, as those
        that read one tensor.
    provenance
        Where the latencies come from.
    source
        The file or data set that the table was read from, for messages.
    deviations
        Column -> ``(M,)`` float64 standard deviations of its values, in its unit.
    """

    layers: tuple[str, ...]
    offsets: IntArray
    precisions: tuple[Precision, ...]
    columns: Mapping[str, NumberArray]
    units: Mapping[str, str] = field(default_factory=dict)
    layer_types: tuple[str, ...] = ()
    tie_groups: tuple[str, ...] = ()
    b_in_groups: tuple[str, ...] = ()
    provenance: Provenance = Provenance.UNSTATED
    source: str = "table"
    deviations: Mapping[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        layers, offsets = len(self.layers), np.array(self.offsets, np.int64)
        candidates = len(self.precisions)
        if not layers:
            raise TableError(f"{self.source}: the table is empty; it needs at least one layer.")
        if len(offsets) != layers + 1 or offsets[0] != 0 or offsets[-1] != candidates:
            raise TableError(f"{self.source}: offsets do not fit {layers} layers.")
        if (np.diff(offsets) < 1).any():
            layer = self.layers[int(np.argmin(np.diff(offsets)))]
            raise TableError(f"{self.source}: layer {layer} has no candidate.")
        self._refuse_duplicates(offsets)
        columns = {
            name: self._checked_column(name, np.array(values))
            for name, values in self.columns.items()
        }
        deviations = {
            name: self._checked_deviations(name, np.array(values), columns)
            for name, values in self.deviations.items()
        }
        offsets.setflags(write=False)
        object.__setattr__(self, "offsets", offsets)
        object.__setattr__(self, "columns", MappingProxyType(columns))
        object.__setattr__(self, "deviations", MappingProxyType(deviations))
        object.__setattr__(self, "units", MappingProxyType(dict(self.units)))
        for labels in ("layer_types", "tie_groups", "b_in_groups"):
            if not getattr(self, labels):
                object.__setattr__(self, labels, ("",) * layers)
            elif len(getattr(self, labels)) != layers:
                raise TableError(f"{self.source}: {labels} needs one entry for each layer.")

    def _refuse_duplicates(self, offsets: IntArray) -> None:
        if len(set(self.layers)) < len(self.layers):
            twice = next(name for name in self.layers if self.layers.count(name) > 1)
            raise TableError(f"{self.source}: layer {twice} occurs twice; name every layer once.")
        for i, layer in enumerate(self.layers):
            own = self.precisions[offsets[i] : offsets[i + 1]]
            if len(set(own)) < len(own):
                repeated = next(p for p in own if own.count(p) > 1)
                raise TableError(f"{self.source}: layer {layer} has {repeated} twice; keep one.")

    def _checked_deviations(
        self, name: str, values: NumberArray, columns: Mapping[str, NumberArray]
    ) -> FloatArray:
        if name not in columns:
            raise TableError(f"{self.source}: there is no column {name} that could deviate.")
        checked = self._checked_column(name + STD, values, {name + STD}).astype(np.float64)
        checked.setflags(write=False)
        return checked

    def _checked_column(
        self, name: str, values: NumberArray, never_negative: Collection[str] = ("latency",)
    ) -> NumberArray:
        if name in self.columns and holds_deviations(name, self.columns):
            raise TableError(
                f"{self.source}: {name} would be the standard deviations of "
                f"{name.removesuffix(STD)}; give them as deviations, or rename the column."
            )
        if values.shape != (len(self.precisions),) or values.dtype.kind not in "iuf":
            raise TableError(
                f"{self.source}: column {name} needs one number for each of the "
                f"{len(self.precisions)} candidates."
            )
        values = np.array(numbers(values))
        for wrong, what in (
            (~np.isfinite(values), "not a finite number"),
            (values < 0, "negative"),
        ):
            if wrong.any() and (what != "negative" or name in never_negative):
                row = int(np.argmax(wrong))
                raise TableError(
                    f"{self.source}: column {name} of layer {self.layer_of(row)} at "
                    f"{self.precisions[row]} is {what}: {values[row]}."
                )
        values.setflags(write=False)
        return values

    def layer_of(self, candidate: int) -> str:
        """Name of the layer that the flat candidate index belongs to."""
        return self.layers[int(np.searchsorted(self.offsets, candidate, "right")) - 1]

    def __repr__(self) -> str:
        return (
            f"<LatencyTable {self.source}: {len(self.layers)} layers, {len(self.precisions)} "
            f"candidates, {self.provenance}; {', '.join(self.columns)}>"
        )


def holds_deviations(column: str, columns: Collection[str]) -> bool:
    """Whether a column says how far the values of another one deviate."""
    return column.endswith(STD) and column.removesuffix(STD) in columns
