# The compiled label kernel; buffers of int64 and float64 in, bytes out (see kernel.py).

from typing import Any

def forward(
    arcs: int, nodes: int, tail: Any, head: Any, price: Any, distance: Any, last: Any, /
) -> None: ...
def backward(arcs: int, nodes: int, tail: Any, head: Any, price: Any, distance: Any, /) -> None: ...
def walk(arcs: int, nodes: int, stages: int, tail: Any, last: Any, path: Any, /) -> None: ...
def extend(
    tails: int,
    heads: int,
    resources: int,
    bounds: int,
    labels: int,
    arcs: int,
    most: int,
    label_start: Any,
    loss: Any,
    weight: Any,
    arc_start: Any,
    head: Any,
    arc_loss: Any,
    arc_weight: Any,
    room: Any,
    multiplier: Any,
    rest: Any,
    limit: Any,
    /,
) -> tuple[bytes, bytes, bytes, bytes, bytes, bytes] | None: ...
