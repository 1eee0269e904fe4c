"""Judging a configuration by the sum of its layers' sensitivities, which takes no time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpsolve.errors import TableError
from mpsolve.profiles.merge import COLUMN
from mpsolve.profiles.read import read_table
from mpsolve.profiles.table import LatencyTable
from mpsolve.storage.digest import digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from mpsolve.model.configuration import Configuration
    from mpsolve.profiles.networks.network import Network


class SensitivityTable:
    """Predicts the loss of a configuration from a table of sensitivities.

    The reward is ``-10 (loss - least) / (greatest - least)`` for the least and the greatest loss of
    the table: as if all accuracy, 100 points, were lost at the greatest.

    Parameters
    ----------
    table
        What `measure_sensitivities` returned, or the CSV file in which it was written.
    network
        The network, whose layers the table names.

    Raises
    ------
    TableError
        If the table has no sensitivities, or not those of the network's layers.
    """

    def __init__(self, table: LatencyTable | str | PathLike[str], network: Network) -> None:
        if not isinstance(table, LatencyTable):
            table = read_table(table)
        if COLUMN not in table.columns:
            raise TableError(f"{table.source} has no column {COLUMN}; see mpsolve sensitivity.")
        self._source = table.source
        self._losses: dict[str, dict[tuple[float, float], float]] = {}
        for row, precision in enumerate(table.precisions):
            own = self._losses.setdefault(table.layer_of(row), {})
            own[precision.b_in, precision.b_wt] = float(table.columns[COLUMN][row])
        for layer in network.layers:
            if layer.name not in self._losses:
                raise TableError(
                    f"{table.source} has no layer {layer.name}, which {network.name} has; measure "
                    "this one."
                )
        layers = [self._losses[layer.name].values() for layer in network.layers]
        self._least = sum(map(min, layers))
        self._span = sum(map(max, layers)) - self._least

    def loss(self, configuration: Configuration, *, float_activations: bool = False) -> float:
        """The sum of sensitivities; for float activations, with the most bits that a layer has."""
        total = 0.0
        for layer, precision in configuration.items():
            own = self._losses[layer]
            b_in = precision.b_in
            if float_activations:
                b_in = max((b for b, w in own if w == precision.b_wt), default=b_in)
            if (b_in, precision.b_wt) not in own:
                raise TableError(
                    f"{self._source} has no sensitivity of layer {layer} at {b_in}b/"
                    f"{precision.b_wt}b; measure it."
                )
            total += own[b_in, precision.b_wt]
        return total

    def reward(self, configuration: Configuration, *, float_activations: bool) -> float:
        """See `Evaluator`."""
        loss = self.loss(configuration, float_activations=float_activations)
        return -10 * (loss - self._least) / (self._span or 1)

    def identity(self) -> Mapping[str, Any]:
        """See `Evaluator`."""
        rows = sorted((layer, sorted(own.items())) for layer, own in self._losses.items())
        return {"kind": "table", "digest": digest(repr(rows))[:16]}
