"""Configurations: the precision of every layer, as searches, heuristics and solvers return it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mpsolve.errors import InputError
from mpsolve.model.precision import Precision
from mpsolve.storage.atomic import write_text
from mpsolve.storage.frozen import Picklable


@dataclass(frozen=True, eq=False)
class Configuration(Picklable, Mapping[str, Precision]):
    """An immutable map from layer name to `Precision`; equal to any map with the same entries.

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
        object.__setattr__(self, "precisions", MappingProxyType(entries))

    def __getitem__(self, layer: str) -> Precision:
        return self.precisions[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.precisions)

    def __len__(self) -> int:
        return len(self.precisions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self.precisions) == dict(other)

    def __hash__(self) -> int:
        return hash(frozenset(self.precisions.items()))

    def __repr__(self) -> str:
        return f"Configuration({dict(self.precisions)})"

    @classmethod
    def homogeneous(cls, layers: Iterable[str], precision: Precision | str) -> Configuration:
        """The same precision, such as ``"8b/8b"``, in every layer."""
        parsed = precision if isinstance(precision, Precision) else Precision.parse(precision)
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
            inner = data.get(key, ()) if isinstance(data, Mapping) else ()
            if inner is None:
                raise InputError(f"{source}: the answer holds no configuration; solve it again.")
            if isinstance(inner, Mapping) and "b_in" not in inner:  # else a layer of that name
                data = inner
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
            text = Path(path).read_text(encoding="utf-8-sig")
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

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        data = self.to_quantlib()["layer_precs"] if quantlib else self.to_json()
        lines = (f"  {json.dumps(layer)}: {json.dumps(entry)}" for layer, entry in data.items())
        text = "{\n" + ",\n".join(lines) + "\n}"
        text = f'{{"layer_precs": {text}}}\n' if quantlib else f"{text}\n"
        write_text(path, text)


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
            name = value.get("name") or ""
            return Precision(_bits(value["b_in"]), _bits(value["b_wt"]), str(name))
        if isinstance(value, list | tuple) and len(value) == 2:
            return Precision(_bits(value[0]), _bits(value[1]))
    except KeyError as error:
        raise InputError(f"layer {layer}: {error.args[0]} is missing.") from None
    except (InputError, TypeError, ValueError) as error:
        raise InputError(f"layer {layer}: {error}") from None
    raise InputError(f"layer {layer}: {value!r} is not a precision, write for example 8b/4b.")


def _bits(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{value!r} is not a number of bits.")
    return float(value)
