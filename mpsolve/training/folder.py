"""The folder of a run: what it was asked for, how far it has come, and what it found."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from mpsolve.errors import InputError
from mpsolve.storage.atomic import write_text, writing
from mpsolve.storage.optional import installed_version
from mpsolve.training.checkpoint import save_checkpoint
from mpsolve.training.metrics import CsvRecorder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from torch import nn

    from mpsolve.model.configuration import Configuration
    from mpsolve.training.data import DataSet

#: What may differ in a run that goes on: it may become longer, and its recipe have another name.
_FREE = ("recipe.epochs", "recipe.name", "recipe.source")


@dataclass(frozen=True)
class RunFolder:
    """The files of a run; see `open_folder`.

    Attributes
    ----------
    path
        The folder.
    first
        Whether this process is the one that writes.
    """

    path: Path
    first: bool = True

    @property
    def checkpoint(self) -> Path:
        """What training goes on from."""
        return self.path / "checkpoint.pt"

    @property
    def metrics(self) -> Path:
        """One row per epoch."""
        return self.path / "metrics.csv"

    @property
    def configuration(self) -> Path:
        """The precision of every layer."""
        return self.path / "configuration.json"

    @property
    def weights(self) -> Path:
        """The parameters and buffers of the model at the end."""
        return self.path / "weights.pt"

    @property
    def recorder(self) -> CsvRecorder:
        """What writes `metrics`."""
        return CsvRecorder(self.metrics)

    def write_configuration(self, configuration: Configuration) -> None:
        """Replace `configuration`, all of it or nothing."""
        if self.first:
            configuration.write(self.configuration)

    def write_weights(self, model: nn.Module) -> None:
        """Replace `weights`."""
        if self.first:
            save_checkpoint(self.weights, model.state_dict())


def open_folder(
    path: str | PathLike[str],
    settings: Mapping[str, Any],
    origin: Mapping[str, Any] | None = None,
    *,
    first: bool = True,
) -> RunFolder:
    """Begin a run in a folder, or go on with the one that is there.

    ``run.json`` holds the settings and the versions of what computes.

    Parameters
    ----------
    path
        The folder, which is made if need be.
    settings
        Plain values, and maps and lists of them.
    origin
        What else is needed to make the model anew, which may differ when the run goes on.
    first
        Whether this process is the one that writes.

    Raises
    ------
    InputError
        If the folder holds a run with other settings, or anything but a run.
    """
    folder = Path(path)
    file = folder / "run.json"
    settings = json.loads(json.dumps(settings))
    if file.exists():
        _require_same(settings, read_record(folder)["settings"], folder)
    elif first and folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} holds other files and no run; name another folder.")
    if first:
        record = {"settings": settings, "origin": dict(origin or {}), "versions": versions()}
        text = json.dumps(record, indent=2)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        write_text(file, f"{text}\n")
    return RunFolder(folder, first)


def versions() -> dict[str, str]:
    """What computes, and in which version."""
    return {
        "mpsolve": installed_version("mpsolve"),
        "torch": str(torch.__version__),
        "numpy": installed_version("numpy"),
        "python": platform.python_version(),
    }


def origin_of(data: DataSet) -> dict[str, Any]:
    """What settings leave out and `mpsolve.training.load_run` needs: see `open_folder`."""
    return {
        "data": data.spec,
        "input_shape": list(data.input_shape),
        "classes": data.classes,
        "directory": str(Path.cwd()),
    }


def fingerprint(model: nn.Module) -> str:
    """A digest of all parameters and buffers."""
    digest = sha256()
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:16]


def read_record(folder: Path) -> dict[str, Any]:
    """What ``run.json`` of a folder holds: ``settings``, ``origin`` and ``versions``.

    Raises
    ------
    InputError
        If it cannot be read, or is no record of a run.
    """
    file = folder / "run.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("settings"), dict):
        raise InputError(f"{file} is no record of a run; name another folder.")
    return content


def _require_same(own: Mapping[str, Any], theirs: Mapping[str, Any], folder: Path) -> None:
    mine, old = _flat(own), _flat(theirs)
    names = [n for n in dict.fromkeys([*mine, *old]) if n not in _FREE]
    other = [name for name in names if mine.get(name) != old.get(name)]
    if other:
        name = other[0]
        more = f", and with another {' and another '.join(other[1:3])}" if other[1:] else ""
        raise InputError(
            f"{folder} holds a run with {name} {_said(old, name)}, not {_said(mine, name)}{more}; "
            "name another folder, or remove it to begin anew."
        )


def _said(values: Mapping[str, Any], name: str) -> str:
    return json.dumps(values[name]) if name in values else "unset"


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested maps as one, with dots in the names."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
