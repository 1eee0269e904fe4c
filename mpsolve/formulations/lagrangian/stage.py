"""One stage of the label setting: the labels before it, its arcs, and what may still follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpsolve.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Labels:
    """Partial paths to the nodes of one layer, by increasing node and loss.

    Attributes
    ----------
    start
        ``(V + 1,)`` int64, where the labels of each node begin and end.
    loss
        ``(L,)`` int64.
    weight
        ``(L, R)`` int64.
    parent, arc
        ``(L,)`` int64, the label before the stage, and the arc of the stage.
    excess
        ``(L,)`` the tightest bound on a completion minus its limit, at most 0.
    """

    start: IntArray
    loss: IntArray
    weight: IntArray
    parent: IntArray
    arc: IntArray
    excess: FloatArray


@dataclass(frozen=True, eq=False)
class Stage:
    """The arcs of a stage between T tails and H heads, and what may still follow the heads.

    Attributes
    ----------
    arc_start
        ``(T + 1,)`` int64, where the arcs of each tail begin and end.
    head
        ``(A,)`` int64, counted from the first head.
    loss
        ``(A,)`` int64.
    weight
        ``(A, R)`` int64.
    room
        ``(H, R)`` int64, the most that a label may weigh at each head.
    multiplier
        ``(B, R)`` of every bound.
    rest
        ``(B, H)`` priced distances to the sink.
    limit
        ``(B,)`` what loss + multiplier * weight + rest must not exceed.
    """

    arc_start: IntArray
    head: IntArray
    loss: IntArray
    weight: IntArray
    room: IntArray
    multiplier: FloatArray
    rest: FloatArray
    limit: FloatArray
