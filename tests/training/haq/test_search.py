"""Searches from end to end: what they find, how they go on, and what they leave."""

from __future__ import annotations

import csv
import json
import signal
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from mpsolve import Configuration, InfeasibleError, InputError
from mpsolve.profiles.memory import peak_ram, rom_total
from mpsolve.training import finetune, load_recipe
from mpsolve.training.checkpoint import load_checkpoint
from mpsolve.training.haq.evaluator.table import SensitivityTable
from mpsolve.training.haq.plot import best_so_far, plot_haq
from mpsolve.training.haq.search import search_haq
from mpsolve.training.haq.settings import HaqSettings
from tests.training.haq.test_evaluators import FAST, model
from tests.training.haq.toy import eight, least_loss, residual, sensitivities, toy_losses
from tests.training.small import small_data

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mpsolve.training.haq.episodes import HaqResult
    from mpsolve.training.progress import HaqProgress

ROM = 2600


class Stopped(Exception):
    """Enough is known."""


def episodes_to_optimum(seed: int, warm_up: int) -> int | None:
    """After how many of 600 episodes the weights of the toy are the best of all 6561."""
    losses = toy_losses()
    optimum = -10 * least_loss(losses, ROM) / sum(own[0] for own in losses.values())
    count = 0

    def tell(state: HaqProgress) -> None:
        nonlocal count
        count = state.episode
        if state.best >= optimum - 1e-9 or state.episode == state.episodes:
            assert state.best <= optimum + 1e-9
            raise Stopped(state.best >= optimum - 1e-9)

    net = eight()
    settings = HaqSettings(
        strategy="independent", episodes=600, warm_up=warm_up, scheme="weights", seed=seed
    )
    table = sensitivities(net, losses)
    with pytest.raises(Stopped) as stopped:
        search_haq(net, rom=ROM, evaluator=table, settings=settings, progress=tell)
    return count if stopped.value.args[0] else None


@pytest.mark.parametrize(
    ("seeds", "learned", "lucky"), [(2, 2, 1), pytest.param(10, 9, 4, marks=pytest.mark.slow)]
)
def test_the_agent_finds_the_optimum_and_random_search_does_not(
    seeds: int, learned: int, lucky: int
) -> None:
    """Of ten seeds at least nine within 600 episodes, of which 120 are random; see `toy_losses`.

    Random actions, with what does not fit lowered in the same way, find it in at most four.
    """
    found = [episodes_to_optimum(seed, warm_up=120) for seed in range(seeds)]
    drawn = [episodes_to_optimum(seed, warm_up=600) for seed in range(seeds)]
    assert sum(count is not None for count in found) >= learned
    assert sum(count is not None for count in drawn) <= lucky


def shortly(**settings: Any) -> HaqSettings:
    """A few episodes, most of them after the warm-up."""
    usual: dict[str, Any] = {"episodes": 6, "warm_up": 2, "scheme": "weights"}
    return HaqSettings(**usual | settings)


def toy(**options: Any) -> HaqResult:
    """A short search on the toy, or what options make of it."""
    net = eight()
    table = sensitivities(net, toy_losses())
    usual: dict[str, Any] = {"rom": ROM, "ram": 3000, "evaluator": table, "settings": shortly()}
    return search_haq(net, **usual | options)


@pytest.mark.parametrize("strategy", ["concurrent", "independent"])
def test_every_episode_fits_and_the_best_is_returned(strategy: str) -> None:
    """And the bytes that it is said to need are those of the memory model."""
    net = eight()
    result = toy(settings=shortly(strategy=strategy))
    assert result.finished
    stages = [0] * 6 + ([1] * 6 if strategy == "independent" else [])
    assert [episode.stage for episode in result.episodes] == stages
    for episode in result.episodes:
        assert episode.rom == rom_total(net, episode.configuration, "weights") <= ROM
        assert episode.ram == peak_ram(net, episode.configuration).bytes <= 3000
    last = [episode for episode in result.episodes if episode.stage == stages[-1]]
    assert result.best is not None
    assert result.best.reward == max(episode.reward for episode in last)
    assert result.best == result.episodes[result.best_episode - 1]
    assert result.configuration == result.best.configuration


def test_the_second_search_keeps_the_weights_of_the_first() -> None:
    """The best ones, while activations are chosen."""
    result = toy(settings=shortly(strategy="independent"))
    first = max((e for e in result.episodes if e.stage == 0), key=lambda e: e.reward)
    weights = [p.b_wt for p in first.configuration.values()]
    for episode in result.episodes:
        if episode.stage:
            assert [p.b_wt for p in episode.configuration.values()] == weights


