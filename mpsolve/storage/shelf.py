"""Things that are built once, whichever thread asks first."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_T = TypeVar("_T")


class Shelf:
    """Things that are built by whoever asks for them first, and only looked at from then on.

    Any number of threads may ask; the others wait until a thing is built. What raises an error is
    not kept.
    """

    def __init__(self) -> None:
        self._things: dict[Hashable, Any] = {}
        self._lock = RLock()  # to build one thing may take another

    def once(self, key: Hashable, build: Callable[[], _T]) -> _T:
        """The thing of this key, which is immutable."""
        if key not in self._things:
            with self._lock:
                if key not in self._things:
                    self._things[key] = build()
        return cast("_T", self._things[key])
