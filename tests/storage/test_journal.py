"""Files of JSON lines that killed runs leave behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mpsolve import InputError
from mpsolve.storage.journal import JsonLines

if TYPE_CHECKING:
    from pathlib import Path


def test_entries_come_back(tmp_path: Path) -> None:
    """In the order in which they were written, by this process or another."""
    file = JsonLines(tmp_path / "a.jsonl", "a list of things")
    assert file.read() == []
    file.append({"x": 1})
    file.append([2, 3], "vier µ")
    assert JsonLines(tmp_path / "a.jsonl", "a list of things").read() == [
        {"x": 1},
        [2, 3],
        "vier µ",
    ]


@pytest.mark.parametrize("torn", ['{"x": 2, "y"', '{"x": 2}', "{"])
def test_a_torn_line_is_removed(tmp_path: Path, torn: str) -> None:
    """What follows is written where it began; a line without its end is torn, even if complete."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"x": 1}\n' + torn)
    file = JsonLines(path, "a list of things")
    assert file.read() == [{"x": 1}]
    file.append({"x": 3})
    assert path.read_text() == '{"x": 1}\n{"x": 3}\n'


def test_a_torn_first_line_is_a_new_file(tmp_path: Path) -> None:
    """A run that was killed while it wrote the header has written nothing."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"mpsolve": "sam')
    assert JsonLines(path, "a list of things").read() == []
    assert path.read_text() == ""


@pytest.mark.parametrize("text", ["hello", "hello\n", "hello\nworld", '{"x": 1}\nhello\n'])
def test_other_files_are_left_alone(tmp_path: Path, text: str) -> None:
    """A file that was named by mistake is refused, and keeps every byte."""
    path = tmp_path / "notes.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=r"notes.txt is not a list of things\."):
        JsonLines(path, "a list of things").read()
    assert path.read_text() == text


def test_what_cannot_be_read_or_written(tmp_path: Path) -> None:
    """A folder, bytes that are no text, a folder that is not there."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\n")
    with pytest.raises(InputError, match="cannot read a list of things: not a text file"):
        JsonLines(tmp_path / "binary", "a list of things").read()
    with pytest.raises(InputError, match="cannot read a list of things: Is a directory"):
        JsonLines(tmp_path, "a list of things").read()
    with pytest.raises(InputError, match="cannot be written: No such file"):
        JsonLines(tmp_path / "no" / "a.jsonl", "a list of things").append(1)
