"""Configurations: the precision of every layer, as searches, heuristics and solvers return it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpsolve.errors import InputError
from mpsolve.precision import Precision


@dataclass(frozen=True)
class Configuration(Mapping[str, Precision]):
    """An immutable map from layer name to `Precision`.

    Attributes
    ----------
    precisions
        The map; the order of the layers is kept.

    Examples
    --------
    >>> Configuration({"conv1": "8b/8b", "fc": "w4a8"})["fc"]
    Precision('8b/4b')
    """

    precisions: Mapping[str, Precision]

    def __post_init__(self) -> None:
        entries = {layer: _precision(layer, value) for layer, value in self.precisions.items()}
        object.__setattr__(self, "precisions", entries)

    def __getitem__(self, layer: str) -> Precision:
        return self.precisions[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.precisions)

    def __len__(self) -> int:
        return len(self.precisions)

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.precisions.items())))

    @classmethod
    def homogeneous(cls, layers: Iterator[str] | tuple[str, ...], precision: str) -> Configuration:
        """The same precision, such as ``"8b/8b"``, in every layer."""
        parsed = Precision.parse(precision)
        return cls(dict.fromkeys(layers, parsed))

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Plain data ``{layer: {"b_in": ..., "b_wt": ...}}``; named formats add ``"name"``."""
        return {layer: precision_to_json(precision) for layer, precision in self.items()}

    def to_quantlib(self) -> dict[str, dict[str, list[float]]]:
        """The ``layer_precs`` export of quantlib's Free Bits code: ``{layer: [b_in, b_wt]}``."""
        return {"layer_precs": {layer: [p.b_in, p.b_wt] for layer, p in self.items()}}

    @classmethod
    def from_json(cls, data: object, source: str = "configuration") -> Configuration:
        """Read plain data in any of the forms that this library and its neighbours write.

        Understood are `to_json`'s map, the JSON of ``mpsolve solve`` (its ``configuration``
        entry), quantlib's ``layer_precs``, and any map from layer to ``"8b/4b"``, to
        ``[b_in, b_wt]`` or to ``{"b_in": ..., "b_wt": ...}``.

        Parameters
        ----------
        data
            Decoded JSON.
        source
            What the data came from, for error messages.
        """
        for key in ("configuration", "layer_precs"):
            if isinstance(data, Mapping) and isinstance(data.get(key), Mapping):
                data = data[key]
        if not isinstance(data, Mapping) or not data:
            raise InputError(
                f"{source}: expected a map from layer to precision, such as "
                '{"conv1": {"b_in": 8, "b_wt": 4}}.'
            )
        try:
            return cls(dict(data))
        except InputError as error:
            raise InputError(f"{source}: {error}") from None

    @classmethod
    def read(cls, path: str | Path) -> Configuration:
        """Read a JSON file in any form that `from_json` understands."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise InputError(f"{path}: cannot read the configuration: {reason}.") from None
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(
                f"{path}: line {error.lineno}, column {error.colno}: not JSON ({error.msg})."
            ) from None
        return cls.from_json(data, str(path))

    def write(self, path: str | Path, *, quantlib: bool = False) -> None:
        """Write `to_json` (or `to_quantlib`) as JSON, one layer per line.

        Parameters
        ----------
        path
            Where to write.
        quantlib
            Write the ``layer_precs`` form instead.
        """
        data = self.to_quantlib() if quantlib else self.to_json()
        Path(path).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def precision_to_json(precision: Precision) -> dict[str, Any]:
    """One precision as plain data."""
    data: dict[str, Any] = {"b_in": precision.b_in, "b_wt": precision.b_wt}
    return data | ({"name": precision.name} if precision.name else {})


def _precision(layer: object, value: object) -> Precision:
    if not isinstance(layer, str):
        raise InputError(f"layer {layer!r}: a layer is named by text.")
    try:
        if isinstance(value, Precision):
            return value
        if isinstance(value, str):
            return Precision.parse(value)
        if isinstance(value, Mapping):
            return Precision(_bits(value["b_in"]), _bits(value["b_wt"]), str(value.get("name", "")))
        if isinstance(value, list | tuple) and len(value) == 2:
            return Precision(_bits(value[0]), _bits(value[1]))
    except KeyError as error:
        raise InputError(f"layer {layer}: {error.args[0]} is missing.") from None
    except (InputError, TypeError, ValueError) as error:
        raise InputError(f"layer {layer}: {error}") from None
    raise InputError(f"layer {layer}: {value!r} is not a precision, write for example 8b/4b.")


def _bits(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{value!r} is not a number of bits.")
    return value
