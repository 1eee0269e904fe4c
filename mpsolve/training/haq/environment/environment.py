"""An episode: one bit-width after the other, from the first layer to the last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from mpsolve.training.haq.environment.state import layer_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpsolve.model.configuration import Configuration
    from mpsolve.model.precision import Precision
    from mpsolve.training.haq.environment.memory import Memory
    from mpsolve.typing import FloatArray

Operand: TypeAlias = Literal["weight", "activation"]


@dataclass(frozen=True, slots=True)
class Step:
    """One decision.

    Attributes
    ----------
    operand
        Whether it is about the weights or the input activation of a layer.
    layer
        The place of the layer.
    group
        The group of activations; None for weights.
    bits
        The bit-widths to choose from, in increasing order.
    """

    operand: Operand
    layer: int
    group: int | None
    bits: tuple[int, ...]


class Environment:
    """The decisions of an episode, what the agent sees before each, and what they come to.

    Activations that are fixed, or that an earlier layer has decided on, are no decision.

    Parameters
    ----------
    memory
        The network and its limits.
    operands
        What is searched: both, layer by layer, or one.
    weights
        The bit-widths of all weights, where activations alone are searched; otherwise weights that
        nobody searches have the most bits.
    """

    def __init__(
        self,
        memory: Memory,
        operands: Sequence[Operand] = ("weight", "activation"),
        weights: Mapping[str, Precision] | None = None,
    ) -> None:
        self.memory = memory
        self.operands = tuple(operands)
        self._layers = [layer.name for layer in memory.network.layers]
        self._columns = layer_columns(memory.network)
        self._weights = {
            name: int(weights[name].b_wt) if weights else memory.bits[-1] for name in self._layers
        }
        self.steps = tuple(step for step in self._all_steps() if step.operand in self.operands)

    @property
    def states(self) -> int:
        """``S``: the columns of a layer, the previous action and, if both are searched, a flag."""
        return self._columns.shape[1] + len(self.operands)

    def state(self, step: int, previous: int | None) -> FloatArray:
        """What the agent sees before a step ``(S,)``.

        Parameters
        ----------
        step
            Its place.
        previous
            The bit-width of the step before; None before the first, which counts as eight.
        """
        own = self.steps[step]
        flag = [float(own.operand == "weight")] if len(self.operands) > 1 else []
        before = 1.0 if previous is None else previous / 8
        return np.array([*self._columns[own.layer], before, *flag])

    def bits(self, step: int, action: float) -> int:
        """The bit-width that an action between 0 and 1 means: equal parts for all."""
        own = self.steps[step].bits
        return own[int(np.clip(np.round(len(own) * action - 0.5), 0, len(own) - 1))]

    def configuration(self, chosen: Sequence[int]) -> Configuration:
        """The configuration that is left of the bit-widths of all steps when the limits hold."""
        weights, activations = dict(self._weights), {}
        for step, bits in zip(self.steps, chosen, strict=True):
            if step.group is None:
                weights[self._layers[step.layer]] = bits
            else:
                activations[step.group] = bits
        return self.memory.fitted(weights, activations)

    def _all_steps(self) -> list[Step]:
        steps, decided = [], set()
        group_of = {
            layer: index for index, group in enumerate(self.memory.groups) for layer in group.layers
        }
        for i, layer in enumerate(self._layers):
            if len(self.memory.bits) > 1:
                steps.append(Step("weight", i, None, self.memory.bits))
            group = group_of[layer]
            if group not in decided and (bits := self.memory.choices(group)):
                steps.append(Step("activation", i, group, bits))
            decided.add(group)
        return steps
