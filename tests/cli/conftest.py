"""The small table as a file, and the command line in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from mpsolve.cli.application import application
from tests.cli.support import FAST, NET, SMALL

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.cli.support import Run


@pytest.fixture
def run() -> Run:
    """The command line, with what it wrote and its exit status."""

    def invoke(*arguments: object, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(application, list(map(str, arguments)), input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return invoke


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """The small table as a file."""
    path = tmp_path / "small.csv"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model in a file, and the run that trained it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "net.py").write_text(NET)
    options = ["--recipe", "full_precision_digits", "-o", str(folder / "float"), "--json"]
    result = CliRunner().invoke(application, ["train", f"{folder}/net.py:make", *FAST, *options])
    assert result.exit_code == 0
    (folder / "train.json").write_text(result.stdout)
    return folder
