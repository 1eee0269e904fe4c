"""Everything that a run of training consists of, and how it is kept in a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.storage.digest import digest
from mpsolve.training.checkpoint import load_checkpoint, save_checkpoint
from mpsolve.training.evaluate import Totals
from mpsolve.training.randomness import random_states, set_random_states

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from torch import Tensor, nn

    from mpsolve.training.callbacks import Callback, TrainingState
    from mpsolve.training.data import DataSet
    from mpsolve.training.distributed import Process
    from mpsolve.training.optimisers import Optimisers
    from mpsolve.training.recipes import Recipe


@dataclass
class Run:
    """A run, as far as it has come.

    Attributes
    ----------
    model, data, recipe, optimisers, callbacks, process
        What it works with.
    state
        Where it is.
    totals
        Sums over the examples of the present epoch, of this process.
    history
        What was recorded of every complete epoch.
    best_model
        The weights of the best epoch, where the recipe has patience.
    """

    model: nn.Module
    data: DataSet
    recipe: Recipe
    optimisers: Optimisers
    callbacks: Sequence[Callback]
    process: Process
    state: TrainingState
    totals: Totals
    history: list[dict[str, float]] = field(default_factory=list)
    best_model: dict[str, Tensor] | None = None

    def save(self, path: str | PathLike[str]) -> None:
        """Write the run to a file; all processes take part, and the first writes."""
        states = self.process.gather((random_states(), self.totals.values.tolist()))
        if self.process.first:
            content = {
                "identity": self._identity(),
                "model": self.model.state_dict(),
                **self.optimisers.state_dict(),
                "callbacks": [callback.state_dict() for callback in self.callbacks],
                "random": [random for random, _ in states],
                "totals": [totals for _, totals in states],
                "epoch": self.state.epoch,
                "batch": self.state.batch,
                "stop": self.state.stop,
                "history": self.history,
                "best_model": self.best_model,
            }
            save_checkpoint(path, content)
        self.process.wait()

    def load(self, path: str | PathLike[str]) -> None:
        """Go on where the run in a file was.

        Raises
        ------
        InputError
            If it is another training, or no checkpoint at all.
        """
        content = load_checkpoint(path, self.process.device)
        self._require_own(content, path)
        self.model.load_state_dict(content["model"])
        self.optimisers.load_state_dict(content)
        for callback, values in zip(self.callbacks, content["callbacks"], strict=True):
            callback.load_state_dict(values)
        self.state.epoch, self.state.batch = content["epoch"], content["batch"]
        self.state.stop = content["stop"]
        self.history, self.best_model = content["history"], content["best_model"]
        rank = self.process.rank
        self.totals = Totals(self.process.device, content["totals"][rank])
        set_random_states(content["random"][rank])

    def _identity(self) -> dict[str, str]:
        """What must be the same when training goes on: all but how long it lasts."""
        patience = None if self.recipe.patience is None else 1
        settings = replace(self.recipe, epochs=0, patience=patience, name="", source="")
        tensors = self.model.state_dict().items()
        shapes = [(name, str(t.dtype), list(t.shape)) for name, t in tensors]
        return {
            "recipe": digest(repr(settings)),
            "model": digest(repr(shapes)),
            "data": f"{self.data.name}, {len(self.data.train)} examples",
            "list of callbacks": ", ".join(type(c).__name__ for c in self.callbacks),
            "number of processes": str(self.process.world),
        }

    def _require_own(self, content: Any, path: str | PathLike[str]) -> None:
        theirs = content.get("identity") if isinstance(content, dict) else None
        if not isinstance(theirs, dict):
            raise InputError(f"{path} is not a checkpoint of training; name another file.")
        own = self._identity()
        if other := [name for name in own if theirs.get(name) != own[name]]:
            raise InputError(
                f"{path} belongs to a training with another {' and another '.join(other)}; name "
                "another file, or remove it to begin anew."
            )
