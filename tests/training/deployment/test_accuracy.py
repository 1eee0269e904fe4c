"""The accuracy of an integer network over a split."""

from __future__ import annotations

import pytest
import torch

from mpsolve.training import integerise
from mpsolve.training.data import TensorSplit
from mpsolve.training.deployment import accuracy
from tests.training.deployment.networks import Residual, images, quantised, randomise

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


@pytest.mark.parametrize("installed", [True, False])
def test_both_are_counted_over_all_images(monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    """In ONNX Runtime as in the interpreter; here all classes at once, without batches."""
    monkeypatch.setattr(accuracy, "has_onnxruntime", lambda: installed)
    x = images(50, seed=2)
    wrapped = quantised(randomise(Residual(), 4), x, (4,), last_per_tensor=False)
    network = integerise(wrapped)
    with torch.no_grad():
        theirs = wrapped(x).argmax(1).numpy()
    ours = network.classify(x)
    labels = torch.arange(50) % 5
    seen: list[tuple[int, int]] = []
    wrapped.train()
    found = accuracy.classify(
        network,
        wrapped,
        TensorSplit(x, labels),
        batch_size=16,
        progress=lambda state: seen.append((state.done, state.total)),
    )
    assert wrapped.training
    assert seen == [(16, 50), (32, 50), (48, 50), (50, 50)]
    assert found.images == 50
    assert found.correct == (ours == labels.numpy()).sum()
    assert found.model_correct == (theirs == labels.numpy()).sum()
    assert found.same == (ours == theirs).sum()
    assert found.accuracy == found.correct / 50
    assert found.model_accuracy == found.model_correct / 50
