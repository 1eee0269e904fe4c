"""What the shell completes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.shell_completion import ShellComplete

from mpsolve.cli.application import application

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run


def completions(*words: str) -> list[str]:
    """What the shell would offer for the last word."""
    shell = ShellComplete(application, {}, "mpsolve", "_MPSOLVE_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(run: Run, shell: str) -> None:
    """The script of each shell calls the program with the variable that click reads."""
    result = run("completion", shell)
    assert result.exit_code == 0
    assert f"_MPSOLVE_COMPLETE={shell}_complete" in result.stdout


def test_commands() -> None:
    """Commands complete by their first letters."""
    assert completions("co") == ["compare", "completion"]


def test_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TABLE completes to bundled names and to the tables of the directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mobile.csv").touch()
    (tmp_path / "notes.txt").touch()
    offered = completions("solve", "mob")
    assert "mobilenet_v2/pulp8-xpulpnnv1" in offered
    assert "mobile.csv" in offered
    assert completions("solve", "") == offered
    assert completions("solve", "no") == ["no"]  # left to the shell as a file name


def test_methods() -> None:
    """--method completes to one method, --methods to the last of several."""
    assert completions("solve", "t.csv", "--method", "greedy") == [
        "greedy-decrease",
        "greedy-increase",
    ]
    assert completions("front", "t.csv", "--method", "hi") == ["highs"]
    assert completions("candidates", "t.csv", "--method", "hi") == ["highs"]
    assert completions("compare", "t.csv", "--methods", "mckp,fr") == ["mckp,free-bits"]


def test_losses() -> None:
    """--minimize completes to the proxies and the sensitivity."""
    assert completions("solve", "t.csv", "--minimize", "s") == ["sensitivity"]
    assert completions("solve", "t.csv", "--minimize", "noise-p") == ["noise-params"]


def test_targets() -> None:
    """--target completes to their names, of a search as well."""
    for command in ("solve", "profile", "search"):
        assert completions(command, "x", "--target", "mp") == ["mpic-model"]
