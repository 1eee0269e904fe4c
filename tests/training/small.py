"""Data, a network and a recipe that are small enough to train many times."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from mpsolve.training.data import DataSet, Normalisation, TensorSplit
from mpsolve.training.recipes import OptimiserSettings, Recipe

SHAPE = (1, 4, 4)
CLASSES = 3


def small_data(count: int = 45, seed: int = 0) -> DataSet:
    """Gaussian inputs whose class is the row of the greatest sum among three rows."""
    rng = np.random.default_rng(seed)
    inputs = torch.from_numpy(rng.normal(size=(count, *SHAPE)).astype(np.float32))
    targets = inputs[:, 0, :CLASSES].sum(2).argmax(1)
    parts = (slice(count - 16), slice(count - 16, count - 8), slice(count - 8, None))
    splits = [TensorSplit(inputs[part], targets[part]) for part in parts]
    normalisation = Normalisation((0.0,), (1.0,))
    return DataSet("small", splits[0], splits[1], splits[2], SHAPE, CLASSES, normalisation)


def small_model(seed: int = 0) -> nn.Sequential:
    """With batch statistics and dropout, which both depend on more than the parameters."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(16, CLASSES),
    )


def batch_norm(model: nn.Sequential) -> nn.BatchNorm2d:
    """The layer of `small_model` that has statistics."""
    norm = model[1]
    assert isinstance(norm, nn.BatchNorm2d)
    return norm


def small_recipe(epochs: int = 3, **settings: float | None) -> Recipe:
    """SGD with momentum in batches of six, and a smaller learning rate from epoch 2 on."""
    weights = OptimiserSettings("sgd", 0.1, momentum=0.9, milestones=(2,))
    return Recipe(epochs, 6, {"weights": weights}, **settings)  # type: ignore[arg-type]
