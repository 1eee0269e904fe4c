"""Whether sums of sensitivities predict how configurations rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import numpy as np

from mpsolve.errors import InputError
from mpsolve.model.configuration import Configuration
from mpsolve.profiles.merge import COLUMN
from mpsolve.storage.optional import importing
from mpsolve.training.sensitivity.joint import joint_losses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike

    from matplotlib.axes import Axes

    from mpsolve.model.pairwise import PairwiseTerm
    from mpsolve.model.precision import Precision
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.training.options import JournalKeywords
    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import QuantisableModel
    from mpsolve.typing import FloatArray

_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """A rank correlation and its bootstrap percentile interval.

    Attributes
    ----------
    value
        From -1 to 1.
    low, high
        The interval.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, eq=False)
class Predictiveness:
    """How well sums of sensitivities rank configurations.

    Attributes
    ----------
    configurations
        The C configurations.
    predicted
        ``(C,)`` sums of the sensitivities of their layers, and of pairwise terms if there are any.
    measured
        ``(C,)`` mean losses with all layers quantised.
    spearman, kendall
        Spearman's rank correlation of the two, and Kendall's (tau-b); intervals over the
        configurations.
    confidence
        Of the intervals.
    """

    configurations: tuple[Configuration, ...]
    predicted: FloatArray
    measured: FloatArray
    spearman: RankCorrelation
    kendall: RankCorrelation
    confidence: float = 0.95

    def __str__(self) -> str:
        return (
            f"Rank correlation between predicted and measured loss of {len(self.configurations)} "
            f"configurations: Spearman {self.spearman}, Kendall {self.kendall}, with "
            f"{self.confidence:.0%} bootstrap intervals"
        )

    def plot(self, path: str | PathLike[str] | None = None, ax: Axes | None = None) -> Axes:
        """Draw the measured over the predicted losses.

        Parameters
        ----------
        path
            Where to save the picture; its suffix tells the format.
        ax
            Axes to draw on; by default new ones.
        """
        from mpsolve.report.plots import plot_prediction

        label = f"Spearman {self.spearman}\nKendall {self.kendall}"
        return plot_prediction(self.predicted, self.measured, label, path, ax)


def predictiveness(
    model: QuantisableModel,
    data: Examples,
    sensitivities: LatencyTable,
    configurations: int | Sequence[Configuration] = 50,
    *,
    pairwise: Sequence[PairwiseTerm] = (),
    seed: int = 0,
    confidence: float = 0.95,
    **kept: Unpack[JournalKeywords],
) -> Predictiveness:
    """Compare the sums that a solver minimises with measured losses.

    Parameters
    ----------
    model
        The network; its configuration is restored.
    data
        The examples, better others than those of the sensitivities.
    sensitivities
        What `measure_sensitivities` returned.
    configurations
        Some, or how many are drawn; see `random_configurations`.
    pairwise
        What pairs of layers add to the loss; see `cross_terms`.
    seed
        Of the draw and of the bootstrap.
    confidence
        Of the intervals.
    kept
        ``checkpoint`` and ``progress`` as in `joint_losses`.

    Raises
    ------
    InputError
        If there are fewer than three configurations, or all predictions or losses are equal.
    MissingDependencyError
        If scipy is not installed.
    """
    if isinstance(configurations, int):
        configurations = random_configurations(model, sensitivities, configurations, seed)
    if len(configurations) < 3:
        raise InputError("A rank correlation needs at least three configurations.")
    predicted = predicted_losses(sensitivities, configurations, pairwise)
    measured = joint_losses(model, data, configurations, **kept)
    return compared(configurations, predicted, measured, seed=seed, confidence=confidence)


def compared(
    configurations: Sequence[Configuration],
    predicted: FloatArray,
    measured: FloatArray,
    *,
    seed: int = 0,
    confidence: float = 0.95,
) -> Predictiveness:
    """The comparison of predicted and measured losses ``(C,)``; see `predictiveness`."""
    draws = np.random.default_rng(seed).integers(len(predicted), size=(_RESAMPLES, len(predicted)))
    tails = (1 - confidence) / 2, (1 + confidence) / 2

    def estimated(correlation: Callable[[FloatArray, FloatArray], FloatArray]) -> RankCorrelation:
        value = float(correlation(predicted, measured))
        if np.isnan(value):
            raise InputError(
                "All predictions or all losses are equal, so that nothing can be ranked."
            )
        low, high = np.nanquantile(correlation(predicted[draws], measured[draws]), tails)
        return RankCorrelation(value, float(low), float(high))

    spearman, kendall = estimated(rank_correlation), estimated(concordance)
    return Predictiveness(tuple(configurations), predicted, measured, spearman, kendall, confidence)


