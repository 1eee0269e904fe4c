"""MPIC: a RISC-V core with mixed-precision dot products.

G. Ottavi, A. Garofalo, G. Tagliavini, F. Conti, L. Benini and D. Rossi, *A Mixed-Precision RISC-V
Processor for Extreme-Edge DNN Inference*, ISVLSI 2020, arXiv:2010.04073.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.model.precision import Precision
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.targets.offered import check_offered
from mpsolve.profiles.targets.target import Latency

if TYPE_CHECKING:
    from mpsolve.profiles.networks.layer_type import LayerType

#: MAC/cycle of one core, as PLiNIO (github.com/eml-eda/plinio, cost/mpic_latency.py) states it.
THROUGHPUT = {
    Precision(8, 8): 2.1,
    Precision(8, 4): 2.3,
    Precision(8, 2): 2.5,
    Precision(4, 8): 2.1,
    Precision(4, 4): 3.5,
    Precision(4, 2): 3.9,
    Precision(2, 8): 2.2,
    Precision(2, 4): 4.0,
    Precision(2, 2): 6.5,
}


@dataclass(frozen=True, slots=True)
class Mpic:
    """Cycles are MACs / throughput, for every layer type alike.

    8b/8b and 4b/8b have the same throughput, so that 8-bit inputs are free there.
    """

    name: str = "mpic-model"
    description: str = "MPIC, a RISC-V core with 2-, 4- and 8-bit dot products in any combination"
    source: str = (
        "MACs divided by the core's MAC/cycle in each precision (Ottavi et al., ISVLSI 2020, "
        "arXiv:2010.04073, second hand from PLiNIO): the ratios between precisions are those of a "
        "measured kernel, and no layer was measured."
    )
    provenance: Provenance = Provenance.MODELLED
    unit: str = "model cycles"

    def precisions(self, layer_type: LayerType) -> tuple[Precision, ...]:
        """All nine, for every layer type."""
        return tuple(THROUGHPUT)

    def latency(self, layer_type: LayerType, precision: Precision) -> Latency:
        """MACs / throughput."""
        check_offered(self, layer_type, precision)
        return Latency(layer_type.macs / THROUGHPUT[precision])


MPIC = Mpic()
