"""Exports are checked before they are handed out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve import InputError
from mpsolve.deploy.interpreter import run
from mpsolve.deploy.onnxruntime_emitter import to_onnx
from mpsolve.deploy.session import Session
from mpsolve.training import export, integerise
from tests.training.deployment.networks import Residual, Separable, images, quantised, randomise

if TYPE_CHECKING:
    from pathlib import Path

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


def test_file_and_description_suffice_to_classify(tmp_path: Path) -> None:
    """Images to codes to accumulators to scores, with nothing but the two files."""
    x = images(8)
    wrapped = quantised(randomise(Residual(), 4), x, last_per_tensor=False)
    network = integerise(wrapped, name="residual")
    path = export(network, tmp_path / "new" / "folder")
    assert path.name == "residual.json"
    entries = json.loads(path.read_text())
    assert entries["format"] == "onnxruntime"
    given = entries["input"]
    half = 2 ** (given["bits"] - 1)
    codes = np.clip(np.rint(x.numpy() / np.float32(given["scale"])), -half, half - 1)
    session = onnxruntime.InferenceSession(
        str(path.parent / entries["model"]), providers=["CPUExecutionProvider"]
    )
    (output,) = session.run(None, {session.get_inputs()[0].name: codes.astype(np.int8)})
    scores = output * np.array(entries["output"]["scale"])
    np.testing.assert_array_equal(scores.argmax(1), network.classify(x))
    np.testing.assert_array_equal(output, run(network.graph, network.input_codes(x)))


def test_a_model_is_integerised_on_the_way(tmp_path: Path) -> None:
    """For DORY with the clips of its kernels."""
    wrapped = quantised(randomise(Residual(), 4), images())
    for format_ in ("onnxruntime", "dory"):
        entries = json.loads(export(wrapped, tmp_path / format_, format_).read_text())
        assert (tmp_path / format_ / entries["model"]).exists()
        assert entries["name"] == "net"


def test_another_file_than_that_of_the_graph_is_refused() -> None:
    """The message says how many outputs differ."""
    first, second = (
        integerise(quantised(randomise(Separable(), seed), images())).graph for seed in (1, 2)
    )
    codes = np.ones((2, 3, 8, 8), np.int64)
    with pytest.raises(InputError, match="of 10 outputs differently"):
        renamed = to_onnx(second)
        Session(first, renamed.SerializeToString()).check(codes)


def test_unknown_formats_and_folders_are_refused(tmp_path: Path) -> None:
    """One sentence each."""
    wrapped = quantised(randomise(Separable()), images())
    with pytest.raises(InputError, match="onnxruntime or dory"):
        export(wrapped, tmp_path, "tflite")  # type: ignore[arg-type]
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write the network"):
        export(wrapped, tmp_path / "file")
