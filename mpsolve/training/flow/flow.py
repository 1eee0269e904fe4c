"""The whole flow of Free Bits (figure 1), with exact optima beside its heuristics.

Train in full precision; search with every strength; measure sensitivities; find configurations by
Free Bits, by both greedy heuristics and exactly; fine-tune all of them; make integer networks and
check them. Every step that is complete is kept, and training goes on from its last checkpoint, so
that a flow that was stopped ends as if it had not been.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.model.configuration import Configuration
from mpsolve.model.precision import Precision
from mpsolve.model.problem import Problem
from mpsolve.profiles.merge import with_sensitivity
from mpsolve.profiles.profile import profile
from mpsolve.profiles.read import read_table
from mpsolve.profiles.targets.registry import load_target
from mpsolve.profiles.write import write_csv
from mpsolve.storage.lock import locked_folder
from mpsolve.training.flow import work
from mpsolve.training.flow.outcome import FlowResult, Row, Tuned, write_rows
from mpsolve.training.flow.points import Point, Start, find_points
from mpsolve.training.flow.pool import Pool, Task, write_json
from mpsolve.training.folder import open_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from os import PathLike

    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.profiles.targets.target import Target
    from mpsolve.training.flow.pool import Display
    from mpsolve.training.flow.settings import FlowSettings

#: What fine-tuning can learn.
BITS = range(2, 9)


def run_flow(
    settings: FlowSettings,
    folder: str | PathLike[str],
    *,
    jobs: int | None = None,
    device: str = "auto",
    display: Display | None = None,
) -> FlowResult:
    """Run a flow, or go on with it.

    Parameters
    ----------
    settings
        What is asked for.
    folder
        Where everything is kept: ``run.json``, ``latencies-TARGET.csv``, a folder per seed with
        the runs of training, and in the end ``results.csv``, one row per configuration and seed.
    jobs
        Pieces of work at once, each on one thread; by default as many as there are processors,
        or one where a GPU computes. The result does not depend on it.
    device
        As in `train`.
    display
        What shows people how far it has come.

    Raises
    ------
    InputError
        If the settings do not fit together, or the folder holds something else.
    KeyboardInterrupt
        On Ctrl-C, when everything has been kept.
    """
    place = Path(folder)
    tables = profiled(settings, place)
    open_folder(place, settings.to_json())
    with only_one(place), Pool(jobs or default_jobs(device), display) as pool:
        return Flow(settings, place, device, pool).run(tables)


def profiled(settings: FlowSettings, folder: Path) -> dict[str, LatencyTable]:
    """Target -> latencies: those that a folder has, and the others from the network.

    Raises
    ------
    InputError
        If a target, or a latency to be kept, does not fit the network: before anything is written.
    """
    if not settings.targets:
        raise InputError("A flow needs targets; name at least one.")
    boards = {target: load_target(target) for target in settings.targets}
    network = None
    tables = {}
    for target, board in boards.items():
        file = _latencies(folder, target)
        if file.exists():
            tables[target] = read_table(file)
            continue
        network = network or work.traced(settings, settings.seeds[0]).network
        _require_trainable(network, board)
        tables[target] = profile(network, board, rules=settings.rules)
    for table in tables.values():
        problem = Problem.from_table(table)
        for budget in ("1x", *settings.budgets):  # 8b/8b is what everything is compared with
            problem.with_budgets({"latency": budget})
    return tables


class Flow:
    """The steps of a flow, each of which needs those before it."""

    def __init__(self, settings: FlowSettings, folder: Path, device: str, pool: Pool) -> None:
        self.settings, self.folder, self.device, self.pool = settings, folder, device, pool
        self.notes: list[str] = []

    def run(self, profiled: Mapping[str, LatencyTable]) -> FlowResult:
        """All steps after the latencies are known."""
        tables = self.keep(profiled)
        floats = self.train_float()
        searched = self.search()
        self.measure(tables)
        points = {seed: self.find(seed, tables, searched[seed]) for seed in self.settings.seeds}
        rows = self.tune(points)
        write_rows(rows, tables, self.folder / "results.csv")
        notes = tuple(dict.fromkeys(self.notes))
        return FlowResult(self.settings, self.folder, tables, floats, tuple(rows), notes)

    def keep(self, profiled: Mapping[str, LatencyTable]) -> dict[str, LatencyTable]:
        """The latencies as they stand in the folder."""
        tables = {}
        for target, table in profiled.items():
            file = _latencies(self.folder, target)
            if not file.exists():
                write_csv(table, file)
            tables[target] = read_table(file)
        return tables

    def train_float(self) -> dict[int, dict[str, float]]:
        """Seed -> accuracies in full precision."""
        tasks = [
            Task(
                f"seed {seed}: full precision",
                self._float(seed),
                work.train_float,
                (self.settings, seed, self.device),
            )
            for seed in self.settings.seeds
        ]
        results = self.pool.run("training in full precision", tasks)
        return dict(zip(self.settings.seeds, results, strict=True))

    def search(self) -> dict[int, list[Start]]:
        """Seed -> the configurations that the searches found."""
        wanted = [
            (seed, name, strength)
            for seed in self.settings.seeds
            for name in self.settings.searches
            for strength in self.settings.strengths_of(name)
        ]
        tasks = [
            Task(
                f"seed {seed}: {name} {strength:g}",
                self._seed(seed) / "search" / f"{name}-{strength:g}",
                work.search,
                (self.settings, seed, self.device, (name, strength), self._float(seed)),
            )
            for seed, name, strength in wanted
        ]
        starts: dict[int, list[Start]] = {seed: [] for seed in self.settings.seeds}
        for (seed, name, strength), result in zip(
            wanted, self.pool.run("searching", tasks), strict=True
        ):
            found = Configuration.from_json(result["configuration"])
            starts[seed].append(Start(name, f"{strength:g}", found))
        return starts

    def measure(self, tables: Mapping[str, LatencyTable]) -> None:
        """The sensitivities of all candidates of all targets."""
        candidates = _candidates(tables.values())
        tasks = [
            Task(
                f"seed {seed}: {metric}",
                self._sensitivities(seed, metric),
                work.measure,
                (self.settings, seed, metric, candidates, self._float(seed)),
            )
            for seed in self.settings.seeds
            for metric in self.settings.metrics
        ]
        self.pool.run("measuring sensitivities", tasks)

    def find(
        self, seed: int, tables: Mapping[str, LatencyTable], searched: Sequence[Start]
    ) -> list[Point]:
        """The points of one seed on all targets, kept in ``points.json``."""
        file = self._seed(seed) / "points.json"
        if not file.exists():
            points, notes = [], []
            for target, table in tables.items():
                losses = {
                    metric: Problem.from_table(
                        with_sensitivity(
                            table, self._sensitivities(seed, metric) / "sensitivities.csv"
                        )
                    )
                    for metric in self.settings.metrics
                }
                found, missing = find_points(
                    Problem.from_table(table),
                    target,
                    searched,
                    losses,
                    self.settings.budgets,
                    nearest=self.settings.starts == "nearest",
                )
                points += [point.to_json() for point in found]
                notes += missing
            write_json(file, {"points": points, "notes": notes})
        kept = json.loads(file.read_text(encoding="utf-8"))
        self.notes += [f"Seed {seed}, {note}" for note in kept["notes"]]
        return [Point.from_json(plain) for plain in kept["points"]]

    def tune(self, points: Mapping[int, Sequence[Point]]) -> list[Row]:
        """All points after fine-tuning; equal configurations are tuned once per seed."""
        distinct = {(seed, p.id): p.configuration for seed, own in points.items() for p in own}
        tasks = [
            Task(
                f"seed {seed}: fine-tuning {name}",
                self._tuned(seed, name),
                work.tune,
                (self.settings, seed, self.device, configuration, self._float(seed)),
            )
            for (seed, name), configuration in distinct.items()
        ]
        results = dict(zip(distinct, self.pool.run("fine-tuning", tasks), strict=True))
        for (seed, name), result in results.items():
            if "failed" in result:
                self.notes.append(f"Seed {seed}, configuration {name}: {result['failed']}")
        return [
            Row(
                seed,
                point,
                _reference(own, point.target),
                _tuned(results[seed, point.id]),
                self._tuned(seed, point.id).relative_to(self.folder),
            )
            for seed, own in points.items()
            for point in own
        ]

    def _seed(self, seed: int) -> Path:
        return self.folder / f"seed-{seed}"

    def _float(self, seed: int) -> Path:
        return self._seed(seed) / "float"

    def _sensitivities(self, seed: int, metric: str) -> Path:
        return self._seed(seed) / "sensitivity" / metric

    def _tuned(self, seed: int, name: str) -> Path:
        return self._seed(seed) / "tuned" / name


def default_jobs(device: str) -> int:
    """As many as there are processors; one where a GPU computes."""
    import torch

    if device.startswith("cuda") or (device == "auto" and torch.cuda.is_available()):
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def only_one(folder: Path) -> AbstractContextManager[None]:
    """Refuse a folder in which another flow is running."""
    busy = f"Another flow is running in {folder}; wait until it ends."
    return locked_folder(folder, ".lock", busy)


def _require_trainable(network: Network, target: Target) -> None:
    for layer in network.layers:
        for precision in {p for t in layer.layer_types for p in target.precisions(t)}:
            if precision.b_in not in BITS or precision.b_wt not in BITS:
                raise InputError(
                    f"{target.name} offers {precision} in layer {layer.name}, which cannot be "
                    "fine-tuned; a flow takes targets with 2 to 8 bits."
                )


def _candidates(tables: Iterable[LatencyTable]) -> dict[str, list[Precision]]:
    """Layer -> the precisions that any target offers."""
    offered: dict[str, set[Precision]] = {}
    for table in tables:
        for row, precision in enumerate(table.precisions):
            plain = Precision(precision.b_in, precision.b_wt)
            offered.setdefault(table.layer_of(row), set()).add(plain)
    return {layer: sorted(own) for layer, own in offered.items()}


def _reference(points: Sequence[Point], target: str) -> float:
    """The latency of 8b/8b."""
    return next(p.latency for p in points if p.target == target and p.source == "8b/8b")


def _tuned(result: Mapping[str, Any]) -> Tuned | None:
    return None if "failed" in result else Tuned(**result)


def _latencies(folder: Path, target: str) -> Path:
    """The file that keeps the latencies on a target."""
    name = "".join(c if c.isalnum() or c in "-._" else "-" for c in Path(target).name)
    return folder / f"latencies-{name}.csv"
