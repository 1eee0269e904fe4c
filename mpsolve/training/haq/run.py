"""The episodes of a search: decide, judge, learn, and keep what is found."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.training.checkpoint import load_checkpoint, save_checkpoint
from mpsolve.training.haq.agent.ddpg import Ddpg
from mpsolve.training.haq.agent.exploration import sigma
from mpsolve.training.haq.environment.environment import Environment
from mpsolve.training.haq.episodes import Episode, HaqResult, best_of
from mpsolve.training.progress import HaqProgress
from mpsolve.training.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.model.configuration import Configuration
    from mpsolve.storage.interruption import Interruption
    from mpsolve.training.folder import RunFolder
    from mpsolve.training.haq.environment.environment import Operand
    from mpsolve.training.haq.environment.memory import Memory
    from mpsolve.training.haq.evaluator.evaluator import Evaluator
    from mpsolve.training.haq.settings import HaqSettings
    from mpsolve.typing import FloatArray

#: What the searches of a strategy are about.
STAGES: dict[str, tuple[tuple[Operand, ...], ...]] = {
    "concurrent": (("weight", "activation"),),
    "independent": (("weight",), ("activation",)),
}
#: Seconds between two checkpoints, at least.
CHECKPOINT_SECONDS = 10.0


class Run:
    """A search, as far as it has come.

    Parameters
    ----------
    memory
        The network and its limits.
    evaluator
        What judges.
    settings
        How it is searched.
    place
        Where it is kept, if it is; a search that is there goes on.
    progress
        Called after every episode.
    """

    def __init__(
        self,
        memory: Memory,
        evaluator: Evaluator,
        settings: HaqSettings,
        place: RunFolder | None,
        progress: Callable[[HaqProgress], None] | None,
    ) -> None:
        self._memory, self._evaluator, self._settings = memory, evaluator, settings
        self._place, self._progress = place, progress
        self._stages = STAGES[settings.strategy]
        self._episodes: list[Episode] = []
        self._known: dict[tuple[int, Configuration], float] = {}
        self._begin(0)
        if place and place.checkpoint.exists():
            self._load(load_checkpoint(place.checkpoint))
        self._saved = monotonic()
        self._recorder = place.recorder if place else None
        if self._recorder:
            self._recorder.begin(_rows(self._episodes))

    def run(self, interruption: Interruption) -> HaqResult:
        """All episodes that are missing."""
        while not interruption.requested and not self._finished:
            if self._complete == self._wanted:
                self._begin(self._stage + 1)
            episode = self._episode()
            if episode is None:
                break
            self._keep(episode)
        self._save()
        best = self._best
        if best is None and self._stage:
            best = best_of(self._episodes, self._stage - 1)
        if self._place and best:
            self._place.write_configuration(best.configuration)
        return HaqResult(
            best,
            tuple(self._episodes),
            self._finished,
            self._stages,
            self._memory.rom,
            self._memory.ram,
        )

    @property
    def _complete(self) -> int:
        """Complete episodes of the present stage."""
        return sum(episode.stage == self._stage for episode in self._episodes)

    @property
    def _wanted(self) -> int:
        """One is enough where there is nothing to decide."""
        return self._settings.episode_count if self._environment.steps else 1

    @property
    def _finished(self) -> bool:
        return self._stage + 1 == len(self._stages) and self._complete == self._wanted

    @property
    def _best(self) -> Episode | None:
        return best_of(self._episodes, self._stage)

    def _begin(self, stage: int) -> None:
        """Begin a search with an agent of its own; that of activations has the best weights."""
        self._stage = stage
        found = best_of(self._episodes, stage - 1)
        weights = found.configuration if found else None
        self._environment = Environment(self._memory, self._stages[stage], weights)
        self._agent = Ddpg(
            self._environment.states,
            len(self._environment.steps),
            self._settings.agent,
            [self._settings.seed, stage],
        )

    def _episode(self) -> Episode | None:
        """Let the agent decide, judge what it has decided, and let it learn; None if stopped."""
        number, warm_up = self._complete, self._settings.warm_up_count
        spread = sigma(self._settings.agent, number - warm_up) if number >= warm_up else 0.0
        before = self._agent.random
        with one_thread():
            states, actions, chosen = self._walk(spread)
        configuration = self._environment.configuration(chosen)
        reward = self._reward(configuration)
        if reward is None:
            self._agent.random = before  # the episode will be begun anew
            return None
        with one_thread():
            self._learn(states, actions, reward, updating=number >= warm_up)
        return Episode(
            self._stage, configuration, reward, *self._memory.used(configuration), spread
        )

    def _walk(self, spread: float) -> tuple[list[FloatArray], list[float], list[int]]:
        """The states, the actions and the bit-widths of all steps; random ones without a spread."""
        states: list[FloatArray] = []
        actions: list[float] = []
        chosen: list[int] = []
        for step in range(len(self._environment.steps)):
            state = self._environment.state(step, chosen[-1] if chosen else None)
            agent = self._agent
            action = agent.action(state, spread) if spread else agent.random_action()
            states.append(state)
            actions.append(action)
            chosen.append(self._environment.bits(step, action))
        return states, actions, chosen

    def _learn(
        self, states: list[FloatArray], actions: list[float], reward: float, *, updating: bool
    ) -> None:
        """Every transition gets the reward of the episode, and after the warm-up an update."""
        for step, (state, action) in enumerate(zip(states, actions, strict=True)):
            done = step + 1 == len(states)
            following = state if done else states[step + 1]
            self._agent.replay.append(state, action, reward, following, done)
            if updating:
                self._agent.update()

    def _reward(self, configuration: Configuration) -> float | None:
        """What the evaluator says, which it is asked once."""
        known = self._known.get((self._stage, configuration))
        if known is not None:
            return known
        weights_alone = self._environment.operands == ("weight",)
        return self._evaluator.reward(configuration, float_activations=weights_alone)

    def _keep(self, episode: Episode) -> None:
        """Take note of an episode."""
        before = self._best
        self._episodes.append(episode)
        self._known[episode.stage, episode.configuration] = episode.reward
        best = self._best
        assert best
        if self._recorder:
            self._recorder.record(episode.figures(self._complete, best.reward))
        if self._place and best is not before:
            self._place.write_configuration(best.configuration)
        if monotonic() - self._saved > CHECKPOINT_SECONDS:
            self._save()
        if self._progress:
            self._progress(
                HaqProgress(
                    self._stage,
                    len(self._stages),
                    self._complete,
                    self._wanted,
                    episode.reward,
                    best.reward,
                )
            )

    def _save(self) -> None:
        if self._place:
            content = {
                "stage": self._stage,
                "agent": self._agent.state_dict(),
                "episodes": [episode.to_json() for episode in self._episodes],
            }
            save_checkpoint(self._place.checkpoint, content)
            self._saved = monotonic()

    def _load(self, content: Any) -> None:
        if not isinstance(content, dict) or not {"stage", "agent", "episodes"} <= content.keys():
            raise InputError("checkpoint.pt of the folder is damaged; name another folder.")
        self._episodes = [Episode.from_json(one) for one in content["episodes"]]
        self._known = {(one.stage, one.configuration): one.reward for one in self._episodes}
        self._begin(content["stage"])
        self._agent.load_state_dict(content["agent"])


def _rows(episodes: list[Episode]) -> list[dict[str, float]]:
    """The rows of the metrics of complete episodes."""
    rows = []
    counts: dict[int, int] = {}
    best: dict[int, float] = {}
    for one in episodes:
        counts[one.stage] = counts.get(one.stage, 0) + 1
        best[one.stage] = max(one.reward, best.get(one.stage, one.reward))
        rows.append(one.figures(counts[one.stage], best[one.stage]))
    return rows
