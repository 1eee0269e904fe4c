"""A file that takes up measured operands one by one, so that a killed run can go on."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mpsolve.errors import InputError
from mpsolve.storage.journal import JsonLines
from mpsolve.training.sensitivity.examples import digest_tensor
from mpsolve.training.sensitivity.metric import Metric, Sensitivity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from mpsolve.model.precision import Precision
    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import QuantisableModel


class SensitivityCheckpoint:
    """What was measured, in memory and, if there is one, in a file.

    Attributes
    ----------
    measured
        Operand, or layer -> bit-width, or precision -> its sensitivity.

    Raises
    ------
    InputError
        If the file cannot be used: it is none of ours, or that of another measurement.
    """

    def __init__(
        self,
        path: str | PathLike[str] | None,
        metric: Metric,
        model: QuantisableModel,
        data: Examples,
        candidates: Mapping[str, Sequence[Precision]],
    ) -> None:
        self.measured: dict[str, dict[str, Sensitivity]] = {}
        self._path = path
        self._lines = None if path is None else JsonLines(path, "a checkpoint of sensitivities")
        if self._lines is None:
            return
        header = {
            "mpsolve": "sensitivities",
            "metric": f"{metric.name}: {metric!r}",
            "data": data.fingerprint,
            "model": fingerprint(model),
            "precisions": {layer: [*map(str, own)] for layer, own in candidates.items()},
        }
        entries = self._lines.read()
        if not entries:
            self._lines.append(header)
            return
        require_own(path, entries[0], header, "a checkpoint of sensitivities")
        for entry in entries[1:]:
            self._take(entry)

    def append(self, key: str, found: dict[str, Sensitivity]) -> None:
        """Take up what was measured of one operand or layer."""
        self.measured[key] = found
        if self._lines is not None:
            values = {of: [s.value, s.error] for of, s in found.items()}
            self._lines.append({"measured": key, "values": values})

    def _take(self, entry: Any) -> None:
        try:
            self.measured[entry["measured"]] = {
                of: Sensitivity(float(value), float(error))
                for of, (value, error) in entry["values"].items()
            }
        except (AttributeError, KeyError, TypeError, ValueError):
            raise InputError(
                f"{self._path} holds a line that is no sensitivity: {json.dumps(entry)[:60]}"
            ) from None


def require_own(
    path: str | PathLike[str] | None, theirs: Any, own: Mapping[str, Any], what: str
) -> None:
    """Refuse a file that begins with another header.

    Raises
    ------
    InputError
        If it is none of ours, or that of another measurement.
    """
    if not isinstance(theirs, dict) or theirs.get("mpsolve") != own["mpsolve"]:
        raise InputError(f"{path} is not {what}.")
    if other := [name for name in own if theirs.get(name) != own[name]]:
        raise InputError(
            f"{path} was measured with another {' and another '.join(other)}; name another file, "
            "or remove it to begin anew."
        )


def fingerprint(model: QuantisableModel) -> str:
    """A digest of all parameters, buffers and thresholds."""
    digest = sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        if isinstance(value, Tensor):
            digest_tensor(digest, value)
    return digest.hexdigest()
