"""All ways on all seeds, and what fine-tuning makes of what they choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.mcu_digits import work
from bench.mcu_digits.setting import METRICS, SETTING, STRATEGIES, most_bits
from mpsolve.mcu.fitting import usage
from mpsolve.mcu.setting import mcu_table
from mpsolve.model.configuration import Configuration
from mpsolve.profiles.read import read_table
from mpsolve.training.flow import work as flow_work
from mpsolve.training.flow.fronts import Spread
from mpsolve.training.flow.points import identity
from mpsolve.training.flow.pool import Task
from mpsolve.training.sensitivity.predictiveness import predicted_losses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from bench.mcu_digits.setting import Limits
    from mpsolve.profiles.networks.network import Network
    from mpsolve.training.flow.pool import Pool
    from mpsolve.training.flow.settings import FlowSettings

#: Eight bits everywhere, which exceed the limits.
UNLIMITED = "8b/8b, too large"


@dataclass(frozen=True)
class Choice:
    """What one way chose for one seed.

    Attributes
    ----------
    way, seed
        Which.
    configuration
        The precision of every layer.
    seconds
        CPU seconds until it was known, measured sensitivities included.
    """

    way: str
    seed: int
    configuration: Configuration
    seconds: float


@dataclass(frozen=True)
class Line:
    """One way over all seeds.

    Attributes
    ----------
    way
        What chose.
    accuracy, validation_accuracy
        After fine-tuning, on the test and on the validation split.
    seconds
        CPU seconds until a configuration was known.
    rom, ram
        Bytes.
    loss
        The summed sensitivities of the first metric, relative to the optimum.
    """

    way: str
    accuracy: Spread
    validation_accuracy: Spread
    seconds: Spread
    rom: Spread
    ram: Spread
    loss: Spread


class Comparison:
    """Runs everything; what is complete in the folder is not done again."""

    def __init__(
        self, settings: FlowSettings, folder: Path, pool: Pool, episodes: Mapping[str, int]
    ) -> None:
        self.settings, self.folder, self.pool, self.episodes = settings, folder, pool, episodes
        self.network: Network = flow_work.traced(settings, settings.seeds[0]).network

    def run(self, limits: Limits, device: str = "auto") -> list[Line]:
        """All lines."""
        seeds = self.settings.seeds
        self._all(
            "training in full precision",
            lambda seed: [
                Task(
                    f"seed {seed}: full precision",
                    self._float(seed),
                    flow_work.train_float,
                    (self.settings, seed, device),
                )
            ],
        )
        measured = self._measure()
        choices = [Choice(UNLIMITED, seed, most_bits(self.network), 0.0) for seed in seeds]
        choices += self._choose(limits, measured) + self._learn(limits, device)
        tuned = self._tune(choices, device)
        return self._lines(limits, choices, tuned)

    def _measure(self) -> dict[tuple[int, str], float]:
        """Seed and metric -> CPU seconds."""
        table = mcu_table(self.network, SETTING)
        candidates = {
            layer: table.precisions[table.offsets[i] : table.offsets[i + 1]]
            for i, layer in enumerate(table.layers)
        }
        results = self._all(
            "measuring sensitivities",
            lambda seed: [
                Task(
                    f"seed {seed}: {metric}",
                    self._sensitivities(seed, metric),
                    work.measured,
                    (self.settings, seed, metric, candidates, self._float(seed)),
                )
                for metric in METRICS
            ],
        )
        return {
            (seed, metric): result["seconds"]
            for seed, own in results.items()
            for metric, result in zip(METRICS, own, strict=True)
        }

    def _choose(self, limits: Limits, measured: Mapping[tuple[int, str], float]) -> list[Choice]:
        results = self._all(
            "solving",
            lambda seed: [
                Task(
                    f"seed {seed}: solving",
                    self._seed(seed) / "chosen",
                    work.choose,
                    (
                        self.settings,
                        seed,
                        limits,
                        {metric: self._sensitivities(seed, metric) for metric in METRICS},
                    ),
                )
            ],
        )
        choices = []
        for seed, (found,) in results.items():
            for way, plain in found.items():
                metric = way.partition("(")[2].rstrip(")")
                choices.append(_choice(way, seed, plain, measured.get((seed, metric), 0.0)))
        return choices

    def _learn(self, limits: Limits, device: str) -> list[Choice]:
        """What the agent finds by training, and by asking the first sensitivities."""
        ways = [
            *((f"HAQ {strategy}", strategy, None) for strategy in STRATEGIES),
            (f"HAQ concurrent on {METRICS[0]}", "concurrent", METRICS[0]),
        ]
        results = self._all(
            "searching with HAQ",
            lambda seed: [
                Task(
                    f"seed {seed}: {way}",
                    self._seed(seed) / "haq" / way.replace(" ", "-").lower(),
                    work.haq,
                    (
                        self.settings,
                        seed,
                        device,
                        work.Hunt(
                            limits,
                            strategy,
                            self.episodes[strategy],
                            self._sensitivities(seed, metric) if metric else None,
                        ),
                        self._float(seed),
                    ),
                )
                for way, strategy, metric in ways
            ],
        )
        return [
            _choice(way, seed, plain, 0.0)
            for seed, own in results.items()
            for (way, _, _), plain in zip(ways, own, strict=True)
        ]

    def _tune(self, choices: Sequence[Choice], device: str) -> dict[tuple[int, str], Any]:
        """Seed and configuration -> what fine-tuning made of it."""
        wanted = {(c.seed, identity(c.configuration)): c.configuration for c in choices}
        tasks = [
            Task(
                f"seed {seed}: fine-tuning {name}",
                self._seed(seed) / "tuned" / name,
                flow_work.tune,
                (self.settings, seed, device, configuration, self._float(seed)),
            )
            for (seed, name), configuration in wanted.items()
        ]
        return dict(zip(wanted, self.pool.run("fine-tuning", tasks), strict=True))

    def _lines(
        self, limits: Limits, choices: Sequence[Choice], tuned: Mapping[tuple[int, str], Any]
    ) -> list[Line]:
        """The mean of every way."""
        least = {c.seed: self._loss(c) for c in choices if c.way == f"exact ({METRICS[0]})"}
        lines = []
        for way in dict.fromkeys(choice.way for choice in choices):
            own = [choice for choice in choices if choice.way == way]
            used = [usage(self.network, c.configuration, SETTING) for c in own]
            assert way == UNLIMITED or all(limits.keep(one) for one in used), way
            results = [tuned[c.seed, identity(c.configuration)] for c in own]
            lines.append(
                Line(
                    way,
                    spread(result["test_accuracy"] for result in results),
                    spread(result["validation_accuracy"] for result in results),
                    spread(c.seconds for c in own),
                    spread(one.rom for one in used),
                    spread(one.ram for one in used),
                    spread(self._loss(c) / least[c.seed] for c in own),
                )
            )
        return lines

    def _loss(self, choice: Choice) -> float:
        """The summed sensitivities of the first metric."""
        place = self._sensitivities(choice.seed, METRICS[0]) / "sensitivities.csv"
        return float(predicted_losses(read_table(place), [choice.configuration])[0])

    def _all(
        self, phase: str, make: Callable[[int], list[Task]]
    ) -> dict[int, list[dict[str, Any]]]:
        """Run what every seed needs; its results by seed."""
        tasks = {seed: make(seed) for seed in self.settings.seeds}
        results = iter(self.pool.run(phase, [task for own in tasks.values() for task in own]))
        return {seed: [next(results) for _ in own] for seed, own in tasks.items()}

    def _seed(self, seed: int) -> Path:
        return self.folder / f"seed-{seed}"

    def _float(self, seed: int) -> Path:
        return self._seed(seed) / "float"

    def _sensitivities(self, seed: int, metric: str) -> Path:
        return self._seed(seed) / "sensitivity" / metric


def spread(values: Iterable[float]) -> Spread:
    """That of one value per seed."""
    found = Spread.of(values)
    assert found is not None
    return found


def _choice(way: str, seed: int, plain: Mapping[str, Any], before: float) -> Choice:
    found = Configuration.from_json(plain["configuration"])
    return Choice(way, seed, found, before + plain["seconds"])
