"""TensorRT: the profile per layer that ``trtexec --exportProfile=FILE.json`` writes.

A file is a list: ``{"count": runs}``, then one object per layer with ``name``, ``timeMs``,
``averageMs``, ``medianMs`` (not before TensorRT 8.4) and ``percentage`` (samples/common/
sampleReporting.cpp of github.com/NVIDIA/TensorRT). One file holds one build of the engine, in
one precision. Layers are fused, ``conv1 + relu1``, and each precision may be fused otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from reprlib import repr as short
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import TableError
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.importers.files import is_number, read_json, spoken
from mpsolve.profiles.importers.importer import Imported, Need
from mpsolve.profiles.importers.per_precision import Profile, Row, combine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.network import Network

#: Layers that TensorRT inserts where a tensor changes its type or its layout.
_CONVERSION = re.compile(r"^Reformatting CopyNode|\breformatter\b", re.IGNORECASE)
_HINT = "Give every node of the ONNX model a name and profile with --profilingVerbosity=detailed."


@dataclass(frozen=True, slots=True)
class TensorRt:
    """One profile per precision; the median of each layer, in older files the mean."""

    name: str = "tensorrt"
    description: str = "TensorRT profiles per layer (trtexec --exportProfile), one per precision"
    suffixes: tuple[str, ...] = (".json",)
    files: tuple[int, int | None] = (1, None)
    network: Need = Need.OPTIONAL
    precisions: Need = Need.REQUIRED

    def read(
        self, paths: Sequence[Path], network: Network | None, precisions: Sequence[Precision]
    ) -> Imported:
        """Read the files; see `Importer.read`."""
        profiles = [_read(path, p) for path, p in zip(paths, precisions, strict=True)]
        return combine(profiles, spoken(paths), Provenance.MEASURED, "ms", network, _HINT)


def _read(path: Path, precision: Precision) -> Profile:
    data = read_json(path)
    if not isinstance(data, list) or not data or not isinstance(data[0], dict):
        raise TableError(
            f"{path} is not a TensorRT profile: it must be a list of one object per layer, as "
            "trtexec --exportProfile writes it."
        )
    entries = data[1:] if "count" in data[0] else data
    if not entries:
        raise TableError(f"{path} has no layers.")
    rows = [_row(path, number, entry) for number, entry in enumerate(entries, 1)]
    conversions = tuple(row for row in rows if _CONVERSION.search(row.name))
    return Profile(
        str(path),
        precision,
        tuple(row for row in rows if not _CONVERSION.search(row.name)),
        {"convert formats": conversions},
    )


def _row(path: Path, number: int, entry: Any) -> Row:
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name:
        raise TableError(f"{path}: layer {number} has no name.")
    value = entry.get("medianMs", entry.get("averageMs"))
    if not is_number(value):
        raise TableError(
            f"{path}: layer {number} ({name}): medianMs or averageMs must be a number of "
            f"milliseconds, not {short(value)}."
        )
    return Row(name, np.array([value], np.float64))
