"""Support for the frozen dataclasses of the domain."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, eq=False)
class Picklable:
    """Pickles and copies a frozen dataclass although its maps are read-only views."""

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        state = {f.name: getattr(self, f.name) for f in fields(self)}
        plain = {k: dict(v) if isinstance(v, MappingProxyType) else v for k, v in state.items()}
        return partial(type(self), **plain), ()
