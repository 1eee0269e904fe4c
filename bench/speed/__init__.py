"""A few times that a change must not make longer: ``python -m pytest bench/speed``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


class Benchmark(Protocol):
    """What pytest-benchmark hands to a test, as far as it is used here; it has no types."""

    def __call__(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function as often as its time asks for."""

    def pedantic(
        self,
        target: Callable[..., T],
        args: Sequence[Any] = (),
        *,
        setup: Callable[[], tuple[Sequence[Any], dict[str, Any]]] | None = None,
        rounds: int = 1,
        warmup_rounds: int = 0,
    ) -> T:
        """Call a function so often, on what a setup makes for every call, if there is one."""
