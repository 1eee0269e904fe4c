"""Exports are whole or absent, and replace nothing but exports."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from mpsolve import InputError
from mpsolve.deploy.folder import own_files, written_whole
from mpsolve.training import export, integerise
from tests.training.deployment.networks import Residual, images, quantised, randomise

if TYPE_CHECKING:
    from pathlib import Path

    from mpsolve.training import IntegerNetwork

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def network() -> IntegerNetwork:
    """A network that both formats can express."""
    return integerise(quantised(randomise(Residual(), 4), images()), clip="kernels")


def names(folder: Path) -> set[str]:
    """Everything in a folder, hidden files too."""
    return {path.name for path in folder.iterdir()}


def test_an_export_replaces_an_export(tmp_path: Path, network: IntegerNetwork) -> None:
    """Whatever the formats are, nothing of the old one remains."""
    target = tmp_path / "net"
    for format_, count in (("onnxruntime", 2), ("dory", 13), ("onnxruntime", 2)):
        path = export(network, target, format_)  # type: ignore[arg-type]
        listed = json.loads(path.read_text())["files"]
        assert names(target) == set(listed)
        if format_ == "onnxruntime":
            assert len(listed) == count
        else:
            assert {"input.txt", "out_layer0.txt", "config_net.json"} < set(listed)
    assert names(tmp_path) == {"net"}


def test_other_files_are_never_replaced(tmp_path: Path, network: IntegerNetwork) -> None:
    """Nor is anything put beside them; the message names one."""
    export(network, tmp_path / "a")
    (tmp_path / "a" / "notes.txt").write_text("mine")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "net.onnx").write_text("mine")
    (tmp_path / "b" / "package.json").write_text('{"files": ["net.onnx"], "format": 1}')
    for place, foreign in (("a", r"notes\.txt"), ("b", r"net\.onnx")):
        before = names(tmp_path / place)
        with pytest.raises(InputError, match=f"other files than .*such as {foreign}; name another"):
            export(network, tmp_path / place)
        assert names(tmp_path / place) == before
    assert (tmp_path / "b" / "net.onnx").read_text() == "mine"


@pytest.mark.parametrize("error", [KeyboardInterrupt, InputError, OSError(28, "No space left")])
def test_what_ends_early_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    """Neither files nor folders, and an old export as it was."""
    old = tmp_path / "old"
    old.mkdir()
    description = '{"files": ["net.json"], "format": "dory"}'
    (old / "net.json").write_text(description)
    for target in (tmp_path / "new" / "deep", old):
        with pytest.raises((KeyboardInterrupt, InputError)), written_whole(target) as part:
            (part / "net.json").write_text("half")
            raise error
        assert names(tmp_path) == {"old"}
        assert (old / "net.json").read_text() == description


def test_ctrl_c_while_files_move_is_too_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The export is then complete."""
    replace = os.replace

    def interrupted(old: Path, new: Path) -> None:
        signal.raise_signal(signal.SIGINT)
        replace(old, new)

    monkeypatch.setattr(os, "replace", interrupted)
    with written_whole(tmp_path / "net") as part:
        for name in "ab":
            (part / name).write_text(name)
    assert {path.name: path.read_text() for path in (tmp_path / "net").iterdir()} == {
        "a": "a",
        "b": "b",
    }


def test_an_empty_folder_keeps_being_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as the present one, in which a shell may stand."""
    monkeypatch.chdir(tmp_path)
    before = tmp_path.stat().st_ino
    with written_whole(".") as part:
        (part / "a").write_text("a")
    assert tmp_path.stat().st_ino == before
    assert names(tmp_path) == {"a"}


def test_files_are_no_folders(tmp_path: Path) -> None:
    """A name that is taken is refused."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write the network"):
        own_files(tmp_path / "file")
    with pytest.raises(InputError, match="cannot write the network"):
        own_files(tmp_path / "file" / "below")
