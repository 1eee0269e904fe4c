"""The least loss for every pair of limits on ROM and RAM.

Exact at every point. What fits tighter limits fits looser ones, so the optimum never grows with a
limit; where the optimum of looser limits already keeps tighter ones, it is theirs too, and where
looser limits admit nothing, tighter ones do not either. Both save most of the searches.
"""

from __future__ import annotations

import math
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import InputError
from mpsolve.mcu.cells import Cells
from mpsolve.mcu.fitting import fewest_bits, usage
from mpsolve.mcu.setting import DEFAULT_SETTING, mcu_problem
from mpsolve.model.configuration import Configuration
from mpsolve.model.precision import Precision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from os import PathLike

    from mpsolve.mcu.fitting import Usage
    from mpsolve.mcu.setting import Setting
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.typing import FloatArray, IntArray

#: How many limits of each kind `limits_between` gives.
COUNT = 12
#: The lowest of them is this part of what the network needs at least, to show where nothing fits.
BELOW = 0.9


@dataclass(frozen=True, eq=False)
class Surface:
    """The least loss within pairs of limits.

    Attributes
    ----------
    network, setting
        What the limits are for.
    loss_name
        What is minimised.
    rom, ram
        ``(R,)`` and ``(M,)`` int64, the limits in bytes, each increasing.
    loss
        ``(R, M)`` float64; inf where nothing fits. It grows along neither axis.
    configurations
        ``(R, M)`` objects, what attains it; None where nothing fits.
    solved
        How many of the pairs took a search.
    seconds
        Wall time.
    """

    network: Network
    setting: Setting
    loss_name: str
    rom: IntArray
    ram: IntArray
    loss: FloatArray
    configurations: tuple[tuple[Configuration | None, ...], ...]
    solved: int
    seconds: float

    def usage(self, i: int, j: int) -> Usage | None:
        """What the configuration of a pair of limits takes; None where nothing fits."""
        configuration = self.configurations[i][j]
        return usage(self.network, configuration, self.setting) if configuration else None

    def rows(self) -> Iterator[dict[str, Any]]:
        """One row per pair of limits, as the CSV file has them."""
        for i, rom in enumerate(self.rom.tolist()):
            for j, ram in enumerate(self.ram.tolist()):
                used = self.usage(i, j)
                yield {
                    "rom_limit": rom,
                    "ram_limit": ram,
                    "fits": used is not None,
                    "loss": float(self.loss[i, j]) if used else None,
                    "rom": used.rom if used else None,
                    "ram": used.ram if used else None,
                    "node": used.node if used else None,
                }

    def to_json(self) -> dict[str, Any]:
        """Plain data, with the configurations."""
        return {
            "network": self.network.name,
            "loss_name": self.loss_name,
            "rom": self.rom.tolist(),
            "ram": self.ram.tolist(),
            "loss": [[v if math.isfinite(v) else None for v in row] for row in self.loss.tolist()],
            "configurations": [
                [c.to_json() if c else None for c in row] for row in self.configurations
            ],
            "solved": self.solved,
            "seconds": self.seconds,
        }


def limits_between(
    network: Network, setting: Setting = DEFAULT_SETTING, count: int = COUNT
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Limits on ROM and on RAM from where nothing fits to where every bit does."""
    least = usage(network, fewest_bits(network, setting), setting)
    most = usage(network, _most_bits(network, setting), setting)

    def spread(low: int, high: int) -> tuple[int, ...]:
        between = np.linspace(low, max(high, low + 1), count - 1)
        return tuple(np.unique(np.ceil([BELOW * low, *between]).astype(int)).tolist())

    return spread(least.rom, most.rom), spread(least.ram, most.ram)


def surface(
    network: Network,
    rom: Sequence[int],
    ram: Sequence[int],
    *,
    loss: str | None = None,
    sensitivities: LatencyTable | str | PathLike[str] | None = None,
    setting: Setting = DEFAULT_SETTING,
    method: str = "auto",
    checkpoint: str | PathLike[str] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Surface:
    """Solve for every pair of limits.

    Parameters
    ----------
    network
        The network.
    rom, ram
        The limits in bytes.
    loss, sensitivities, setting
        As in `mpsolve.mcu.mcu_problem`.
    method
        An exact method.
    checkpoint
        A file that takes up every answer; a run that was stopped goes on from it.
    progress
        Is told which part of the pairs is done.

    Raises
    ------
    InputError
        If there are no limits, or the checkpoint is that of another surface.
    NoSolutionError
        If a search was stopped.
    """
    began = time.perf_counter()
    if not (rom and ram):
        raise InputError("A surface needs limits on ROM and on RAM.")
    roms, rams = np.unique(np.array(rom, np.int64)), np.unique(np.array(ram, np.int64))
    problem = mcu_problem(network, loss=loss, sensitivities=sensitivities, setting=setting)
    order = [(i, j) for j in reversed(range(len(rams))) for i in reversed(range(len(roms)))]
    with closing(Cells(network, problem, setting, roms, rams, method, checkpoint)) as cells:
        for done, (i, j) in enumerate(order, 1):
            cells.fill(i, j)
            if progress:
                progress(done / len(order))
    cells.settle()
    return Surface(
        network,
        setting,
        problem.loss_name,
        roms,
        rams,
        cells.loss,
        cells.configurations(),
        cells.solved,
        time.perf_counter() - began,
    )


def _most_bits(network: Network, setting: Setting) -> Configuration:
    most = setting.bits[-1]
    return Configuration({layer.name: Precision(most, most) for layer in network.layers})
