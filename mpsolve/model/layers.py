"""Layers with candidates, and how a choice names one candidate for each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError
from mpsolve.model.configuration import Configuration
from mpsolve.storage.frozen import Picklable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.model.precision import Precision
    from mpsolve.typing import IntArray


@dataclass(frozen=True, eq=False)
class Layers(Picklable):
    """What may be chosen for the layers of a network.

    The candidates of all layers stand one after the other in flat arrays; those of layer ``i``
    are the entries ``offsets[i]:offsets[i + 1]``. A *choice* is an ``(N,)`` int64 array that
    holds, for every layer, the position of its candidate among the layer's own candidates.

    Attributes
    ----------
    layers
        Names of the N layers.
    offsets
        ``(N + 1,)`` int64, where the candidates of each layer begin and end.
    precisions
        The precision of each of the M candidates.
    source
        The table or array that the numbers were read from.
    """

    layers: tuple[str, ...]
    offsets: IntArray
    precisions: tuple[Precision, ...]
    source: str = field(default="arrays", kw_only=True)

    @cached_property
    def layer_index(self) -> IntArray:
        """``(M,)`` index of the layer that each candidate belongs to."""
        index = np.repeat(np.arange(len(self.layers)), np.diff(self.offsets))
        index.setflags(write=False)
        return index

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {layer: i for i, layer in enumerate(self.layers)}

    def index_of(self, layer: str, what: str = "") -> int:
        """Position of a layer; unknown names are refused."""
        try:
            return self._positions[layer]
        except KeyError:
            prefix = f"{what}: " if what else ""
            raise InputError(f"{prefix}the problem has no layer {layer!r}.") from None

    def candidates(self, layer: int) -> tuple[Precision, ...]:
        """The precisions among which a layer chooses, in the order that a choice counts."""
        return self.precisions[self.offsets[layer] : self.offsets[layer + 1]]

    def flat(self, choice: IntArray) -> IntArray:
        """``(N,)`` index of each layer's chosen candidate among all candidates.

        Raises
        ------
        InputError
            If the choice is not one index per layer, or a layer has no such candidate.
        """
        choice, counts = np.asarray(choice), np.diff(self.offsets)
        if choice.shape != counts.shape or choice.dtype.kind not in "iu":
            raise InputError(
                f"A choice needs one candidate index for each of {len(counts)} layers."
            )
        wrong = (choice < 0) | (choice >= counts)
        if wrong.any():
            i = int(np.argmax(wrong))
            raise InputError(
                f"The choice names candidate {choice[i]} of layer {self.layers[i]}, which has "
                f"{counts[i]}; they are counted from 0."
            )
        return self.offsets[:-1] + choice.astype(np.int64)

    def configuration(self, choice: IntArray) -> Configuration:
        """The configuration that a choice stands for."""
        chosen = (self.precisions[j] for j in self.flat(choice))
        return Configuration(dict(zip(self.layers, chosen, strict=True)))

    def choice(self, configuration: Mapping[str, Precision]) -> IntArray:
        """The choice that a configuration stands for.

        Raises
        ------
        InputError
            If a layer is missing, unknown, or has no such candidate; the message names it.
        """
        configuration = Configuration(configuration)  # precisions may be written as text
        if unknown := [layer for layer in configuration if layer not in self._positions]:
            raise InputError(
                f"The configuration names layer {unknown[0]!r}, which {self.source} lacks."
            )
        choice = np.zeros(len(self.layers), np.int64)
        for i, layer in enumerate(self.layers):
            if layer not in configuration:
                raise InputError(f"The configuration says nothing about layer {layer}.")
            candidates = self.candidates(i)
            if configuration[layer] not in candidates:
                raise InputError(
                    f"Layer {layer} has no candidate {configuration[layer]}; it has "
                    f"{', '.join(map(str, candidates))}."
                )
            choice[i] = candidates.index(configuration[layer])
        return choice
