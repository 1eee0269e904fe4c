# The extension module built from the folder kernel.

from collections.abc import Callable

from mpsolve.typing import IntArray, NumberArray

def fixed_point(
    values: NumberArray, offsets: IntArray, bits: int, round_up: bool, integers: IntArray, /
) -> tuple[int, bool]: ...

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
        constants: tuple[int, int, int, int, int, float, float, float, int, int],
        /,
    ) -> tuple[int, int, int] | None: ...
