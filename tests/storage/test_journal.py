"""Files of JSON lines that killed runs leave behind, and that one process writes at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mpsolve import InputError
from mpsolve.storage.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HEADER = {"mpsolve": "things", "of": "mine"}
FIRST = '{"mpsolve": "things", "of": "mine"}\n'

#: A process that adds an entry, says so, begins another one, and then waits for its end.
WRITER = """
import os, sys
from mpsolve.storage.journal import Journal
path, header = sys.argv[1], {"mpsolve": "things", "of": "mine"}
journal = Journal(path, "a list of things", header, print, check=print)
journal.append({"x": 1})
with open(path, "a") as file:
    file.write('{"x": 2, "y')
print("ready", flush=True)
sys.stdin.read()
"""


def test_entries_come_back(tmp_path: Path) -> None:
    """In the order in which they were written, by this run or another."""
    path = tmp_path / "a.jsonl"
    taken, journal = _opened(path)
    with journal:
        assert taken == []
        journal.append({"x": 1})
        journal.append([2, 3], "vier µ")
    taken, journal = _opened(path)
    journal.close()
    assert taken == [{"x": 1}, [2, 3], "vier µ"]


@pytest.mark.parametrize("torn", ['{"x": 2, "y"', '{"x": 2}', "{", '{"x": "\xb5'])
def test_a_torn_line_is_removed(tmp_path: Path, torn: str) -> None:
    """What follows is written where it began; a line without its end is torn, even if complete."""
    path = tmp_path / "a.jsonl"
    path.write_bytes((FIRST + '{"x": 1}\n' + torn).encode()[: -1 if "\xb5" in torn else None])
    taken, journal = _opened(path)
    with journal:
        assert taken == [{"x": 1}]
        journal.append({"x": 3})
    assert path.read_text() == FIRST + '{"x": 1}\n{"x": 3}\n'


def test_a_torn_first_line_is_a_new_file(tmp_path: Path) -> None:
    """A run that was killed while it wrote the header has written nothing."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"mpsolve": "thi')
    _opened(path)[1].close()
    assert path.read_text() == FIRST


@pytest.mark.parametrize(
    "text",
    [
        *("hello", "hello\n", "hello\nworld", '{"x": 1}\nhello\n', "\xff\n", "[1]\n"),
        *('{"mpsolve": "front"}\n', '{"mpsolve": "front"}\n{"x'),
    ],
)
def test_other_files_are_left_alone(tmp_path: Path, text: str) -> None:
    """A file that was named by mistake is refused, and keeps every byte."""
    path = tmp_path / "notes.txt"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"notes.txt is not a list of things\."):
        _opened(path)
    assert path.read_text(encoding="latin-1") == text


def test_the_file_of_another_work_is_left_alone(tmp_path: Path) -> None:
    """With its torn line; the words are those of whoever knows the header."""
    path = tmp_path / "a.jsonl"
    text = '{"mpsolve": "things", "of": "yours"}\n{"x'
    path.write_text(text)
    with pytest.raises(InputError, match="another's"):
        _opened(path)
    assert path.read_text() == text


def test_a_line_that_is_no_entry(tmp_path: Path) -> None:
    """It is refused with its number and its beginning."""
    path = tmp_path / "a.jsonl"
    path.write_text(FIRST + '{"x": 1}\n{"y": 2}\n')
    with pytest.raises(InputError, match=r'line 3 is no part of a list of things: \{"y": 2'):
        _opened(path, keyed=True)


def test_what_two_runs_left_is_refused(tmp_path: Path) -> None:
    """An entry that is to be there once is there twice."""
    path = tmp_path / "a.jsonl"
    path.write_text(FIRST + '{"x": 1}\n{"x": 2}\n{"x": 1}\n')
    with pytest.raises(InputError, match=r"holds line 4 twice.*remove it to begin anew"):
        _opened(path, keyed=True)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    """A folder, and a file in a folder that is not there."""
    with pytest.raises(InputError, match="cannot be written: Is a directory"):
        _opened(tmp_path)
    with pytest.raises(InputError, match="cannot be written: No such file"):
        _opened(tmp_path / "no" / "a.jsonl")


def test_an_entry_that_does_not_fit_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full in the middle of a line does not spoil the lines that follow."""
    path = tmp_path / "a.jsonl"
    write = os.write
    with _opened(path)[1] as journal:
        with monkeypatch.context() as full:
            sizes = iter([3])

            def short(handle: int, text: bytes) -> int:
                for size in sizes:
                    return write(handle, text[:size])
                raise OSError(28, "No space left on device")

            full.setattr(os, "write", short)
            with pytest.raises(InputError, match="cannot be written: No space left"):
                journal.append({"x": 1})
        journal.append({"x": 2})
    assert path.read_text() == FIRST + '{"x": 2}\n'


def test_one_writer(tmp_path: Path) -> None:
    """A second is refused until the first ends, however that is; the first loses half a line."""
    path = tmp_path / "a.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "ready\n"
        before = path.read_text()
        with pytest.raises(InputError, match=r"a.jsonl is being written by another run; wait"):
            _opened(path)
        assert path.read_text() == before == FIRST + '{"x": 1}\n{"x": 2, "y'
        first.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    taken, journal = _opened(path)
    with journal:
        assert taken == [{"x": 1}]
        journal.append({"x": 2})
    assert path.read_text() == FIRST + '{"x": 1}\n{"x": 2}\n'


def test_no_file() -> None:
    """A journal without one takes entries and keeps none."""
    taken: list[Any] = []
    with Journal(None, "a list of things", HEADER, taken.append, check=_check) as journal:
        journal.append({"x": 1})
    assert taken == []


def _opened(path: Path, *, keyed: bool = False) -> tuple[list[Any], Journal]:
    taken: list[Any] = []
    key = (lambda entry: entry["x"]) if keyed else None
    journal = Journal(path, "a list of things", HEADER, taken.append, check=_check, key=key)
    return taken, journal


def _check(theirs: Mapping[str, Any]) -> None:
    if theirs != HEADER:
        raise InputError("It is another's.")
