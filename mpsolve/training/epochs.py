"""The loop over epochs and batches."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from torch.nn.functional import cross_entropy

from mpsolve.training.data.order import training_batches
from mpsolve.training.evaluate import Totals, evaluate
from mpsolve.training.outcome import DivergenceError, Stop, Trained, best_epoch
from mpsolve.training.progress import TrainingProgress
from mpsolve.training.randomness import kept_randomness

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from mpsolve.storage.interruption import Interruption
    from mpsolve.training.metrics import Recorder
    from mpsolve.training.options import TrainOptions
    from mpsolve.training.run import Run


@dataclass
class Loop:
    """A run in progress.

    Attributes
    ----------
    run
        How far it has come.
    network
        The model, as it is called in training.
    checkpoint
        Where the run is written.
    options
        What `train` was asked for; the first of several processes records and reports.
    """

    run: Run
    network: nn.Module
    checkpoint: Path | None
    options: TrainOptions

    @property
    def recorders(self) -> Sequence[Recorder]:
        """Those of this process."""
        return self.options.recorders if self.run.process.first else ()

    def until_stopped(self, interruption: Interruption) -> Trained:
        """Train all epochs that are missing."""
        run, state = self.run, self.run.state
        for recorder in self.recorders:
            recorder.begin(run.history)
        while not self._done():
            self._train_epoch(interruption)
            if state.batch == state.batches:
                self._end_epoch()
            self._save()
            if run.process.any(interruption.requested) and not self._done():
                return Trained(Stop.INTERRUPTED, state.epoch, tuple(run.history))
        if run.recipe.patience and run.best_model:
            run.model.load_state_dict(run.best_model)
        stopped = Stop.EARLY if state.epoch < state.epochs else Stop.FINISHED
        return Trained(stopped, state.epoch, tuple(run.history))

    def _done(self) -> bool:
        state, patience = self.run.state, self.run.recipe.patience
        late = patience is not None and state.epoch - best_epoch(self.run.history) >= patience
        return state.epoch >= state.epochs or state.stop or late

    def _train_epoch(self, interruption: Interruption) -> None:
        """All batches of an epoch that are missing, or as many as an interruption leaves."""
        run, state, process = self.run, self.run.state, self.run.process
        split, recipe = run.data.train, run.recipe
        self._start_epoch()
        indices = training_batches(
            len(split), recipe.batch_size, recipe.seed, state.epoch, process.rank, process.world
        )
        state.batches = len(indices)
        seed, every = (recipe.seed, state.epoch), self.options.checkpoint_batches
        for batch in split.batches(indices[state.batch :], seed, self.options.workers):
            for callback in run.callbacks:
                callback.before_batch(state)
            self._step(*batch)
            state.batch += 1
            for callback in run.callbacks:
                callback.after_batch(state)
            self._report()
            if process.any(interruption.requested):
                return
            if every and state.batch % every == 0:
                self._save()

    def _start_epoch(self) -> None:
        run, state = self.run, self.run.state
        self._began = perf_counter()
        state.resumed = state.batch > 0
        state.figures = {}
        run.model.train()
        # The random states of a resumed epoch are those after its first start.
        with kept_randomness() if state.resumed else nullcontext():
            for callback in run.callbacks:
                callback.start_of_epoch(state)

    def _step(self, inputs: Tensor, targets: Tensor) -> None:
        """One step of all optimisers."""
        run, device = self.run, self.run.process.device
        inputs = inputs.to(device, non_blocking=True)
        targets = targets.to(device, non_blocking=True)
        run.optimisers.zero_grad()
        scores = self.network(inputs)
        extra_loss = self.options.extra_loss
        extra = extra_loss(run.model) if extra_loss else None
        loss = cross_entropy(scores, targets)
        total = loss if extra is None else loss + extra
        total.backward()
        for callback in run.callbacks:
            callback.before_step(run.state)
        if run.recipe.clip_norm:
            run.optimisers.clip(run.recipe.clip_norm)
        run.optimisers.step()
        run.totals.add(scores, targets, extra)

    def _end_epoch(self) -> None:
        """Evaluate, record, and prepare the next epoch."""
        run, state, process = self.run, self.run.state, self.run.process
        process.equalise(run.model)
        process.sum(run.totals.values)
        learnt, extra = run.totals.evaluation(), run.totals.mean_extra
        if not math.isfinite(learnt.loss + extra):
            raise DivergenceError(
                f"The loss of epoch {state.epoch + 1} is {learnt.loss + extra}: lower the "
                "learning rates, or bound the gradients by clip_norm."
            )
        seen = evaluate(
            run.model,
            run.data.validation,
            batch_size=run.recipe.batch_size,
            workers=self.options.workers,
            process=process,
        )
        state.figures = {
            "epoch": state.epoch + 1,
            "loss": learnt.loss,
            "extra_loss": extra,
            "accuracy": learnt.accuracy,
            "validation_loss": seen.loss,
            "validation_accuracy": seen.accuracy,
            **{f"learning_rate.{k}": v for k, v in run.optimisers.learning_rates.items()},
            "seconds": perf_counter() - self._began,
        }
        for callback in run.callbacks:
            callback.end_of_epoch(state)
        run.optimisers.end_epoch()
        figures = {k: v if isinstance(v, int) else float(v) for k, v in state.figures.items()}
        run.history.append(figures)
        for recorder in self.recorders:
            recorder.record(figures)
        if run.recipe.patience and best_epoch(run.history) == len(run.history):
            run.best_model = {k: v.clone() for k, v in run.model.state_dict().items()}
        state.epoch, state.batch = state.epoch + 1, 0
        run.totals = Totals(process.device)

    def _report(self) -> None:
        if self.options.progress is not None and self.run.process.first:
            state, seen = self.run.state, self.run.totals.evaluation()
            self.options.progress(
                TrainingProgress(
                    state.epoch, state.epochs, state.batch, state.batches, seen.loss, seen.accuracy
                )
            )

    def _save(self) -> None:
        if self.checkpoint is not None:
            self.run.save(self.checkpoint)
