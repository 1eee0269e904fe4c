"""Files, progress lines and plain data."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve.cli.output import check_writable, print_json, write_file
from mpsolve.cli.progress import ProgressLine, progress_line
from mpsolve.cli.status import best_status, exit_status
from mpsolve.errors import InputError
from mpsolve.model.solution import Progress, Solution, Status

if TYPE_CHECKING:
    from pathlib import Path


def test_write_replaces_the_whole_file_and_keeps_its_mode(tmp_path: Path) -> None:
    """The new content is complete, the permissions stay, and no other file remains."""
    path = tmp_path / "a.json"
    path.write_text("x" * 1000, encoding="utf-8")
    path.chmod(0o640)
    write_file(str(path), {"a": 1})
    assert json.loads(path.read_text()) == {"a": 1}
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_new_files_follow_the_umask(tmp_path: Path) -> None:
    """A new file has the mode that any other program would give it."""
    before = os.umask(0o027)
    try:
        write_file(str(tmp_path / "a.json"), {})
    finally:
        os.umask(before)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o640


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the file cannot be put in place the old one stays and the message says why."""

    def refuse(*args: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.json"
    path.write_text("before", encoding="utf-8")
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(InputError, match="No space left"):
        write_file(str(path), {})
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_links_keep_pointing_to_their_file(tmp_path: Path) -> None:
    """Writing through a symbolic link changes the file behind it."""
    (tmp_path / "a.json").touch()
    (tmp_path / "link.json").symlink_to(tmp_path / "a.json")
    write_file(str(tmp_path / "link.json"), {"a": 1})
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}


def test_devices_are_written_to() -> None:
    """A device is written to, not replaced."""
    check_writable(os.devnull)
    write_file(os.devnull, {})
    assert not os.path.isfile(os.devnull)


def test_json_has_only_what_json_knows(capsys: pytest.CaptureFixture[str]) -> None:
    """Infinities become null and NumPy numbers become plain ones."""
    print_json({"a": [np.int64(3), float("inf")], "b": np.float64("nan")})
    assert json.loads(capsys.readouterr().out) == {"a": [3, None], "b": None}


def test_progress_line_with_what_is_known() -> None:
    """Only known values are shown; a gap needs both."""
    line = ProgressLine("mckp")
    assert "incumbent" not in str(line)
    line.update(Progress(1.0, None, 150.0))
    assert "bound 150" in str(line)
    assert "gap" not in str(line)


def test_no_progress_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is shown when standard error is no terminal."""
    with progress_line("solving", silent=False) as line:
        assert line is None
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.OPTIMAL, 0),
        (Status.FEASIBLE, 0),
        (Status.INFEASIBLE, 3),
        (Status.NO_SOLUTION, 4),
        (Status.FAILED, 4),
    ],
)
def test_exit_statuses(status: Status, expected: int) -> None:
    """Every status has its number, and the best of several counts."""
    assert exit_status(Solution(status, "mckp")) == expected
    others = [Solution(Status.FAILED, "free-bits"), Solution(status, "mckp")]
    assert best_status(others) == expected
