"""Recipes for `small_data` and `small_model`, and what a folder of a run holds in the end."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from mpsolve.training.checkpoint import load_checkpoint
from mpsolve.training.recipes import Recipe, load_recipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

    from mpsolve.training.progress import TrainingProgress


def searching(*overrides: str, algorithm: str = "bayesian_bits") -> Recipe:
    """Gates that move far in three epochs of five batches."""
    rate = "gates.learning_rate=0.3" if algorithm == "bayesian_bits" else "alphas.learning_rate=0.3"
    short = ["epochs=3", "batch_size=6", f"optimisers.{rate}"]
    return load_recipe(f"{algorithm}_digits", [*short, *overrides])


def tuning(*overrides: str) -> Recipe:
    """Three epochs of five batches."""
    return load_recipe("tqt_digits", ["epochs=3", "batch_size=6", *overrides])


def interrupt_at(epoch: int, batch: int) -> Callable[[TrainingProgress], None]:
    """Press Ctrl-C after so many batches of an epoch."""

    def tell(progress: TrainingProgress) -> None:
        if (progress.epoch, progress.batch) == (epoch, batch):
            signal.raise_signal(signal.SIGINT)

    return tell


def kept(folder: Path) -> Any:
    """Everything that a complete run left, without how long it took."""
    weights = load_checkpoint(folder / "weights.pt")
    rows = [line.split(",") for line in (folder / "metrics.csv").read_text().splitlines()]
    column = rows[0].index("seconds")
    file = folder / "configuration.json"
    return (
        {name: value.tolist() for name, value in weights.items()},
        [[cell for i, cell in enumerate(row) if i != column] for row in rows],
        file.read_text() if file.exists() else None,
    )


def gates_of(model: torch.nn.Module) -> list[float]:
    """The parameters of all gates and mixtures."""
    from mpsolve.training import parameter_groups

    return [float(v) for p in parameter_groups(model).gates for v in p.detach()]
