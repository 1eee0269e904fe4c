"""The L1 tile by constraint programming, as DORY itself looks for it: a check of the enumeration.

The memory rule and the score are those of `mpsolve.profiles.targets.pulp.tiling`, here written as
the constraints of a CP-SAT model instead of arithmetic on arrays.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mpsolve.profiles.targets.pulp.geometry import Geometry
from mpsolve.profiles.targets.pulp.platform import CORES
from mpsolve.profiles.targets.pulp.tiling import (
    ALIGNMENT,
    BUFFERS,
    SMALL_MAP,
    Tile,
    whole_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def l1_tiles_by_cpsat(
    geometries: Sequence[Geometry], l1_bytes: int
) -> list[tuple[Tile, int] | None]:
    """Per layer the tile of greatest score, and the score with the bytes in use; None if none fits.

    A layer that fits as a whole is not searched, and its score is 0. All layers are searched in one
    process of their own, since OR-Tools cannot be loaded beside SciPy's HiGHS.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tests.profiles.targets.pulp.tiling_cpsat"],
        input=json.dumps([[asdict(geometry) for geometry in geometries], l1_bytes]),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    return [found and (Tile(**found[0]), found[1]) for found in json.loads(done.stdout)]


def _serve() -> None:
    """Answer the question on standard input."""
    geometries, l1_bytes = json.load(sys.stdin)
    answers = (_best(Geometry(**geometry), l1_bytes) for geometry in geometries)
    json.dump([found and (asdict(found[0]), found[1]) for found in answers], sys.stdout)


def _best(geometry: Geometry, l1_bytes: int) -> tuple[Tile, int] | None:
    """The search for one layer; one worker and a fixed seed make it reproducible."""
    from ortools.sat.python import cp_model

    if whole_bytes(geometry) <= l1_bytes:
        return Tile(geometry.out_channels, geometry.out_h, geometry.out_w, whole=True), 0
    search = _Search(cp_model.CpModel(), geometry, l1_bytes)
    used = search.tile_bytes()
    search.model.add(used <= l1_bytes)
    search.model.maximize(search.score() + used)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    status = solver.solve(search.model)
    if status == cp_model.INFEASIBLE:
        return None
    assert status == cp_model.OPTIMAL, solver.status_name(status)
    tile = Tile(
        solver.value(search.channels), solver.value(search.height), solver.value(search.width)
    )
    return tile, round(solver.objective_value)


class _Search:
    """Variables of a tile, and what is computed from them."""

    def __init__(self, model: Any, geometry: Geometry, l1_bytes: int) -> None:
        self.model, self.geometry = model, geometry
        #: No product can be larger in a tile that fits, whatever is counted in it.
        self.limit = 8 * l1_bytes
        g = geometry
        fixed_height = g.depthwise and max(g.in_h, g.in_w) <= SMALL_MAP
        self.height = model.new_int_var(g.out_h if fixed_height else 1, g.out_h, "height")
        self.width = model.new_int_var(g.out_w if g.depthwise else 1, g.out_w, "width")
        step = min(g.unit, g.out_channels)
        units = model.new_int_var(1, g.out_channels // step, "units")
        self.channels = model.new_int_var(step, g.out_channels, "channels")
        model.add(self.channels == step * units)

    def tile_bytes(self) -> Any:
        """L1 bytes of the tile."""
        g, n = self.geometry, self.channels
        rows = self._minimum((self.height - 1) * g.stride + g.k, g.in_h)
        columns = self._minimum((self.width - 1) * g.stride + g.k, g.in_w)
        pixels = self._product(rows, columns)
        inputs = self._product(n, pixels) if g.depthwise else g.in_channels * pixels
        outputs = self._product(n, self._product(self.height, self.width))
        used = self._bytes(BUFFERS * g.b_in * inputs)
        used += self._bytes(BUFFERS * g.out_bits * outputs)
        used += self._bytes(BUFFERS * g.depth * g.b_wt * n)
        if g.linear:
            return used + g.constant_bytes * g.out_channels + ALIGNMENT
        used += BUFFERS * g.constant_bytes * n + ALIGNMENT
        if not g.depthwise:
            return used + 2 * CORES * g.depth
        widened = 0 if g.b_wt == 8 else BUFFERS * 64 * g.k**2
        return used + g.unit * (CORES * (g.k * (n + g.padding) + g.k) + widened)

    def score(self) -> Any:
        """What DORY maximises, without the bytes in use."""
        g, n, h, w = self.geometry, self.channels, self.height, self.width
        last_n = self._remainder(g.out_channels - 1, n)
        last_h, last_w = self._remainder(g.out_h - 1, h), self._remainder(g.out_w - 1, w)
        if g.depthwise:
            return (
                10_000 * self._holds(n, 8)
                + 20_000 * self._remainder(n - 1, 16)
                + 10_000 * (1 - self._holds(self._remainder(h, 4), 1))
                + 1_000 * (w + h)
                + 100 * (last_h + last_w + self._holds(last_n, 8) + self._remainder(last_h, 4))
            )
        return (
            2_000_000 * self._remainder(h - 1, 8)
            + 3_000_000 * self._remainder(w - 1, 2)
            + 1_000_000 * self._remainder(n - 1, 4)
            + 1_000_000 * self._holds(self._product(w, h), 16)
            + 100_000 * n
            + 10_000 * (last_n + self._remainder(last_n, 4))
            + 20_000 * self._remainder(last_h, 8)
            + 30_000 * self._remainder(last_w, 2)
        )

    def _number(self) -> Any:
        return self.model.new_int_var(0, self.limit, "")

    def _minimum(self, expression: Any, most: int) -> Any:
        number = self.model.new_int_var(0, most, "")
        self.model.add_min_equality(number, [expression, most])
        return number

    def _product(self, one: Any, other: Any) -> Any:
        number = self._number()
        self.model.add_multiplication_equality(number, [one, other])
        return number

    def _bytes(self, bits: Any) -> Any:
        number = self._number()
        self.model.add_division_equality(number, bits, 8)
        return number

    def _remainder(self, expression: Any, divisor: Any) -> Any:
        number = self._number()
        self.model.add_modulo_equality(number, expression, divisor)
        return number

    def _holds(self, expression: Any, least: int) -> Any:
        """1 if an expression is at least so much, else 0."""
        holds = self.model.new_bool_var("")
        self.model.add(expression >= least).only_enforce_if(holds)
        self.model.add(expression < least).only_enforce_if(~holds)
        return holds


if __name__ == "__main__":
    _serve()
