"""Connected components."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

T = TypeVar("T", bound="Hashable")


def components(items: Sequence[T], joined: Iterable[Iterable[T]]) -> list[tuple[T, ...]]:
    """What is joined, directly or through others: by union-find.

    Parameters
    ----------
    items
        All items, each once.
    joined
        Items that belong together.

    Returns
    -------
    The items of each component in their order, and the components in that of their first items.

    >>> components("abcde", ["ca", "ed"])
    [('a', 'c'), ('b',), ('d', 'e')]
    """
    parent = {item: item for item in items}

    def root(item: T) -> T:
        while parent[item] != item:
            parent[item] = item = parent[parent[item]]
        return item

    for group in joined:
        for one, other in pairwise(group):
            parent[root(other)] = root(one)
    found: dict[T, list[T]] = {}
    for item in items:
        found.setdefault(root(item), []).append(item)
    return [tuple(members) for members in found.values()]
