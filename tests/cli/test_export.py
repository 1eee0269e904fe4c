"""``mpsolve export``."""

from __future__ import annotations

import json
import shutil
import signal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
torch.set_num_threads(1)
NET = """
from torch import nn
def make():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(), nn.Flatten(),
        nn.Linear(128, 10))
"""
FAST = ("--data", "digits", "--set", "epochs=2")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network in a file, and two runs that fine-tuned it."""
    from click.testing import CliRunner

    from mpsolve.cli.application import application

    folder = tmp_path_factory.mktemp("tuned")
    (folder / "net.py").write_text(NET)

    def run(command: str, model: str, output: str, *options: str) -> None:
        words = [command, f"{folder}/net.py:{model}", *FAST, "-o", f"{folder}/{output}", *options]
        assert CliRunner().invoke(application, words).exit_code == 0

    run("train", "make", "float", "--recipe", "full_precision_digits")
    for name, b_wt, *more in (("even", 8), ("odd", 3, "--last-per-tensor")):
        bits = folder / f"{name}.json"
        bits.write_text(f'{{"0": "8b/{b_wt}b", "4": "4b/8b"}}')
        rest = ("--recipe", "tqt_digits", "--configuration", str(bits))
        run("finetune", f"make:{folder}/float", name, *rest, *map(str, more))
    return folder


def digits() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The test split, from scikit-learn itself: ``(360, 1, 8, 8)`` pixels to 1, and labels."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    _, test, _, expected = train_test_split(
        pixels, labels, test_size=360, stratify=labels, random_state=0
    )
    return (test / 16).astype(np.float32).reshape(-1, 1, 8, 8), expected


def test_the_files_classify_as_well_as_it_says(run: Run, tuned: Path, tmp_path: Path) -> None:
    """Whoever reads them needs nothing else; the run needs no options."""
    result = run("export", tuned / "even", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    described = json.loads((tmp_path / "out" / told["description"]).read_text())
    assert told["files"] == ["net_make.json", "net_make.onnx"] == described["files"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == told["files"]
    images, labels = digits()
    given = described["input"]
    low, high = (-128, 127) if given["signed"] else (0, 255)
    codes = np.clip(np.rint(images / np.float32(given["scale"])), low, high)
    session = onnxruntime.InferenceSession(
        str(tmp_path / "out" / described["model"]), providers=["CPUExecutionProvider"]
    )
    type_ = np.int8 if given["signed"] else np.uint8
    (output,) = session.run(None, {session.get_inputs()[0].name: codes.astype(type_)})
    classes = (output * np.array(described["output"]["scale"])).argmax(1)
    assert (told["images"], told["accuracy"]) == (360, np.mean(classes == labels))
    assert told["accuracy"] > 0.7
    assert told["onnxruntime_identical"] is True
    assert told["compared_images"] == 4
    # 3 x 3 x 8 weights of 8 bits at 4 x 4 places, and 128 x 10 of 8 bits.
    assert (told["layers"], told["macs"], told["weight_bytes"]) == (2, 72 * 16 + 1280, 72 + 1280)
    assert abs(told["accuracy"] - told["model_accuracy"]) <= 0.01
    assert told["same_class"] >= 355
    assert told["largest_difference"] <= 1
    assert 0 <= told["different_codes"] < 0.02


def test_dory_gets_its_folder(run: Run, tuned: Path, tmp_path: Path) -> None:
    """In the place of the export before; a person reads what was done."""
    out = tmp_path / "out"
    assert run("export", tuned / "even", "-o", out, "-q").stdout == ""
    options = ("--format", "dory", "--images", "2", "--width", "64")
    result = run("export", tuned / "even", "-o", out, *options)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].endswith(
        "net.py:make for dory: 2 layers, 2,432 multiply-accumulates, 1,352 bytes of weights"
    )
    assert lines[1].startswith("test split of digits: accuracy ")
    assert lines[2].startswith("2 of them compared: ")
    assert lines[2].endswith("; ONNX Runtime computes the same integers")
    assert "Every output has a scale of its own" in lines[-1]
    config = json.loads((out / "config_net_make.json").read_text())
    assert (config["n_inputs"], config["BNRelu_bits"]) == (2, 64)
    pixels = (out / "input_1.txt").read_text().splitlines()
    assert len(pixels) == 1 + 64
    assert {path.name for path in out.glob("*.onnx")} == {"net_make.onnx"}


def test_what_dory_cannot_express_is_said(run: Run, tuned: Path, tmp_path: Path) -> None:
    """There are no kernels for three bits; nothing is left. ONNX Runtime has no such limits."""
    result = run("export", tuned / "odd", "--format", "dory", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "DORY cannot read net_make: " in result.stderr
    assert "weight_bits must be 2, 4 or 8" in result.stderr
    assert list(tmp_path.iterdir()) == []
    others = run("export", tuned / "odd", "-o", tmp_path / "out")
    assert others.exit_code == 0
    assert "a scale of its own" not in others.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("float",), "holds a run of mpsolve train, not of mpsolve finetune; fine-tune"),
        (("nowhere",), "nowhere holds no run: it has no run.json."),
        (("even", "--format", "tflite"), "'tflite' is not one of"),
        (("even", "--width", "16"), "'16' is not one of"),
        (("even", "--images", "0"), "--images"),
        (("even", "--data", "digit"), "did you mean digits?"),
        (
            ("even", "--data", "synthetic:gratings,size=16"),
            "even takes images of 1 x 8 x 8 in 10 classes; those of synthetic:gratings",
        ),
    ],
)
def test_what_is_wrong_is_said(
    run: Run, tuned: Path, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    """In one sentence, and no folder is made."""
    name, *rest = options
    result = run("export", tuned / name, *rest, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "words"),
    [("", "does not say which data it learnt; give --data."), ("imagefolder:gone", "--data may")],
)
def test_data_that_are_gone_may_be_named(
    run: Run, tuned: Path, tmp_path: Path, data: str, words: str
) -> None:
    """The model itself is made without them."""
    shutil.copytree(tuned / "even", tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    record["origin"]["data"] = data
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    result = run("export", tmp_path / "run", "-o", tmp_path / "out")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert words in result.stderr
    other = ("--data", "digits:seed=1", "-o", tmp_path / "out")
    assert "digits:seed=1: accuracy" in run("export", tmp_path / "run", *other).stdout


def test_foreign_files_are_kept(run: Run, tuned: Path, tmp_path: Path) -> None:
    """Before anything is loaded."""
    (tmp_path / "notes.txt").write_text("mine")
    result = run("export", tuned / "even", "-o", tmp_path)
    assert result.exit_code == 2
    assert "other files than those of an export, such as notes.txt" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_ctrl_c_leaves_nothing(
    run: Run, tuned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While files are written; the status is 130."""

    def interrupted(graph: object, folder: Path, codes: object) -> None:
        (folder / "model.onnx").write_text("")
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("mpsolve.deploy.export.write_dory", interrupted)
    broken = run("export", tuned / "even", "--format", "dory", "-o", tmp_path / "out")
    assert (broken.exit_code, broken.stderr.strip()) == (130, "Interrupted.")
    assert list(tmp_path.iterdir()) == []