def test_a_network_in_which_little_is_to_decide() -> None:
    """Without activations to choose, one episode is enough for the second search."""
    net = residual()
    table = sensitivities(net, {layer.name: [1, 0.3, 0] for layer in net.layers})
    settings = shortly(strategy="independent", bits=(8,))
    result = search_haq(net, ram=768, evaluator=table, settings=settings)
    assert result.finished
    assert len(result.episodes) == 2
    assert result.configuration == Configuration.homogeneous(
        (layer.name for layer in net.layers), "8b/8b"
    )


def interrupt_at(stage: int, episode: int) -> Callable[[HaqProgress], None]:
    """Press Ctrl-C after an episode."""

    def tell(state: HaqProgress) -> None:
        if (state.stage, state.episode) == (stage, episode):
            signal.raise_signal(signal.SIGINT)

    return tell


def kept(folder: Path) -> Any:
    """Everything that a run has left."""
    checkpoint = load_checkpoint(folder / "checkpoint.pt")
    return (
        plain(checkpoint),
        (folder / "metrics.csv").read_text(),
        (folder / "configuration.json").read_text(),
    )


def plain(value: Any) -> Any:
    """Tensors as lists, so that equal means equal."""
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(own) for key, own in value.items()}
    return [plain(own) for own in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("strategy", ["concurrent", "independent"])
@pytest.mark.parametrize("after", [1, 4, 6])
def test_a_search_that_was_stopped_ends_as_if_it_had_not_been(
    tmp_path: Path, strategy: str, after: int
) -> None:
    """Bit by bit, in the warm-up, after it, and between two searches."""
    settings = shortly(strategy=strategy)
    whole = toy(settings=settings, folder=tmp_path / "whole")
    broken = toy(settings=settings, folder=tmp_path / "a", progress=interrupt_at(0, after))
    assert broken.finished == (strategy == "concurrent" and after == 6)
    assert len(broken.episodes) == after
    best = max(broken.episodes, key=lambda episode: episode.reward)
    assert Configuration.read(tmp_path / "a" / "configuration.json") == best.configuration
    resumed = toy(settings=settings, folder=tmp_path / "a")
    assert resumed.finished
    assert resumed.episodes == whole.episodes
    assert kept(tmp_path / "a") == kept(tmp_path / "whole")


def test_a_killed_search_repeats_what_it_had_not_kept(tmp_path: Path) -> None:
    """The rows after the last checkpoint are dropped, and the result is the same."""
    whole = toy(folder=tmp_path / "whole")

    def die(state: HaqProgress) -> None:
        if state.episode == 5:
            raise Stopped

    toy(folder=tmp_path / "a", progress=interrupt_at(0, 3))
    with pytest.raises(Stopped):
        toy(folder=tmp_path / "a", progress=die)
    assert len((tmp_path / "a" / "metrics.csv").read_text().splitlines()) == 1 + 5
    assert toy(folder=tmp_path / "a").episodes == whole.episodes
    assert kept(tmp_path / "a") == kept(tmp_path / "whole")


def test_the_folder_of_a_run(tmp_path: Path) -> None:
    """One row per episode, with bits, bytes and rewards; the settings; and no other search."""
    result = toy(folder=tmp_path)
    with (tmp_path / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["episode"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    best = accumulate((episode.reward for episode in result.episodes), max)
    for row, episode, top in zip(rows, result.episodes, best, strict=True):
        assert (float(row["reward"]), float(row["best_reward"])) == (episode.reward, top)
        assert (int(row["rom"]), int(row["ram"])) == (episode.rom, episode.ram)
        for name, precision in episode.configuration.items():
            bits = int(row[f"b_in.{name}"]), int(row[f"b_wt.{name}"])
            assert bits == (precision.b_in, precision.b_wt)
    record = json.loads((tmp_path / "run.json").read_text())["settings"]
    assert (record["command"], record["rom"], record["haq"]["warm_up"]) == ("haq", ROM, 2)
    with pytest.raises(InputError, match="holds a run with rom 2600, not 2500"):
        toy(folder=tmp_path, rom=2500)


def test_short_trainings_judge_a_model(tmp_path: Path) -> None:
    """From end to end: a search, its resumption, and fine-tuning in what it found."""
    data = small_data()
    settings = shortly(batch_size=6, episodes=4, scheme="icn-channel")
    options: dict[str, Any] = {"rom": 300, "ram": 40, "settings": settings}
    whole = search_haq(model(), data, folder=tmp_path / "whole", **options)
    search_haq(model(), data, folder=tmp_path / "a", progress=interrupt_at(0, 3), **options)
    resumed = search_haq(model(), data, folder=tmp_path / "a", **options)
    assert resumed.episodes == whole.episodes
    assert kept(tmp_path / "a") == kept(tmp_path / "whole")
    recipe = load_recipe("tqt_digits", ["epochs=1", "batch_size=6"])
    done = finetune(model(), tmp_path / "a" / "configuration.json", data, recipe)
    assert done.configuration == whole.configuration


def test_ctrl_c_in_the_middle_of_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The episode that was interrupted counts as if it had not begun."""
    from mpsolve.training import epochs

    data = small_data()
    options: dict[str, Any] = {"rom": 300, "settings": shortly(batch_size=6, episodes=3)}
    whole = search_haq(model(), data, folder=tmp_path / "whole", **options)
    step, calls = epochs.Loop._step, []  # noqa: SLF001

    def interrupted(self: Any, *batch: Any) -> None:
        step(self, *batch)
        calls.append(1)
        if len(calls) == 7:  # of five in an epoch
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(epochs.Loop, "_step", interrupted)
    broken = search_haq(model(), data, folder=tmp_path / "a", **options)
    assert not broken.finished
    assert len(broken.episodes) == 1
    assert search_haq(model(), data, folder=tmp_path / "a", **options).episodes == whole.episodes
    assert kept(tmp_path / "a") == kept(tmp_path / "whole")


def test_what_was_judged_is_not_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training would say the same."""
    asked: list[Configuration] = []
    inner = SensitivityTable.reward

    def reward(self: Any, configuration: Configuration, *, float_activations: bool) -> float:
        asked.append(configuration)
        return inner(self, configuration, float_activations=float_activations)

    monkeypatch.setattr(SensitivityTable, "reward", reward)
    result = toy(settings=shortly(bits=(4, 8), episodes=40, warm_up=40), ram=None, rom=2100)
    assert len(asked) == len(set(asked)) == len({e.configuration for e in result.episodes}) < 40


def test_the_picture(tmp_path: Path) -> None:
    """Bits of weights and of activations, ROM and RAM with their limits."""
    result = toy(settings=shortly(strategy="independent"))
    figure = plot_haq(result, tmp_path / "haq.png")
    assert (tmp_path / "haq.png").stat().st_size > 10_000
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert titles == [
        "weights, present configuration",
        "weights, best configuration",
        "input activations, present configuration",
        "input activations, best configuration",
        "ROM",
        "RAM (peak)",
    ]
    (rom,) = (ax for ax in figure.axes if ax.get_title() == "ROM")
    present, best, limit = (np.asarray(line.get_ydata()).tolist() for line in rom.get_lines())
    assert present == [episode.rom / 1000 for episode in result.episodes]
    assert limit == [ROM / 1000] * 2
    assert best[-1] == result.best.rom / 1000  # type: ignore[union-attr]
    rewards = [episode.reward for episode in result.episodes]
    own = [rewards[i] for i in best_so_far(result.episodes)]
    assert own == [*accumulate(rewards[:6], max), *accumulate(rewards[6:], max)]


def test_what_is_wrong_is_said() -> None:
    """Before anything is searched."""
    with pytest.raises(InfeasibleError, match="node l"):
        toy(rom=500)
    with pytest.raises(InputError, match="a network takes sensitivities"):
        toy(evaluator=None)
    with pytest.raises(InputError, match="needs the data"):
        search_haq(model(), rom=300)
    mistakes: tuple[tuple[dict[str, Any], str], ...] = (
        ({"strategy": "both"}, "concurrent or independent"),
        ({"bits": (4, 2)}, "increasing order"),
        ({"weights": "log"}, "uniform or kmeans"),
        ({"episodes": 0}, "episodes must be positive"),
        ({"warm_up": -1}, "warm_up must not be negative"),
        ({"scheme": "zip"}, "no scheme 'zip'"),
    )
    for wrong, words in mistakes:
        with pytest.raises(InputError, match=words):
            HaqSettings(**wrong)


def test_the_usual_numbers_of_episodes() -> None:
    """600 with 120 random ones, or twice 300 with 60."""
    both, one = HaqSettings(), HaqSettings(strategy="independent")
    assert (both.episodes, both.warm_up, one.episodes, one.warm_up) == (600, 120, 300, 60)
    assert (FAST.epochs, HaqSettings().learning_rate) == (1, 1e-4)
