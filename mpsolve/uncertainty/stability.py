"""How firmly an answer stands when the numbers of the table are noisy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import InfeasibleError, InputError, NoSolutionError
from mpsolve.model.evaluation import FLOAT_SLACK
from mpsolve.model.solution import Limit
from mpsolve.solving.session import Repetition, Stopped
from mpsolve.solving.solve import solve
from mpsolve.uncertainty.sampling import resampled

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from mpsolve.model.configuration import Configuration
    from mpsolve.model.problem import Problem
    from mpsolve.model.solution import Solution
    from mpsolve.typing import BoolArray, FloatArray, IntArray, Number
    from mpsolve.uncertainty.sampling import Noise

#: How many configurations are judged in all samples: those that were optimal most often.
JUDGED = 256
#: Quantiles of the regret that reports show.
QUANTILES = (0.5, 0.9, 1.0)


@dataclass(frozen=True, eq=False)
class Record:
    """How one configuration does in the samples that have an optimum.

    Attributes
    ----------
    configuration
        The precision of every layer.
    kept
        In how many of the samples it keeps the budgets.
    regrets
        ``(kept,)`` float64 >= 0 by size: its loss beyond the least loss of those samples.
    """

    configuration: Configuration
    kept: int
    regrets: FloatArray

    @property
    def mean_regret(self) -> float:
        """The mean of the regrets; infinite if the budgets are never kept."""
        return float(self.regrets.mean()) if self.kept else math.inf

    def quantile(self, part: float) -> float | None:
        """The regret that is not exceeded in this part of the samples in which it is kept."""
        return float(np.quantile(self.regrets, part)) if self.kept else None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "configuration": self.configuration.to_json(),
            "kept": self.kept,
            "mean_regret": self.mean_regret if self.kept else None,
            "regret_quantiles": {f"{q:g}": self.quantile(q) for q in QUANTILES},
        }


@dataclass(frozen=True, eq=False)
class Stability:
    """What becomes of an answer when the table is drawn again.

    Attributes
    ----------
    problem
        The problem as stated.
    solution
        The answer to it.
    noise, seed
        How the samples were drawn; `mpsolve.uncertainty.sampling.resampled` draws any of
        them again.
    requested, samples
        How many samples were asked for, and how many were drawn and solved.
    infeasible
        The numbers of those samples in which no assignment keeps the constraints.
    chosen
        ``(M,)`` int64, in how many samples the optimum takes each candidate.
    optimal
        In how many samples the answer is still optimal.
    answer
        How the configuration of the answer does.
    most_stable
        Of the configurations that were optimal most often (up to 256), and the answer's, the one
        of least mean regret among those that keep the budgets at least as often as the answer's.
    limit
        What stopped the sampling before it was complete, or None.
    """

    problem: Problem
    solution: Solution
    noise: Noise
    seed: int
    requested: int
    samples: int
    infeasible: tuple[int, ...]
    chosen: IntArray
    optimal: int
    answer: Record
    most_stable: Record
    limit: Limit | None = None

    @property
    def feasible(self) -> int:
        """How many samples have an optimum; all frequencies refer to them."""
        return self.samples - len(self.infeasible)

    @property
    def frequency(self) -> FloatArray:
        """``(M,)`` the part of the samples in which the optimum takes each candidate."""
        return self.chosen / max(self.feasible, 1)

    @property
    def standard_error(self) -> FloatArray:
        """``(M,)`` the standard errors of `frequency`."""
        return standard_error(self.chosen, self.feasible)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        problem, frequency, error = self.problem, self.frequency, self.standard_error
        layers: dict[str, dict[str, Any]] = {layer: {} for layer in problem.layers}
        for j in np.flatnonzero(self.chosen).tolist():
            layers[problem.layers[problem.layer_index[j]]][str(problem.precisions[j])] = {
                "frequency": float(frequency[j]),
                "standard_error": float(error[j]),
            }
        return {
            "samples": self.samples,
            "requested": self.requested,
            "infeasible": list(self.infeasible),
            "noise": self.noise,
            "seed": self.seed,
            "optimal": self.optimal,
            "answer": self.answer.to_json(),
            "most_stable": self.most_stable.to_json(),
            "layers": layers,
            "loss": self.solution.loss,
            "loss_name": problem.loss_name,
            "limit": self.limit.value if self.limit else None,
            "provenance": problem.provenance.value,
            "source": problem.source,
        }

    def table(self) -> Table:
        """The frequencies as a `rich.table.Table`, one row per layer."""
        from mpsolve.report.tables import stability_table

        return stability_table(self)


def standard_error(counts: IntArray, samples: int) -> FloatArray:
    """Standard errors of ``counts / samples``, after Agresti and Coull.

    *The American Statistician* 52 (1998): with two successes and two failures added, so that a
    candidate that was never taken is not called certain.
    """
    adjusted = (counts + 2) / (samples + 4)
    errors: FloatArray = np.sqrt(adjusted * (1 - adjusted) / (samples + 4))
    return errors


def stability(
    problem: Problem,
    samples: int = 200,
    seed: int = 0,
    method: str = "auto",
    *,
    solution: Solution | None = None,
    noise: Noise = "normal",
    time_limit: float | None = None,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Stability:
    """Draw the numbers of a problem again and again, and see what is optimal then.

    Parameters
    ----------
    problem
        A problem with standard deviations; budgets, ties and restrictions stay as they are.
    samples
        How many samples.
    seed
        Seed of the samples.
    method
        An exact method, or ``"auto"``.
    solution
        The answer to judge; by default the optimum of the problem as stated.
    noise
        How the numbers are drawn, see `mpsolve.uncertainty.sampling.resampled`.
    time_limit
        Wall seconds after which the samples done so far are reported, or None.
    threads
        For the methods that use them.
    progress
        Called after every sample with the number done and the number asked for.

    Raises
    ------
    InputError
        If nothing deviates, or the number of samples is not positive.
    InfeasibleError
        If no assignment keeps the constraints of the problem as stated.
    NoSolutionError
        If the time limit ended before there was an answer to judge.
    """
    if samples < 1 or seed < 0:
        raise InputError(
            f"There must be at least one sample and a seed >= 0, not {samples}, {seed}."
        )
    repetition = Repetition(method, time_limit, threads, seed)
    resampled(problem, seed, 0, noise)  # refuses what cannot be drawn, before any search
    if solution is None:
        solution = solve(problem, method, time_limit=time_limit, threads=threads, seed=seed)
    if solution.conflict is not None:
        raise InfeasibleError(solution.conflict)
    if solution.choice is None:
        raise NoSolutionError(f"{solution.method}: {solution.status.meaning}")
    study = _Study(problem, seed, noise)
    limit = study.run(repetition, samples, progress)
    return study.judged(solution, solution.choice, samples, limit)


class _Study:
    """The samples: which choice is optimal in each, and at which loss."""

    def __init__(self, problem: Problem, seed: int, noise: Noise) -> None:
        self._problem, self._seed, self._noise = problem, seed, noise
        #: The optimal choice and its loss in each sample; None where there is none.
        self._optima: list[tuple[IntArray, Number] | None] = []

    def run(
        self,
        repetition: Repetition,
        samples: int,
        progress: Callable[[int, int], None] | None,
    ) -> Limit | None:
        """Solve the samples one after the other; return what stopped it early."""
        try:
            for sample in range(samples):
                best = repetition.optimum(self._sample(sample))
                if best.choice is None or best.loss is None:
                    self._optima.append(None)
                else:
                    self._optima.append((best.choice, best.loss))
                if progress is not None:
                    progress(sample + 1, samples)
        except Stopped as stop:
            return stop.limit
        except KeyboardInterrupt:
            return Limit.INTERRUPTED
        return None

    def judged(
        self, solution: Solution, choice: IntArray, requested: int, limit: Limit | None
    ) -> Stability:
        """The answer and the most frequent optima, in all samples."""
        problem = self._problem
        solved = [optimum for optimum in self._optima if optimum is not None]
        seen, counts = np.unique(
            [found for found, _ in solved] or [choice], axis=0, return_counts=True
        )
        seen = seen[np.argsort(-counts, kind="stable")[:JUDGED]]
        seen = np.concatenate([choice[None], seen[(seen != choice).any(1)]])
        kept, regrets = self._regrets(problem.offsets[:-1] + seen)
        records = [
            Record(problem.configuration(c), int(k.sum()), np.sort(r[k]))
            for c, k, r in zip(seen, kept.T, regrets.T, strict=True)
        ]
        answer = records[0]
        eligible = [record for record in records if record.kept >= answer.kept]
        chosen = np.zeros(len(problem.loss), np.int64)
        for found, _ in solved:
            chosen[problem.flat(found)] += 1
        return Stability(
            problem,
            solution,
            self._noise,
            self._seed,
            requested,
            len(self._optima),
            tuple(s for s, optimum in enumerate(self._optima) if optimum is None),
            chosen,
            int((regrets[:, 0][kept[:, 0]] == 0).sum()),
            answer,
            min(eligible, key=lambda record: record.mean_regret),
            limit,
        )

    def _sample(self, sample: int) -> Problem:
        return resampled(self._problem, self._seed, sample, self._noise)

    def _regrets(self, flat: IntArray) -> tuple[BoolArray, FloatArray]:
        """Per solved sample and choice: whether it keeps the budgets, and its loss beyond the best.

        ``flat`` is ``(C, N)``. Ties, constraints and restrictions are the same in all samples.
        """
        rounding = 2 * flat.shape[1] * FLOAT_SLACK
        solved = [(s, optimum[1]) for s, optimum in enumerate(self._optima) if optimum is not None]
        kept = np.ones((len(solved), len(flat)), bool)
        regrets = np.zeros((len(solved), len(flat)))
        for row, (sample, least) in enumerate(solved):
            drawn = self._sample(sample)
            for name, limit in drawn.budgets.items():
                within = limit + rounding * abs(limit)
                kept[row] &= drawn.costs[name][flat].sum(1) <= within
            loss = drawn.loss[flat]
            excess = loss.sum(1) - least
            regrets[row] = np.where(excess > rounding * np.abs(loss).sum(1), excess, 0.0)
        return kept, regrets
