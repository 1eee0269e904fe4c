"""How well an integer network classifies, beside the quantised model that it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mpsolve.deploy.interpreter import run
from mpsolve.deploy.onnxruntime_emitter import to_onnx
from mpsolve.deploy.session import Session, has_onnxruntime
from mpsolve.training.data.splits import in_order
from mpsolve.training.evaluate import device_of, evaluating
from mpsolve.training.progress import Count
from mpsolve.training.quantisers.quantiser import Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.deploy.network import IntegerNetwork
    from mpsolve.training.data import Split
    from mpsolve.training.wrapping.quantised_model import QuantisedModel
    from mpsolve.typing import IntArray


@dataclass(frozen=True, slots=True)
class Classified:
    """The classes that both have found.

    Attributes
    ----------
    images
        How many there were.
    correct, model_correct
        For how many the integer network, and the model, found the right class.
    same
        For how many both found the same.
    """

    images: int
    correct: int
    model_correct: int
    same: int

    @property
    def accuracy(self) -> float:
        """Share of images that the integer network classifies correctly (top-1)."""
        return self.correct / self.images

    @property
    def model_accuracy(self) -> float:
        """That of the model."""
        return self.model_correct / self.images


@torch.no_grad()
def classify(
    network: IntegerNetwork,
    model: QuantisedModel,
    split: Split,
    *,
    batch_size: int = 64,
    progress: Callable[[Count], None] | None = None,
) -> Classified:
    """Classify all examples of a split twice.

    The integer network runs in ONNX Runtime where that is installed, which is faster and computes
    the same, and otherwise in the interpreter.

    Parameters
    ----------
    network, model
        What `integerise` returned, and what it was given.
    split
        The examples.
    batch_size
        How many are classified at once.
    progress
        Called after every batch with the images so far.
    """
    execute = _executor(network)
    counts = np.zeros(3, np.int64)
    done = 0
    with evaluating(model), model.mode(Mode.QUANTISE):
        for inputs, targets in in_order(split, batch_size):
            theirs = model(inputs.to(device_of(model))).argmax(1).cpu().numpy()
            ours = network.real(execute(network.input_codes(inputs))).argmax(1)
            right = targets.numpy()
            counts += [np.sum(ours == right), np.sum(theirs == right), np.sum(ours == theirs)]
            done += len(inputs)
            if progress is not None:
                progress(Count(done, len(split)))
    correct, model_correct, same = counts.tolist()
    return Classified(done, correct, model_correct, same)


def _executor(network: IntegerNetwork) -> Callable[[IntArray], IntArray]:
    graph = network.graph
    if has_onnxruntime():
        return Session(graph, to_onnx(graph).SerializeToString()).run
    return lambda codes: run(graph, codes)
