# The extension module built from the C files of this folder.

from collections.abc import Callable

from mpsolve.typing import FloatArray, IntArray, NumberArray

def fixed_point(
    values: NumberArray, offsets: IntArray, bits: int, round_up: bool, integers: IntArray, /
) -> tuple[int, bool]: ...
def forward(
    tail: IntArray, head: IntArray, price: FloatArray, distance: FloatArray, last: IntArray, /
) -> None: ...
def backward(
    tail: IntArray, head: IntArray, price: FloatArray, distance: FloatArray, /
) -> None: ...
def walk(tail: IntArray, last: IntArray, path: IntArray, /) -> None: ...
def extend(
    label_start: IntArray,
    loss: IntArray,
    weight: IntArray,
    arc_start: IntArray,
    head: IntArray,
    arc_loss: IntArray,
    arc_weight: IntArray,
    room: IntArray,
    multiplier: FloatArray,
    rest: FloatArray,
    limit: FloatArray,
    most: int,
    /,
) -> tuple[bytes, bytes, bytes, bytes, bytes, bytes] | None: ...

class Knapsack:
    base_loss: int

    def __init__(self, weights: IntArray, losses: IntArray, offsets: IntArray, /) -> None: ...
    def spread(self, excess: int, /) -> int: ...
    def front(
        self,
        epsilon: float,
        base_loss: int,
        label_limit: int,
        step_limit: int,
        deadline: float,
        report: Callable[[int, int], None] | None,
        /,
    ) -> tuple[bytes, int]: ...
    def search(
        self,
        capacity: int,
        choice: IntArray,
        start: IntArray | None,
        deadline: float,
        label_limit: int,
        gap: float,
        report: Callable[[int, int], None] | None,
        tuning: tuple[int, int, int, float, int, int, float, float, int, int],
        /,
    ) -> tuple[int, int, int] | None: ...
