"""Whether sums of sensitivities predict how configurations rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.configuration import Configuration
from mpsolve.errors import InputError, MissingDependencyError
from mpsolve.training.quantisers.quantiser import Mode
from mpsolve.training.sensitivity.loss import losses
from mpsolve.training.sensitivity.merge import COLUMN
from mpsolve.training.sensitivity.operand import measuring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpsolve.precision import Precision
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import QuantisableModel
    from mpsolve.typing import FloatArray

_RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class Predictiveness:
    """How well sums of sensitivities rank configurations.

    Attributes
    ----------
    configurations
        The C configurations.
    predicted
        ``(C,)`` sums of the sensitivities of their layers.
    measured
        ``(C,)`` mean losses with all layers quantised.
    correlation
        Spearman's rank correlation of the two.
    interval
        Its bootstrap percentile interval over the configurations.
    confidence
        Of the interval.
    """

    configurations: tuple[Configuration, ...]
    predicted: FloatArray
    measured: FloatArray
    correlation: float
    interval: tuple[float, float]
    confidence: float = 0.95

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"Spearman rank correlation {self.correlation:.3f} between predicted and measured "
            f"loss of {len(self.configurations)} configurations ({self.confidence:.0%} "
            f"bootstrap interval {low:.3f} to {high:.3f})"
        )


def predictiveness(
    model: QuantisableModel,
    data: Examples,
    sensitivities: LatencyTable,
    configurations: int | Sequence[Configuration] = 50,
    *,
    seed: int = 0,
    confidence: float = 0.95,
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
    seed
        Of the draw and of the bootstrap.
    confidence
        Of the interval.

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
    predicted = np.array([predicted_loss(sensitivities, c) for c in configurations])
    measured = np.array([joint_loss(model, data, c) for c in configurations])
    correlation = float(rank_correlation(predicted, measured))
    if np.isnan(correlation):
        raise InputError("All predictions or all losses are equal, so that nothing can be ranked.")
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(predicted), size=(_RESAMPLES, len(predicted)))
    resampled = rank_correlation(predicted[draws], measured[draws])
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(resampled, [tail, 1 - tail])
    return Predictiveness(
        tuple(configurations),
        predicted,
        measured,
        correlation,
        (float(low), float(high)),
        confidence,
    )


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


def predicted_loss(table: LatencyTable, configuration: Configuration) -> float:
    """The sum of the sensitivities of a configuration."""
    total = 0.0
    for i, layer in enumerate(table.layers):
        begin, end = table.offsets[i : i + 2]
        own = table.precisions[begin:end]
        if layer not in configuration or configuration[layer] not in own:
            raise InputError(
                f"{table.source} has no sensitivity of layer {layer} in the configuration."
            )
        total += float(table.columns[COLUMN][begin + own.index(configuration[layer])])
    return total


def joint_loss(model: QuantisableModel, data: Examples, configuration: Configuration) -> float:
    """The mean loss with every quantiser at work, as the network would be deployed."""
    was = model.configuration
    with measuring(model), model.mode(Mode.QUANTISE):
        model.apply_configuration(configuration)
        try:
            return float(losses(model, data).mean())
        finally:
            model.apply_configuration(was)


def rank_correlation(a: FloatArray, b: FloatArray) -> FloatArray:
    """Spearman's rank correlations along the last axis: ``(..., C)`` to ``(...)``.

    NaN where one side is constant.
    """
    try:
        from scipy.stats import rankdata
    except ImportError as error:
        raise MissingDependencyError("scipy", "solvers", "A rank correlation") from error
    x, y = (rankdata(values, axis=-1) for values in (a, b))
    x, y = (ranks - ranks.mean(-1, keepdims=True) for ranks in (x, y))
    with np.errstate(invalid="ignore"):
        return (x * y).sum(-1) / np.sqrt((x**2).sum(-1) * (y**2).sum(-1))
