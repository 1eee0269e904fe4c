"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from mpsolve import InputError
from mpsolve.storage.atomic import replacing, write_bytes, write_text, writing

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(sys.platform == "win32", reason="permissions and links of POSIX")


def test_text_and_bytes(tmp_path: Path) -> None:
    """In UTF-8, with the line ends as they are."""
    write_text(tmp_path / "a", "µ\n\r\n")
    write_bytes(tmp_path / "b", b"\x00\n")
    assert (tmp_path / "a").read_bytes() == b"\xc2\xb5\n\r\n"
    assert (tmp_path / "b").read_bytes() == b"\x00\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_what_goes_wrong_leaves_the_file(tmp_path: Path) -> None:
    """The one that was there stays, and nothing else is left."""
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(KeyError), replacing(path) as part:
        part.write_text("half of what is n")
        raise KeyError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_one_writer(tmp_path: Path) -> None:
    """A second is refused, and the first goes on; what a killed run left is written over."""
    path = tmp_path / "a"
    (tmp_path / ".a.part").write_text("half of what was to be here")
    with replacing(path) as part:
        part.write_text("first")
        with pytest.raises(InputError, match="a is being written by another run; wait until"):
            write_text(path, "second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_permissions_are_kept(tmp_path: Path, mode: int) -> None:
    """Those of the file that is replaced."""
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(mode)
    write_text(path, "new")
    assert path.stat().st_mode & 0o777 == mode


@posix
def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    """As the system gives them to any other."""
    (tmp_path / "other").touch()
    write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "other").stat().st_mode


@posix
def test_a_link_keeps_pointing_to_its_file(tmp_path: Path) -> None:
    """The file is replaced, the link stays one."""
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"


@posix
def test_a_device_is_written_to() -> None:
    """And stays one."""
    write_text(os.devnull, "nowhere")
    assert not os.path.isfile(os.devnull)


def test_one_sentence(tmp_path: Path) -> None:
    """It names the file and the reason."""
    path = tmp_path / "no" / "a"
    with pytest.raises(InputError) as caught:
        write_text(path, "text")
    assert str(caught.value) == f"{path} cannot be written: No such file or directory."
    with pytest.raises(InputError, match="cannot be written: Is a directory"):
        write_text(tmp_path, "text")
    with pytest.raises(InputError, match=r"it cannot be written: the reason\."), writing("it"):
        raise OSError("the reason")
