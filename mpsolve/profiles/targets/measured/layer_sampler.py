"""What the targets of this package have in common: verdicts on precisions, and measuring them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from mpsolve.model.provenance import Provenance
from mpsolve.profiles.targets.measured.measure_all import measure_all, measure_one, why_nothing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.profiles.targets.measured.measure_all import Progress
    from mpsolve.profiles.targets.measured.protocol import Timing
    from mpsolve.profiles.targets.measured.record import Record
    from mpsolve.profiles.targets.target import Latency
    from mpsolve.typing import FloatArray


class LayerSampler(ABC):
    """A `MeasuredTarget` that takes samples of layer types.

    Parameters
    ----------
    timing
        How much is measured.
    """

    provenance = Provenance.MEASURED
    unit = "us"

    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        self._known: dict[LayerType, dict[Precision, str]] = {}
        self._measured: dict[LayerType, dict[Precision, Latency]] = {}

    @property
    @abstractmethod
    def record(self) -> Record:
        """The circumstances."""

    @abstractmethod
    def samples(
        self, layer_type: LayerType, precisions: Iterable[Precision]
    ) -> dict[Precision, FloatArray]:
        """One pass: ``(rounds,)`` microseconds of a layer type in each precision.

        Raises
        ------
        InputError
            If a precision is not offered.
        """

    @abstractmethod
    def tried(self, layer_type: LayerType) -> dict[Precision, str]:
        """Every precision that might be offered -> why it is not, or ""."""

    def verdicts(self, layer_type: LayerType) -> dict[Precision, str]:
        """As `tried`, which takes place once."""
        if layer_type not in self._known:
            self._known[layer_type] = self.tried(layer_type)
        return self._known[layer_type]

    def precisions(self, layer_type: LayerType) -> tuple[Precision, ...]:
        """The precisions that are really computed."""
        return tuple(p for p, why in self.verdicts(layer_type).items() if not why)

    def refusals(self, layer_type: LayerType) -> dict[Precision, str]:
        """The other precisions that were tried, and why they are not offered."""
        return {p: why for p, why in self.verdicts(layer_type).items() if why}

    def unsupported(self, layer_type: LayerType) -> str:
        """Why nothing is offered for a layer type, in one sentence; "" if something is."""
        return why_nothing(self.verdicts(layer_type))

    def latency(self, layer_type: LayerType, precision: Precision) -> Latency:
        """The latency of one call; all precisions of the layer type are measured at once."""
        known = self._measured.setdefault(layer_type, {})
        if precision not in known:
            known |= self.measure(layer_type, {*self.precisions(layer_type), precision})
        return known[precision]

    def measure(
        self, layer_type: LayerType, precisions: Iterable[Precision]
    ) -> dict[Precision, Latency]:
        """Measure a layer type in several precisions in turn."""
        return measure_one(self, layer_type, precisions)

    def measure_all(
        self,
        layer_types: Iterable[LayerType],
        store: str | PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> dict[LayerType, dict[Precision, Latency]]:
        """As `MeasuredTarget.measure_all`."""
        return measure_all(self, layer_types, store, progress)