def random_configurations(
    model: QuantisableModel, table: LatencyTable, count: int, seed: int = 0
) -> list[Configuration]:
    """Configurations with b_in drawn per activation, then the candidate per layer.

    Raises
    ------
    InputError
        If layers that read one activation have no common b_in.
    """
    rng = np.random.default_rng(seed)
    candidates = {
        layer: table.precisions[table.offsets[i] : table.offsets[i + 1]]
        for i, layer in enumerate(table.layers)
    }
    return [_draw(model, candidates, rng) for _ in range(count)]


def _draw(
    model: QuantisableModel,
    candidates: dict[str, tuple[Precision, ...]],
    rng: np.random.Generator,
) -> Configuration:
    b_in: dict[str, float] = {}
    chosen: dict[str, Precision] = {}
    for layer, own in candidates.items():
        if layer not in b_in:
            group = tuple(model.group_of(layer).layers)
            common = set.intersection(*({p.b_in for p in candidates[m]} for m in group))
            if not common:
                raise InputError(f"Layers {', '.join(group)} need a common b_in.")
            b_in |= dict.fromkeys(group, float(rng.choice(sorted(common))))
        allowed = [p for p in own if p.b_in == b_in[layer]]
        chosen[layer] = allowed[rng.integers(len(allowed))]
    return Configuration(chosen)


def predicted_losses(
    table: LatencyTable,
    configurations: Sequence[Configuration],
    pairwise: Sequence[PairwiseTerm] = (),
) -> FloatArray:
    """The sums of the sensitivities of ``C`` configurations, and of pairwise terms: ``(C,)``."""
    found = []
    for configuration in configurations:
        places = [_place(table, layer, configuration) for layer in table.layers]
        total = sum(
            float(table.columns[COLUMN][begin + place])
            for begin, place in zip(table.offsets, places, strict=False)
        )
        for term in pairwise:
            i, j = (places[table.layers.index(layer)] for layer in (term.first, term.second))
            total += float(term.values[i, j]) if term.cost is None else 0.0
        found.append(total)
    return np.array(found)


def _place(table: LatencyTable, layer: str, configuration: Configuration) -> int:
    """The position of a layer's precision among its candidates."""
    begin, end = table.offsets[table.layers.index(layer) :][:2]
    own = table.precisions[begin:end]
    if layer not in configuration or configuration[layer] not in own:
        raise InputError(
            f"{table.source} has no sensitivity of layer {layer} in the configuration."
        )
    return own.index(configuration[layer])


def rank_correlation(a: FloatArray, b: FloatArray) -> FloatArray:
    """Spearman's rank correlations along the last axis: ``(..., C)`` to ``(...)``.

    NaN where one side is constant.
    """
    with importing("scipy", "solvers", "A rank correlation"):
        from scipy.stats import rankdata
    x, y = (rankdata(values, axis=-1) for values in (a, b))
    x, y = (ranks - ranks.mean(-1, keepdims=True) for ranks in (x, y))
    with np.errstate(invalid="ignore"):
        return (x * y).sum(-1) / np.sqrt((x**2).sum(-1) * (y**2).sum(-1))


def concordance(a: FloatArray, b: FloatArray) -> FloatArray:
    """Kendall's rank correlations (tau-b) along the last axis: ``(..., C)`` to ``(...)``.

    The cosine of the signs of all differences. NaN where one side is constant. scipy's function
    takes one pair at a time, with its significance, and ten times as long.
    """
    if a.ndim > 1:  # the C^2 signs of one row at a time
        return np.array([concordance(x, y) for x, y in zip(a, b, strict=True)])
    x, y = (np.sign(values[:, None] - values).reshape(-1) for values in (a, b))
    with np.errstate(invalid="ignore"):
        return np.asarray((x @ y) / np.sqrt((x @ x) * (y @ y)))
