"""A file that takes up measured operands one by one, so that a killed run can go on."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mpsolve.errors import InputError
from mpsolve.storage.journal import Journal
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
        If the file cannot be used: it is none of ours, that of another measurement, or being
        written.
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
        header = {
            "mpsolve": "sensitivities",
            "metric": f"{metric.name}: {metric!r}",
            "data": data.fingerprint,
            "model": fingerprint(model),
            "precisions": {layer: [*map(str, own)] for layer, own in candidates.items()},
        }
        self._journal = Journal(
            path,
            "a checkpoint of sensitivities",
            header,
            self._take,
            check=lambda theirs: require_own(path, theirs, header),
            key=lambda entry: entry["measured"],
        )

    def close(self) -> None:
        """Let other runs use the file."""
        self._journal.close()

    def append(self, key: str, found: dict[str, Sensitivity]) -> None:
        """Take up what was measured of one operand or layer."""
        values = {of: [s.value, s.error] for of, s in found.items()}
        self._journal.append({"measured": key, "values": values})
        self.measured[key] = found

    def _take(self, entry: Any) -> None:
        self.measured[entry["measured"]] = {
            of: Sensitivity(float(value), float(error))
            for of, (value, error) in entry["values"].items()
        }


def require_own(
    path: str | PathLike[str] | None, theirs: Mapping[str, Any], own: Mapping[str, Any]
) -> None:
    """Refuse a file that begins with another header.

    Raises
    ------
    InputError
        If it is that of another measurement.
    """
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
