"""A sweep: instances x budgets x methods x seeds x repeats, each run once, whatever happens."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mpsolve.bench.contender import CONTENDERS, Kind, contender_named
from mpsolve.bench.reference import establish
from mpsolve.bench.result import OVER, Claim, Reference, Row
from mpsolve.bench.store import Store
from mpsolve.bench.trial import Trial, run_trial
from mpsolve.errors import InputError
from mpsolve.storage.atomic import write_text
from mpsolve.storage.lock import locked_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import Any, TypeAlias

    #: Calls a function for every tuple of arguments and yields the results as they come.
    Executor: TypeAlias = Callable[[Callable[..., Any], Iterable[tuple[Any, ...]]], Iterator[Any]]
    #: Told what is being done, how many results there are and how many there will be.
    Watch: TypeAlias = Callable[[str, int, int], None]

#: What is drawn over the whole range of budgets: all that take milliseconds or their own time.
FRONT_KINDS = (Kind.OURS, Kind.HEURISTIC, Kind.BASELINE)


@dataclass(frozen=True)
class Sweep:
    """What is to be run.

    Attributes
    ----------
    instances, levels, methods
        Names of instances, places of budgets in their range in per cent, names of methods.
    seeds
        For the methods that draw random numbers; the others get the first.
    repeats
        How often every run is repeated, one pass over everything after the other; random methods
        have their seeds instead.
    time_limit
        Wall seconds for a run.
    reference_limit
        Wall seconds for each exact method that establishes an optimum.
    front_levels
        Further levels for the kinds of `FRONT_KINDS`, once and with one seed.
    """

    instances: tuple[str, ...]
    levels: tuple[float, ...]
    methods: tuple[str, ...]
    seeds: tuple[int, ...] = (0,)
    repeats: int = 1
    time_limit: float = 10.0
    reference_limit: float = 60.0
    front_levels: tuple[float, ...] = ()

    def cases(self) -> Iterator[tuple[str, float]]:
        """Every instance with every level."""
        for instance in self.instances:
            for level in dict.fromkeys((*self.levels, *self.front_levels)):
                yield instance, level

    def trials(self, repeat: int, references: dict[Any, Reference]) -> Iterator[Trial]:
        """The runs of one pass, the methods in turn on every case."""
        for instance, level in self.cases():
            known = references[instance, level]
            for method in self.methods:
                spec = contender_named(method)
                front = level not in self.levels
                if front and spec.kind not in FRONT_KINDS:
                    continue
                if repeat and (front or spec.random):
                    continue
                for seed in self.seeds if spec.random and not front else self.seeds[:1]:
                    yield Trial(
                        instance,
                        level,
                        method,
                        seed,
                        repeat,
                        self.time_limit,
                        known.optimum,
                        known.infeasible,
                        front,
                    )


class Results:
    """The folder of a sweep: rows, references and the settings that all of them share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: Store[Row] = Store(folder, "rows", Row)
        self.references: Store[Reference] = Store(folder, "references", Reference)
        self._manifest = folder / "manifest.json"

    @property
    def left_out(self) -> dict[str, str]:
        """The methods that were not installed when they were asked for, and what they need."""
        return dict(self._read().get("left_out", {}))

    def agree(self, sweep: Sweep) -> None:
        """Note the settings of a sweep.

        Raises
        ------
        InputError
            If the folder holds rows with other limits.
        """
        before = self._read()
        limits = {"time_limit": sweep.time_limit, "reference_limit": sweep.reference_limit}
        for name, value in limits.items():
            if before.get(name, value) != value:
                option = name.replace("_", "-")
                raise InputError(
                    f"{self.folder} holds runs with --{option} {before[name]:g}; give the same, "
                    "or another folder with --output."
                )
        left_out = before.get("left_out", {}) | {
            name: spec.missing for name, spec in CONTENDERS.items() if spec.missing
        }
        text = json.dumps({**limits, "left_out": left_out}, indent=2)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self._manifest, text)

    def _read(self) -> dict[str, Any]:
        if not self._manifest.exists():
            return {}
        read: dict[str, Any] = json.loads(self._manifest.read_text(encoding="utf-8"))
        return read

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing here; the system forgets it if this one is killed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked_folder(self.folder, "lock", f"Another sweep is writing to {self.folder}."):
            yield


def run_sweep(sweep: Sweep, results: Results, execute: Executor, watch: Watch) -> None:
    """Run what is not there yet.

    Parameters
    ----------
    sweep
        What is to be run.
    results
        Where it is stored, and what is there already.
    execute
        Runs many calls, here or elsewhere.
    watch
        Told about every result.
    """
    with results.locked():
        results.agree(sweep)
        references = results.references.rows()
        wanted = [(*case, sweep.reference_limit) for case in sweep.cases()]
        wanted = [case for case in wanted if case[:2] not in references]
        for done, reference in enumerate(execute(establish, wanted), 1):
            results.references.add(reference)
            watch(f"optimum of {reference.instance}", done, len(wanted))
        references = results.references.rows()
        results.references.compact()
        for repeat in range(sweep.repeats):
            rows = results.rows.rows()
            trials = [
                trial
                for trial in sweep.trials(repeat, references)
                if trial.key not in rows and worth_repeating(trial, rows)
            ]
            what = f"pass {repeat + 1} of {sweep.repeats}"
            for done, row in enumerate(execute(run_trial, [(trial,) for trial in trials]), 1):
                results.rows.add(row)
                watch(f"{what}: {row.method} on {row.instance}", done, len(trials))
        results.rows.compact()


def worth_repeating(trial: Trial, rows: dict[Any, Row]) -> bool:
    """Whether the first run of a trial has ended by itself; without a first run, it has."""
    first = rows.get(replace(trial, repeat=0).key)
    if first is None or trial.repeat == 0:
        return True
    if first.claim in (Claim.UNSUPPORTED, Claim.ERROR, Claim.OVERTIME) or first.seconds is None:
        return False
    return first.seconds < OVER * first.time_limit
