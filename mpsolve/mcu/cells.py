"""The pairs of limits of a surface, answered from the loosest to the tightest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.building.ram import ram_budget
from mpsolve.errors import InputError, NoSolutionError
from mpsolve.fronts.checkpoint import fingerprint
from mpsolve.mcu.fitting import usage
from mpsolve.model.evaluation import evaluate
from mpsolve.model.solution import Status
from mpsolve.solving.session import Session
from mpsolve.storage.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from mpsolve.mcu.setting import Setting
    from mpsolve.model.configuration import Configuration
    from mpsolve.model.problem import Problem
    from mpsolve.profiles.networks.network import Network
    from mpsolve.typing import IntArray


class Cells:
    """The answers so far.

    Attributes
    ----------
    loss
        ``(R, M)`` float64; inf where nothing fits or nothing is known.
    choices
        ``(i, j)`` -> what attains it, or None where nothing fits.
    takes
        ``(i, j)`` -> bytes of ROM and RAM that it takes.
    solved
        How many searches there were.
    """

    def __init__(
        self,
        network: Network,
        problem: Problem,
        setting: Setting,
        roms: IntArray,
        rams: IntArray,
        method: str,
        checkpoint: str | PathLike[str] | None,
    ) -> None:
        self.network, self.problem, self.setting = network, problem, setting
        self.roms, self.rams, self.method = roms, rams, method
        self.loss = np.full((len(roms), len(rams)), math.inf)
        self.choices: dict[tuple[int, int], IntArray | None] = {}
        self.takes: dict[tuple[int, int], tuple[int, int]] = {}
        self.solved = 0
        self.within: dict[int, Session] = {}
        self.known: dict[tuple[int, int], IntArray | None] = {}
        self._journal = self._open(checkpoint)

    def close(self) -> None:
        """Let other runs use the file."""
        self._journal.close()

    def fill(self, i: int, j: int) -> None:
        """Answer one pair; all looser ones are answered."""
        looser = [(i + 1, j), (i, j + 1)]
        looser = [cell for cell in looser if cell in self.choices]
        if any(self.choices[cell] is None for cell in looser):
            self.choices[i, j] = None
            return
        limits = (int(self.roms[i]), int(self.rams[j]))
        for cell in looser:
            if all(used <= limit for used, limit in zip(self.takes[cell], limits, strict=True)):
                self._put(i, j, self.choices[cell])
                return
        self._put(i, j, self._optimum(j, *limits))

    def settle(self) -> None:
        """Let no rounding of a loss break what holds exactly: what fits less fits more."""
        for i in range(len(self.roms)):
            for j in range(len(self.rams)):
                for cell in ((i - 1, j), (i, j - 1)):
                    if cell in self.choices and self.loss[cell] < self.loss[i, j]:
                        self._put(i, j, self.choices[cell])

    def configurations(self) -> tuple[tuple[Configuration | None, ...], ...]:
        """What was found."""
        return tuple(
            tuple(self._configuration(self.choices[i, j]) for j in range(len(self.rams)))
            for i in range(len(self.roms))
        )

    def _configuration(self, choice: IntArray | None) -> Configuration | None:
        return None if choice is None else self.problem.configuration(choice)

    def _put(self, i: int, j: int, choice: IntArray | None) -> None:
        self.choices[i, j] = choice
        if choice is None:
            return
        used = usage(self.network, self.problem.configuration(choice), self.setting)
        self.takes[i, j] = (used.rom, used.ram)
        self.loss[i, j] = evaluate(self.problem, choice).loss

    def _optimum(self, j: int, rom: int, ram: int) -> IntArray | None:
        if (rom, ram) in self.known:
            return self.known[rom, ram]
        if j not in self.within:
            budget = ram_budget(self.problem, self.network, ram, rules=self.setting.rules)
            self.within[j] = Session(budget.on(self.problem))
        solution = self.within[j].solve({"rom": rom}, self.method, explain=False)
        if solution.status not in (Status.OPTIMAL, Status.INFEASIBLE):
            raise NoSolutionError(
                f"The surface was stopped at {rom:,} bytes of ROM and {ram:,} bytes of RAM, after "
                f"{self.solved} searches; with a checkpoint the same command goes on from there."
            )
        self.solved += 1
        found = None if solution.choice is None else solution.choice.tolist()
        self._journal.append({"rom": rom, "ram": ram, "choice": found})
        return solution.choice

    def _open(self, path: str | PathLike[str] | None) -> Journal:
        rows = ram_budget(self.problem, self.network, 0, rules=self.setting.rules)
        header = {
            "mpsolve": "surface",
            "fingerprint": fingerprint(rows.on(self.problem), "rom", 0.0),
            "source": self.problem.source,
            "setting": repr(self.setting),
        }

        def check(theirs: Mapping[str, Any]) -> None:
            if theirs != header:
                raise InputError(
                    f"{path} belongs to the surface of another problem; name another file."
                )

        def take(entry: Any) -> None:
            choice = None if entry["choice"] is None else np.array(entry["choice"], np.int64)
            self.known[entry["rom"], entry["ram"]] = choice

        return Journal(
            path,
            "the checkpoint of a surface",
            header,
            take,
            check=check,
            key=lambda entry: (entry["rom"], entry["ram"]),
        )
