"""What a target offers: precisions for a layer type, and what each of them costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from os import PathLike

    from mpsolve.model.precision import Precision
    from mpsolve.model.provenance import Provenance
    from mpsolve.profiles.networks.layer_type import LayerType


@dataclass(frozen=True, slots=True)
class Latency:
    """The latency of one layer type in one precision.

    Attributes
    ----------
    value
        In the unit of the target.
    deviation
        Its standard deviation in the same unit, if it is known.
    """

    value: float
    deviation: float | None = None


class Target(Protocol):
    """A machine, or the model of one.

    A target may have two methods more: ``for_network(network)`` returns the target as it is set up
    for a network, and ``unsupported(layer_type)`` says in a sentence why it offers no precision.

    Attributes
    ----------
    name
        What the command line calls it. A model ends in ``-model``.
    description
        One sentence for people.
    source
        Who made the model or what was measured with which versions, and how far to trust it.
    provenance
        Where its latencies come from.
    unit
        Unit of the latencies.
    """

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def provenance(self) -> Provenance: ...
    @property
    def unit(self) -> str: ...

    def precisions(self, layer_type: LayerType) -> tuple[Precision, ...]:
        """What the target really offers for a layer type; nothing if it cannot run it."""
        ...

    def latency(self, layer_type: LayerType, precision: Precision) -> Latency:
        """The latency of one call, with 8-bit outputs where the target distinguishes them."""
        ...


@runtime_checkable
class MeasuredTarget(Target, Protocol):
    """A machine that is measured: its layer types are measured in turn, not one by one."""

    def measure_all(
        self,
        layer_types: Iterable[LayerType],
        store: str | PathLike[str] | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> dict[LayerType, dict[Precision, Latency]]:
        """The latencies of layer types in all precisions that the target offers.

        Parameters
        ----------
        layer_types
            Each is measured once, however often it is named.
        store
            A file that keeps every measurement, from which an interrupted run goes on.
        progress
            Told what was measured, how many measurements are done, and how many there are.
        """
        ...
