"""Training a network.

Everything random is a function of the recipe's seed and the place in training, or is kept in the
checkpoint, so that a run that was interrupted ends exactly as if it had not been.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from mpsolve.errors import InputError
from mpsolve.storage.interruption import Interruption
from mpsolve.training.callbacks import TrainingState
from mpsolve.training.distributed import this_process
from mpsolve.training.epochs import Loop
from mpsolve.training.evaluate import Totals
from mpsolve.training.optimisers import Optimisers
from mpsolve.training.options import TrainKeywords, TrainOptions
from mpsolve.training.randomness import kept_randomness, seed_all
from mpsolve.training.run import Run

if TYPE_CHECKING:
    from torch import nn

    from mpsolve.training.data import DataSet
    from mpsolve.training.outcome import Trained
    from mpsolve.training.recipes import Recipe


def train(
    model: nn.Module, data: DataSet, recipe: Recipe, **options: Unpack[TrainKeywords]
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
    options
        See `mpsolve.training.options.TrainOptions`.

    Raises
    ------
    InputError
        If model, data, recipe and checkpoint do not fit together.
    DivergenceError
        If the loss becomes infinite or no number.
    """
    asked = TrainOptions(**options)
    process = this_process(asked.device)
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
            Optimisers(model, recipe.optimisers, asked.groups),
            asked.callbacks,
            process,
            TrainingState(model, process.device, recipe.epochs),
            Totals(process.device),
        )
        path = None if asked.checkpoint is None else Path(asked.checkpoint)
        if path and process.any(path.exists()):
            run.load(path)
        elif path:
            run.save(path)  # so that a file that cannot be written is noticed now
        # Thresholds and gates rest until quantisation starts.
        network = process.share(model, resting=recipe.quantisation.start_epoch > 0)
        loop = Loop(run, network, path, asked)
        # Whoever starts several processes may hand Ctrl-C on to those that have received it.
        with Interruption(patient=process.world > 1) as interruption:
            return loop.until_stopped(interruption)
