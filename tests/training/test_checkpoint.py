"""Checkpoint files."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import InputError
from mpsolve.training.checkpoint import load_checkpoint, save_checkpoint

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), PLAIN, max_size=4))
def test_plain_values_come_back(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]
) -> None:
    """Whatever is accepted for writing can be read."""
    path = tmp_path_factory.getbasetemp() / "plain.pt"
    save_checkpoint(path, content)
    assert load_checkpoint(path) == content


def test_tensors_come_back(tmp_path: Path) -> None:
    """Of any type, in nested containers."""
    tensors = OrderedDict(a=torch.arange(3), b=torch.tensor(1.5, dtype=torch.float64))
    save_checkpoint(tmp_path / "c.pt", {"tensors": tensors, "pair": (1, [torch.ones(2)])})
    found = load_checkpoint(tmp_path / "c.pt")
    assert torch.equal(found["tensors"]["a"], tensors["a"])
    assert found["tensors"]["b"].dtype == torch.float64
    assert torch.equal(found["pair"][1][0], torch.ones(2))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.float64(1), r"cannot hold a\[1\]\.b, which is of type float64"),
        (np.zeros(2), r"cannot hold a\[1\]\.b, which is of type ndarray"),
        ({1, 2}, r"cannot hold a\[1\]\.b, which is of type set"),
        (Path("x"), r"cannot hold a\[1\]\.b, which is of type PosixPath"),
    ],
)
def test_what_could_not_be_read_is_not_written(tmp_path: Path, value: Any, message: str) -> None:
    """The entry is named, and the file that is there stays."""
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"good": 1})
    with pytest.raises(InputError, match=message):
        save_checkpoint(path, {"a": [0, {"b": value}]})
    assert load_checkpoint(path) == {"good": 1}


class Trap:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("trapped",)


def test_a_file_from_elsewhere_runs_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused instead."""
    monkeypatch.chdir(tmp_path)
    torch.save({"model": Trap()}, "trap.pt")
    Path("pickle.pt").write_bytes(pickle.dumps(Trap()))
    for name in ("trap.pt", "pickle.pt"):
        with pytest.raises(InputError, match=rf"^{name} is no checkpoint, or a damaged one"):
            load_checkpoint(name)
    assert not Path("trapped").exists()


def test_every_damage_is_noticed(tmp_path: Path) -> None:
    """A file cut short, an empty one, a text, a folder, and none at all."""
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"weights": torch.ones(1000)})
    whole = path.read_bytes()
    for damaged in (whole[:-100], whole[: len(whole) // 2], b"", b"epoch,loss\n"):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"c\.pt is no checkpoint, or a damaged one"):
            load_checkpoint(path)
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load_checkpoint(tmp_path)
    with pytest.raises(InputError, match=r"none\.pt cannot be read: No such file"):
        load_checkpoint(tmp_path / "none.pt")
    with pytest.raises(InputError, match=r"none/c\.pt cannot be written: No such file"):
        save_checkpoint(tmp_path / "none" / "c.pt", {})


def test_a_failure_in_writing_leaves_the_previous_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, for one."""
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"epoch": 1})

    def torn(content: Any, file: Any) -> None:
        file.write(b"half a checkpoint")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", torn)
        with pytest.raises(InputError, match=r"c\.pt cannot be written: No space left on device"):
            save_checkpoint(path, {"epoch": 2})
    assert load_checkpoint(path) == {"epoch": 1}
    save_checkpoint(path, {"epoch": 3})
    assert load_checkpoint(path) == {"epoch": 3}
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import os, signal, sys, torch
from mpsolve.training.checkpoint import save_checkpoint
real = torch.save
def torn(content, file):
    real(content, file)
    if content["epoch"] == 2:
        file.truncate(file.tell() // 2)
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
torch.save = torn
for epoch in range(5):
    save_checkpoint(sys.argv[1], {"epoch": epoch, "weights": torch.ones(10000)})
"""


def test_a_process_that_is_killed_in_writing_leaves_the_previous_file(tmp_path: Path) -> None:
    """SIGKILL, which nobody can catch; the next run writes over what is left."""
    path = tmp_path / "c.pt"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -9
    assert load_checkpoint(path)["epoch"] == 1
    save_checkpoint(path, {"epoch": 7})
    assert list(tmp_path.iterdir()) == [path]
