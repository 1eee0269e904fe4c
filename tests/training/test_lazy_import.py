"""`mpsolve.training` loads torch with the first name that needs it, and says so if it is absent."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from mpsolve import training


def run(script: str) -> str:
    """What a script prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_importing_the_package_loads_no_torch() -> None:
    """Nor do its grids, which are plain numbers."""
    script = "import sys; from mpsolve.training import Grid; print('torch' in sys.modules)"
    assert run(script) == "False"


def test_without_torch_the_error_names_the_extra() -> None:
    """A name that needs torch says what to install."""
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "import mpsolve.training, mpsolve\n"
        "try: mpsolve.training.Gates\n"
        "except mpsolve.MissingDependencyError as error: print(error)\n"
    )
    assert "needs torch, which is not installed: pip install 'mpsolve[training]'" in run(script)


def test_every_public_name_is_found_where_it_is_said_to_be() -> None:
    """What type checkers read and what is loaded on demand are the same names and modules."""
    tree = ast.parse(Path(training.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    imported = {
        str(alias.asname): str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }
    assert sorted(imported) == dir(training)
    for name, module in imported.items():
        assert getattr(training, name) is getattr(sys.modules[module], name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As for any other module."""
    with pytest.raises(AttributeError, match="no attribute 'Gate'"):
        getattr(training, "Gate")
