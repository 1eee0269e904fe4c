"""The roofline model: a layer takes as long as its MACs or its memory traffic, whichever is longer.

S. Williams, A. Waterman and D. Patterson, *Roofline: An Insightful Visual Performance Model for
Multicore Architectures*, Communications of the ACM 52(4), 2009::

    latency = overhead + max(MACs / (efficiency * peak),
                             weight bytes / weight bandwidth
                             + (input bytes + output bytes) / activation bandwidth)

Every tensor moves once, in its own bit-width: outputs in 8 bits, or in b_in where that is more.
A model of this kind says which of two precisions is faster where one of both limits binds; it
knows nothing of tiles, caches and kernels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.networks.layer_type import KINDS
from mpsolve.profiles.targets.offered import check_offered
from mpsolve.profiles.targets.target import Latency
from mpsolve.storage.frozen import Picklable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.layer_type import LayerType

#: Unit of time -> unit of the latencies, which says that they are modelled.
UNITS = {"cycles": "model cycles", "us": "us (model)"}


@dataclass(frozen=True, eq=False)
class Roofline(Picklable):
    """A machine of a few numbers.

    Attributes
    ----------
    name
        Ends in ``-model``.
    description, source
        As in `Target`.
    time
        ``"cycles"`` or ``"us"``: what the rates below are counted per.
    peaks
        Precision -> MACs per unit of time.
    weight_bandwidth, activation_bandwidth
        Bytes per unit of time.
    overhead
        Time that every layer takes beside its work.
    efficiency
        Kind of layer -> part of the peak that it reaches, in (0, 1]; 1 where it is not given.
    fallback
        Further precisions that the machine accepts and computes in the next higher of ``peaks``:
        their tensors move in their own bit-widths.

    Raises
    ------
    InputError
        If a number has no meaning; the message names it.
    """

    name: str
    description: str
    source: str
    time: str
    peaks: Mapping[Precision, float]
    weight_bandwidth: float
    activation_bandwidth: float
    overhead: float = 0
    efficiency: Mapping[str, float] = field(default_factory=dict)
    fallback: tuple[Precision, ...] = ()

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "peaks", MappingProxyType(dict(self.peaks)))
        set_(self, "efficiency", MappingProxyType(dict(self.efficiency)))
        set_(self, "fallback", tuple(self.fallback))
        if not self.name.endswith("-model"):
            raise InputError(f"The name of a model ends in -model, and {self.name!r} does not.")
        if self.time not in UNITS:
            raise InputError(f"The unit of {self.name} is cycles or us, not {self.time!r}.")
        if not self.peaks:
            raise InputError(f"{self.name} needs the peak of at least one precision.")
        self._check_rates()
        for precision in self.fallback:
            if precision in self.peaks:
                raise InputError(f"{self.name}: {precision} has a peak; it needs no fallback.")
            self.computed_in(precision)

    def _check_rates(self) -> None:
        rates = {f"peak of {precision}": rate for precision, rate in self.peaks.items()}
        rates["weight bandwidth"] = self.weight_bandwidth
        rates["activation bandwidth"] = self.activation_bandwidth
        for what, rate in rates.items():
            if not (isfinite(rate) and rate > 0):
                raise InputError(f"{self.name}: the {what} must be a positive number, not {rate}.")
        if not (isfinite(self.overhead) and self.overhead >= 0):
            raise InputError(f"{self.name}: the overhead must be at least 0, not {self.overhead}.")
        for kind, part in self.efficiency.items():
            if kind not in KINDS:
                raise InputError(f"{self.name}: {kind!r} is none of {', '.join(KINDS)}.")
            if not 0 < part <= 1:
                raise InputError(
                    f"{self.name}: the efficiency of {kind} must be in (0, 1], not {part}."
                )

    @property
    def provenance(self) -> Provenance:
        """Modelled, whatever the numbers were taken from."""
        return Provenance.MODELLED

    @property
    def unit(self) -> str:
        """Unit of the latencies."""
        return UNITS[self.time]

    def computed_in(self, precision: Precision) -> Precision:
        """The precision whose peak counts: itself, or the lowest with a peak that is higher."""
        if precision in self.peaks:
            return precision
        higher = [p for p in self.peaks if p.is_higher_or_equal(precision)]
        if not higher:
            raise InputError(f"{self.name}: no precision with a peak is higher than {precision}.")
        return min(higher, key=lambda p: (p.bits, p))

    def precisions(self, layer_type: LayerType) -> tuple[Precision, ...]:
        """Those with a peak and those that fall back, for every layer type."""
        return tuple(sorted((*self.peaks, *self.fallback)))

    def latency(self, layer_type: LayerType, precision: Precision) -> Latency:
        """The formula of the module."""
        check_offered(self, layer_type, precision)
        peak = self.peaks[self.computed_in(precision)] * self.efficiency.get(layer_type.kind, 1)
        weight_bytes = layer_type.weights * precision.b_wt / 8
        b_out = max(8, precision.b_in)
        moved = (layer_type.inputs * precision.b_in + layer_type.outputs * b_out) / 8
        memory = weight_bytes / self.weight_bandwidth + moved / self.activation_bandwidth
        return Latency(self.overhead + max(layer_type.macs / peak, memory))
