"""HAQ's lookup tables: ``.npy`` arrays of latencies by layer, weight bits and input bits.

K. Wang, Z. Liu, Y. Lin, J. Lin and S. Han, *HAQ: Hardware-Aware Automated Quantization with Mixed
Precision*, CVPR 2019. The array has shape ``(layers, 8, 8)`` and is read as
``table[layer, w_bit - 1, a_bit - 1]`` (lib/env/linear_quantize_env.py of
github.com/mit-han-lab/haq). Neither the layers' names nor the unit is stored; the tables that HAQ
ships come from simulators of accelerators.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import TableError
from mpsolve.model.precision import Precision
from mpsolve.model.provenance import Provenance
from mpsolve.model.ragged import numbered_layers
from mpsolve.profiles.importers.assemble import latency_table
from mpsolve.profiles.importers.files import read_bytes
from mpsolve.profiles.importers.importer import Imported, Need

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mpsolve.profiles.networks.network import Network
    from mpsolve.typing import NumberArray

#: Weights and inputs have 1 to so many bits.
BITS = 8


@dataclass(frozen=True, slots=True)
class Haq:
    """64 candidates per layer; a network names the layers, in its order."""

    name: str = "haq"
    description: str = "HAQ's lookup tables: an array of latencies by layer, b_wt and b_in"
    suffixes: tuple[str, ...] = (".npy",)
    files: tuple[int, int | None] = (1, 1)
    network: Need = Need.OPTIONAL
    precisions: Need = Need.UNUSED

    def read(
        self, paths: Sequence[Path], network: Network | None, precisions: Sequence[Precision]
    ) -> Imported:
        """Read the file; see `Importer.read`."""
        (path,) = paths
        array = _array(path)
        layers = numbered_layers(len(array))
        if network is not None:
            layers = tuple(layer.name for layer in network.layers)
            if len(layers) != len(array):
                raise TableError(
                    f"{path} has {len(array)} layers, and {network.name} has {len(layers)}; "
                    "HAQ's tables name no layers, so that both must have the same in one order."
                )
        latencies = {
            layer: {
                Precision(b_in, b_wt): array[i, b_wt - 1, b_in - 1].item()
                for b_wt in range(1, BITS + 1)
                for b_in in range(1, BITS + 1)
            }
            for i, layer in enumerate(layers)
        }
        table = latency_table(latencies, str(path), Provenance.SIMULATED, network=network)
        return Imported(table, ("The file does not state the unit of its latencies.",))


def _array(path: Path) -> NumberArray:
    data = read_bytes(path)
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # whatever a damaged header makes NumPy raise
        raise TableError(f"{path} is not a NumPy array of numbers: {error}") from error
    if not isinstance(array, np.ndarray):
        raise TableError(f"{path} holds several arrays; give the .npy file of one.")
    if array.ndim != 3 or array.shape[1:] != (BITS, BITS) or not len(array):
        raise TableError(
            f"{path} has the shape {array.shape}; HAQ's tables have (layers, {BITS}, {BITS}): "
            "layer, weight bits - 1, input bits - 1."
        )
    if array.dtype.kind not in "iuf":
        raise TableError(f"{path} holds {array.dtype}, not numbers.")
    return array
