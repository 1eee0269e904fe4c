"""One frame for everything that trains: settings, folder, checkpoint, training, judgement."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from mpsolve.training.distributed import this_process
from mpsolve.training.evaluate import evaluate
from mpsolve.training.folder import RunFolder, fingerprint, open_folder
from mpsolve.training.loop import train

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch import Tensor, nn

    from mpsolve.training.callbacks import Callback
    from mpsolve.training.data import DataSet, Split
    from mpsolve.training.options import RecipeOptions, RunOptions
    from mpsolve.training.outcome import Trained
    from mpsolve.training.recipes import Recipe


def open_run(
    options: RunOptions, settings: Mapping[str, Any], origin: Mapping[str, Any] | None = None
) -> RunFolder | None:
    """The folder of a run, if it is to be kept; see `open_folder`."""
    if not options.folder:
        return None
    first = this_process(options.device).first
    return open_folder(options.folder, settings, origin, first=first)


@dataclass(frozen=True, eq=False)
class Experiment:
    """A training by a recipe, with what surrounds it; see `begin`.

    Attributes
    ----------
    data, recipe, options
        What it learns, and how.
    place
        Where it is kept, if it is.
    """

    data: DataSet
    recipe: Recipe
    options: RecipeOptions
    place: RunFolder | None

    @classmethod
    def begin(
        cls,
        command: str,
        model: nn.Module,
        data: DataSet,
        recipe: Recipe,
        options: RecipeOptions,
        settings: Mapping[str, Any] = MappingProxyType({}),
        origin: Mapping[str, Any] | None = None,
    ) -> Self:
        """Open the folder.

        Parameters
        ----------
        command
            What is done.
        model
            The float model, as it was given.
        data, recipe, options
            As in `Experiment`.
        settings
            What else must be the same when the run goes on.
        origin
            As in `open_folder`.

        Raises
        ------
        InputError
            As `open_folder` does.
        """
        record = {
            "command": command,
            "model": options.name or type(model).__name__,
            "initial_weights": fingerprint(model),
            "data": data.name,
            **settings,
            "recipe": recipe.to_json(),
        }
        return cls(data, recipe, options, open_run(options, record, origin))

    def train(
        self,
        model: nn.Module,
        *,
        groups: Mapping[str, Iterable[nn.Parameter]] | None = None,
        extra_loss: Callable[[nn.Module], Tensor] | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> Trained:
        """Train a model, or go on with it; see `mpsolve.training.train`."""
        return train(
            model,
            self.data,
            self.recipe,
            groups=groups,
            extra_loss=extra_loss,
            callbacks=callbacks,
            checkpoint=self.place.checkpoint if self.place else None,
            recorders=[self.place.recorder] if self.place else (),
            checkpoint_batches=self.options.checkpoint_batches,
            progress=self.options.progress,
            device=self.options.device,
            workers=self.options.workers,
        )

    def finish(self, model: nn.Module, split: Split) -> float:
        """The accuracy on a split; the weights are kept."""
        accuracy = evaluate(model, split, batch_size=self.recipe.batch_size).accuracy
        if self.place:
            self.place.write_weights(model)
        return accuracy
