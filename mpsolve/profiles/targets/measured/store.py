"""Samples on disk, so that a killed run goes on where it ended.

JSON lines: the first is the `Record`, each further one holds the samples that one pass took of a
layer type in one precision. The precisions of a layer type are measured and written together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import InputError
from mpsolve.model.configuration import precision_to_json
from mpsolve.model.precision import Precision
from mpsolve.profiles.targets.measured.record import Record
from mpsolve.storage.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike

    from mpsolve.typing import FloatArray

KIND = "samples"
#: Digits after the point of microseconds: the clock counts nanoseconds, samples are means.
DIGITS = 4


class Store:
    """The samples of one record, in memory and, if it has a path, in a file.

    Parameters
    ----------
    record
        The circumstances under which further samples will be taken.
    path
        The file; it is begun where there is none.

    Raises
    ------
    InputError
        If the file is none of ours, was measured under other circumstances, or is being written.
    """

    def __init__(self, record: Record, path: str | PathLike[str] | None = None) -> None:
        self._path = path
        self._passes: dict[tuple[str, Precision], list[FloatArray]] = {}
        self._record = record
        header = {"mpsolve": KIND, **record.to_json()}
        self._journal = Journal(path, "a store of samples", header, self._take, check=self._check)

    def close(self) -> None:
        """Let other runs use the file."""
        self._journal.close()

    def passes(self, subject: object, precisions: Iterable[Precision]) -> int:
        """How many passes there are of something in all these precisions."""
        counts = (len(self._passes.get((str(subject), p), ())) for p in precisions)
        return min(counts, default=0)

    def samples(self, subject: object, precision: Precision) -> FloatArray:
        """``(passes, rounds)`` samples in microseconds."""
        return np.array(self._passes[str(subject), precision])

    def add(self, subject: object, samples: Mapping[Precision, FloatArray]) -> None:
        """Keep one pass; it is in the file when this returns."""
        lines = []
        for precision, values in samples.items():
            rounded = [round(float(value), DIGITS) for value in values]
            names = {"subject": str(subject), **precision_to_json(precision)}
            lines.append({**names, "samples_us": rounded})
            self._keep(str(subject), precision, rounded)
        self._journal.append(*lines)

    def _keep(self, layer_type: str, precision: Precision, samples: list[float]) -> None:
        self._passes.setdefault((layer_type, precision), []).append(np.array(samples, np.float64))

    def _check(self, header: Mapping[str, Any]) -> None:
        theirs = Record.from_json(header)
        if name := self._record.difference(theirs):
            raise InputError(
                f"{self._path} was measured with {name} {_shown(getattr(theirs, name))}, not "
                f"{_shown(getattr(self._record, name))}, and the two do not mix; name another file."
            )

    def _take(self, entry: Mapping[str, Any]) -> None:
        precision = Precision(entry["b_in"], entry["b_wt"], entry.get("name", ""))
        self._keep(entry["subject"], precision, [float(value) for value in entry["samples_us"]])


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return " ".join(value) if isinstance(value, tuple) else str(value)
