"""What Free Bits published of the latencies on its three platforms.

G. Rutishauser, F. Conti, L. Benini: Free Bits, AICAS 2023, doi 10.1109/AICAS57966.2023.10168577;
tables and sections are those of the long form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mpsolve.profiles.targets.pulp.platform import Isa

#: All layers at 4b/4b as far as the adders allow, without and with the heuristic.
Configuration = Literal["4b", "4b+FB"]


@dataclass(frozen=True, slots=True)
class Figure:
    """How much longer than in 8b/8b a network takes in another configuration (Table 1).

    Attributes
    ----------
    network
        ``MobileNetV1`` (width 0.75) or ``MobileNetV2``, input 224 x 224.
    isa
        The platform.
    configuration
        Before or after the Free Bits heuristic.
    change
        In per cent of the latency in 8b/8b.
    """

    network: str
    isa: Isa
    configuration: Configuration
    change: float

    def __str__(self) -> str:
        return f"{self.network} {self.isa} {self.configuration}"


_TABLE_1: dict[tuple[str, Configuration], tuple[float, float, float]] = {
    ("MobileNetV1", "4b"): (49.9, -32.3, -38.3),
    ("MobileNetV2", "4b"): (37.0, 48.9, -23.4),
    ("MobileNetV1", "4b+FB"): (-3.5, -37.1, -39.8),
    ("MobileNetV2", "4b+FB"): (-7.7, -12.8, -25.7),
}
FIGURES = tuple(
    Figure(network, isa, configuration, change)
    for (network, configuration), changes in _TABLE_1.items()
    for isa, change in zip(Isa, changes, strict=True)
)

#: "the heuristic increases the precision of 12 layers, improving latency [...] by 7%" (section
#: 4.2), of MobileNetV1 on XpulpNNv1. The calibration does not see these.
RAISED_LAYERS = 12
HEURISTIC_GAIN = 7.0
#: "which is reduced by the free bits heuristic by 46%" (section 4.2), of MobileNetV2 on XpulpNNv1;
#: from +48.9 to -12.8 %, as in Table 1, it would be 41.4 %.
CONTRADICTED_GAIN = 46.0
#: MobileNetV1 1.0 at 128 x 128 in 8 bits on GAP8: 4.3 frames a second at 100 MHz (DORY, abstract).
DORY_CYCLES = 100e6 / 4.3
