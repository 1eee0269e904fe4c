"""What tells the agent how good a configuration is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.model.configuration import Configuration


class Evaluator(Protocol):
    """Judges configurations, always with the same result for the same one."""

    def reward(self, configuration: Configuration, *, float_activations: bool) -> float | None:
        """How good a configuration is: greater is better; None if Ctrl-C has stopped it.

        Parameters
        ----------
        configuration
            The precision of every layer.
        float_activations
            Leave activations in float, whatever the configuration says.
        """
        ...

    def identity(self) -> Mapping[str, Any]:
        """Plain data that tells one evaluator from another, for the record of a run."""
        ...
