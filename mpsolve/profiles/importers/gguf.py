"""GGUF quantisation types: what the weights of every layer take in llama.cpp.

A type stores a block of weights with its scales. Bits per weight are 8 * bytes / weights of the
``block_*`` structs in ggml-common.h of github.com/ggml-org/ggml. A matrix is quantised row by row,
and only types whose blocks fill the rows can hold it. There are no latencies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError, TableError
from mpsolve.model.precision import WEIGHT_ONLY_B_IN, Precision
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.importers.assemble import layer_type_label
from mpsolve.profiles.importers.files import listed, read_bytes
from mpsolve.profiles.importers.importer import Imported, Need
from mpsolve.profiles.table import LatencyTable
from mpsolve.storage.optional import importing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.profiles.networks.network import Network

#: Type -> weights and bytes of a block. Types for activations and integers are left out.
BLOCKS = {
    "q1_0": (128, 18),
    "iq1_s": (256, 50),
    "tq1_0": (256, 54),
    "iq1_m": (256, 56),
    "iq2_xxs": (256, 66),
    "tq2_0": (256, 66),
    "iq2_xs": (256, 74),
    "iq2_s": (256, 82),
    "q2_k": (256, 84),
    "iq3_xxs": (256, 98),
    "q3_k": (256, 110),
    "iq3_s": (256, 110),
    "mxfp4": (32, 17),
    "iq4_xs": (256, 136),
    "q4_0": (32, 18),
    "iq4_nl": (32, 18),
    "nvfp4": (64, 36),
    "q4_k": (256, 144),
    "q4_1": (32, 20),
    "q5_0": (32, 22),
    "q5_k": (256, 176),
    "q5_1": (32, 24),
    "q6_k": (256, 210),
    "q8_0": (32, 34),
    "f16": (1, 2),
    "bf16": (1, 2),
    "f32": (1, 4),
}


def type_precision(name: str) -> Precision:
    """The precision that a type is called: ``q4_k:4.5``."""
    weights, size = BLOCKS[name]
    return Precision(WEIGHT_ONLY_B_IN, 8 * size / weights, name)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Weights that take one type.

    Attributes
    ----------
    row
        Weights of one row.
    weights
        All weights.
    macs
        MACs per inference, if they are known.
    layer_type
        Name of the layer type, if it is known.
    """

    row: int
    weights: int
    macs: float | None = None
    layer_type: str = ""


@dataclass(frozen=True, slots=True)
class Gguf:
    """All types of every layer of a network, or of every matrix in a file."""

    name: str = "gguf"
    description: str = "sizes of a network, or of the matrices in a file, in all GGUF types"
    suffixes: tuple[str, ...] = (".gguf",)
    files: tuple[int, int | None] = (0, 1)
    network: Need = Need.OPTIONAL
    precisions: Need = Need.UNUSED

    def read(
        self, paths: Sequence[Path], network: Network | None, precisions: Sequence[Precision]
    ) -> Imported:
        """Read the file, or take the layers of the network; see `Importer.read`."""
        if bool(paths) == (network is not None):
            raise InputError("gguf takes either one file or a network, which gives the layers.")
        if network is None:
            return _from_file(paths[0])
        matrices = {
            layer.name: Matrix(
                _row(layer.layer_types[0]), layer.weights, layer.macs, layer_type_label(layer)
            )
            for layer in network.layers
        }
        return Imported(size_table(matrices, network.name))


def size_table(matrices: Mapping[str, Matrix], source: str) -> LatencyTable:
    """The bits that every matrix takes in every type that can hold it.

    Parameters
    ----------
    matrices
        Layer -> its weights.
    source
        What messages call the table.
    """
    candidates = [
        (matrix, type_precision(name), 8 * matrix.weights // per_block * size)
        for matrix in matrices.values()
        for name, (per_block, size) in BLOCKS.items()
        if matrix.row % per_block == 0
    ]
    columns = {"weight_bits_total": np.array([bits for _, _, bits in candidates])}
    if all(matrix.macs is not None for matrix in matrices.values()):
        columns["macs"] = np.array([matrix.macs for matrix, _, _ in candidates])
    counts = [
        sum(matrix.row % per_block == 0 for per_block, _ in BLOCKS.values())
        for matrix in matrices.values()
    ]
    return LatencyTable(
        layers=tuple(matrices),
        offsets=np.cumsum([0, *counts]),
        precisions=tuple(precision for _, precision, _ in candidates),
        columns=columns,
        units={"weight_bits_total": "bit"},
        layer_types=tuple(matrix.layer_type for matrix in matrices.values()),
        provenance=Provenance.DERIVED,
        source=source,
    )


def _row(layer_type: LayerType) -> int:
    """Weights of a row: all inputs of a dense layer, one line of a convolution kernel."""
    dense = layer_type.kernel == (1, 1) and layer_type.groups == 1
    return layer_type.in_channels if dense else layer_type.kernel[1]


def _from_file(path: Path) -> Imported:
    with importing("gguf", "gguf", "Reading a GGUF file"):
        from gguf import GGUFReader
    read_bytes(path)
    try:
        tensors = GGUFReader(path).tensors
    except Exception as error:  # whatever a damaged file makes the reader raise
        raise TableError(f"{path} is not a readable GGUF file: {error}") from error
    dense = [tensor for tensor in tensors if len(tensor.shape) > 1]
    if not dense:
        raise TableError(f"{path} holds no matrix of weights.")
    matrices = {t.name: Matrix(int(t.shape[0]), int(t.n_elements)) for t in dense}
    vectors = [tensor for tensor in tensors if len(tensor.shape) == 1]
    types = [tensor.tensor_type.name.lower() for tensor in dense]
    counts = ", ".join(f"{types.count(name)} {name}" for name in dict.fromkeys(types))
    notes = [f"The matrices are now stored as {counts}."]
    if vectors:
        size = sum(int(tensor.n_bytes) for tensor in vectors)
        notes.append(
            f"Vectors keep their types and take {size:,} bytes more: "
            f"{listed([tensor.name for tensor in vectors])}."
        )
    return Imported(size_table(matrices, str(path)), tuple(notes))
