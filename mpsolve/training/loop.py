"""Training a network.

Everything random is a function of the recipe's seed and the place in training, or is kept in the
checkpoint, so that a run that was interrupted ends exactly as if it had not been.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.storage.interruption import Interruption
from mpsolve.training.callbacks import Callback, TrainingProgress, TrainingState
from mpsolve.training.distributed import this_process
from mpsolve.training.epochs import Loop
from mpsolve.training.evaluate import Totals
from mpsolve.training.optimisers import Optimisers
from mpsolve.training.randomness import kept_randomness, seed_all
from mpsolve.training.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from os import PathLike

    from torch import Tensor, nn

    from mpsolve.training.data import DataSet
    from mpsolve.training.metrics import Recorder
    from mpsolve.training.outcome import Trained
    from mpsolve.training.recipes import Recipe


def train(
    model: nn.Module,
    data: DataSet,
    recipe: Recipe,
    *,
    groups: Mapping[str, Iterable[nn.Parameter]] | None = None,
    extra_loss: Callable[[nn.Module], Tensor] | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | PathLike[str] | None = None,
    checkpoint_batches: int | None = None,
    recorders: Sequence[Recorder] = (),
    progress: Callable[[TrainingProgress], None] | None = None,
    device: str = "auto",
    workers: int = 0,
) -> Trained:
    """Train a network to classify.

    Started by ``torchrun``, several processes train together: a batch is divided among them, the
    gradients are means over all, and the first process writes the files.

    Parameters
    ----------
    model
        Maps inputs ``(N, C, H, W)`` to class scores ``(N, classes)``; it is changed.
    data
        Its training split is learnt, and its validation split evaluated after every epoch.
    recipe
        How.
    groups
        Group of parameters -> its members, where the recipe has others than ``weights``.
    extra_loss
        A scalar that is added to the mean cross entropy of every batch, such as a regulariser.
    callbacks
        What else happens; in this order.
    checkpoint
        A file. If it exists, training goes on from it; it is written after every epoch, and on
        Ctrl-C after the present batch.
    checkpoint_batches
        Writes it also after every so many batches of an epoch.
    recorders
        What takes up the figures of every epoch: ``epoch`` (from 1), ``loss``, ``extra_loss``,
        ``accuracy`` (of training, as it went), ``validation_loss``, ``validation_accuracy``,
        ``learning_rate.GROUP``, ``seconds``, and what callbacks add.
    progress
        Called after every batch.
    device
        ``auto`` (CUDA where there is some), ``cpu``, ``cuda`` or ``cuda:1``.
    workers
        Processes that read examples ahead, where that is worth it.

    Raises
    ------
    InputError
        If model, data, recipe and checkpoint do not fit together.
    DivergenceError
        If the loss becomes infinite or no number.
    """
    process = this_process(device)
    with kept_randomness():
        if recipe.batch_size % process.world:
            raise InputError(
                f"{process.world} processes cannot share batches of {recipe.batch_size} equally; "
                "choose a multiple."
            )
        seed_all(recipe.seed + process.rank)
        model.to(process.device)
        run = Run(
            model,
            data,
            recipe,
            Optimisers(model, recipe.optimisers, groups),
            callbacks,
            process,
            TrainingState(model, process.device, recipe.epochs),
            Totals(process.device),
        )
        path = None if checkpoint is None else Path(checkpoint)
        if path and process.any(path.exists()):
            run.load(path)
        elif path:
            run.save(path)  # so that a file that cannot be written is noticed now
        loop = Loop(
            run,
            # Thresholds and gates rest until quantisation starts.
            process.share(model, resting=recipe.quantisation.start_epoch > 0),
            extra_loss,
            path,
            checkpoint_batches,
            recorders if process.first else (),
            progress if process.first else None,
            workers,
        )
        # Whoever starts several processes may hand Ctrl-C on to those that have received it.
        with Interruption(patient=process.world > 1) as interruption:
            return loop.until_stopped(interruption)
