"""What `search_haq` is asked for besides `HaqSettings`; see `mpsolve.training.options`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.training.options import RunKeywords, RunOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from mpsolve.profiles.networks.tensor_groups import Rules
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.training.haq.evaluator.evaluator import Evaluator
    from mpsolve.training.haq.settings import HaqSettings
    from mpsolve.training.progress import HaqProgress


@dataclass(frozen=True, kw_only=True)
class HaqOptions(RunOptions):
    """Of `search_haq`.

    Attributes
    ----------
    rom, ram
        Bytes for weights and tables, and for activations at their peak; None for no limit.
    evaluator
        What judges configurations: sensitivities, the file in which they were written, or one's
        own. By default `ShortTraining`, which needs a model and data.
    settings
        How it is searched; by default `HaqSettings()`.
    rules
        What to ask of activations; ``share_inputs`` must be set.
    progress
        Called after every episode.
    """

    rom: int | None = None
    ram: int | None = None
    evaluator: Evaluator | LatencyTable | str | PathLike[str] | None = None
    settings: HaqSettings | None = None
    rules: Rules | None = None
    progress: Callable[[HaqProgress], None] | None = None


class HaqKeywords(RunKeywords, total=False):
    """See `HaqOptions`."""

    rom: int | None
    ram: int | None
    evaluator: Evaluator | LatencyTable | str | PathLike[str] | None
    settings: HaqSettings | None
    rules: Rules | None
    progress: Callable[[HaqProgress], None] | None
