"""The three modelled platforms of Free Bits as targets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.targets.pulp.model import cycles, layer_schedule
from mpsolve.profiles.targets.pulp.parameters import PARAMETER_SETS
from mpsolve.profiles.targets.pulp.platform import (
    L2_BYTES_LARGE,
    L2_BYTES_SMALL,
    Isa,
    Platform,
)
from mpsolve.profiles.targets.pulp.support import PRECISIONS, unsupported, unsupported_kernel
from mpsolve.profiles.targets.target import Latency

if TYPE_CHECKING:
    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks import LayerType, Network
    from mpsolve.profiles.targets.pulp.parameters import Parameters, ParameterSet

#: Networks of more layers have the larger L2, for their larger code: MobileNetV2 has 53 layers and
#: MobileNetV1 28, and the threshold is halfway.
MANY_LAYERS = 40
#: Draws behind a standard deviation, which is thus itself within about 2 %, and their seed.
DRAWS, SEED = 1000, 0

_INSTRUCTION_SETS = {
    Isa.XPULPV2: "XpulpV2, which has 8-bit SIMD only: narrower operands are unpacked in software",
    Isa.XPULPNNV1: "XpulpNNv1, which has packed SIMD for 2-, 4- and 8-bit operands of equal width: "
    "mixed widths are unpacked in software",
    Isa.XPULPNNV2: "XpulpNNv2, which has packed SIMD for 2-, 4- and 8-bit operands and unpacks "
    "mixed widths in hardware",
}
_SOURCES = {
    "calibrated": "calibrated to 12 network-level ratios published in Free Bits for MobileNetV1 "
    "0.75 and MobileNetV2 at 224 x 224: median held-out error 2.8 percentage points, mean 6.4, "
    "worst 40.9; other networks and all 2-bit precisions are extrapolations",
    "prior": "with a-priori parameters read from sources, not calibrated: on 12 network-level "
    "ratios published in Free Bits it is off by 10.5 percentage points on average, worst 34.0",
}


@dataclass(frozen=True)
class PulpModel:
    """The analytic model of an 8-core PULP cluster as a target, see `docs/pulp_model.md`.

    Latencies are those of one call with 8-bit outputs. Their standard deviations are what is
    unknown of the six free parameters, from draws of their distribution: a first-order
    approximation would miss the layers for which some draws are bound by HyperRAM and others are
    not. What the form of the model leaves out is not in them, and the deviations of different
    candidates are not independent, since they come from the same six parameters.

    Attributes
    ----------
    isa
        The platform, as `Isa` or its text.
    parameters
        ``"calibrated"`` or ``"prior"``.
    l2
        Bytes of L2 for tensors; by default what `for_network` chooses, and the smaller of the two
        where no network is known.
    """

    isa: Isa
    parameters: str = "calibrated"
    l2: int | None = None

    def __post_init__(self) -> None:
        if self.isa not in tuple(Isa):
            raise InputError(f"There is no platform {self.isa!r}; there are {', '.join(Isa)}.")
        object.__setattr__(self, "isa", Isa(self.isa))
        if self.parameters not in PARAMETER_SETS:
            raise InputError(
                f"There are no parameters {self.parameters!r}; there are "
                f"{', '.join(PARAMETER_SETS)}."
            )
        if self.l2 is not None and self.l2 < 1:
            raise InputError(f"L2 has a positive number of bytes, not {self.l2}.")

    @property
    def name(self) -> str:
        """Such as ``pulp8-xpulpnnv1-model``."""
        return f"pulp8-{self.isa}-model"

    @property
    def description(self) -> str:
        """What sets the platform apart."""
        return f"Analytic model of an 8-core PULP cluster with {_INSTRUCTION_SETS[self.isa]}."

    @property
    def source(self) -> str:
        """Who made the model and how far to trust it."""
        return (
            "mpsolve's own analytic model of DORY-style execution on an 8-core PULP cluster, "
            f"{_SOURCES[self.parameters]}; no layer was measured."
        )

    @property
    def provenance(self) -> Provenance:
        """Modelled."""
        return Provenance.MODELLED

    @property
    def unit(self) -> str:
        """Cycles of the cluster, as modelled."""
        return "model cycles"

    @property
    def platform(self) -> Platform:
        """What the model must know of the machine."""
        return Platform(self.isa, L2_BYTES_SMALL if self.l2 is None else self.l2)

    @property
    def parameter_set(self) -> ParameterSet:
        """The parameters and how far they are known."""
        return PARAMETER_SETS[self.parameters]

    def for_network(self, network: Network) -> PulpModel:
        """The target as it is set up for a network: the code of large ones needs a larger L2.

        Free Bits gives MobileNetV1 512 KiB of L2 and MobileNetV2 640 KiB. Networks of more than
        `MANY_LAYERS` layers are set up like MobileNetV2, unless ``l2`` was given.
        """
        if self.l2 is not None:
            return self
        large = len(network.layers) > MANY_LAYERS
        return replace(self, l2=L2_BYTES_LARGE if large else L2_BYTES_SMALL)

    def unsupported(self, layer_type: LayerType) -> str | None:
        """Why there is no precision for a layer type, in a sentence; None if there is one."""
        if reason := unsupported_kernel(layer_type):
            return reason
        reasons = [unsupported(layer_type, p, self.platform) for p in PRECISIONS]
        return None if None in reasons else reasons[-1]

    def precisions(self, layer_type: LayerType) -> tuple[Precision, ...]:
        """All pairs of 2, 4 and 8 bits that fit into memory; see `unsupported`."""
        if unsupported_kernel(layer_type):
            return ()
        return tuple(p for p in PRECISIONS if not unsupported(layer_type, p, self.platform))

    def latency(self, layer_type: LayerType, precision: Precision) -> Latency:
        """Model cycles at the most probable parameters, and how far the parameters move them.

        Raises
        ------
        InputError
            If the target does not offer the precision for the layer type.
        """
        schedule = layer_schedule(layer_type, precision, self.platform)
        value = cycles(schedule, self.parameter_set.parameters)
        draws = cycles(schedule, self._draws)
        return Latency(float(value[0]), float(draws.std()))

    @cached_property
    def _draws(self) -> Parameters:
        return self.parameter_set.draws(DRAWS, SEED)


#: The platforms by name.
PULP_MODELS = {model.name: model for model in map(PulpModel, Isa)}
