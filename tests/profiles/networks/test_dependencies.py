"""What reading a network needs."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mpsolve.errors import MissingDependencyError
from mpsolve.profiles.networks import from_torch, load_network
from tests.cli.support import environment

if TYPE_CHECKING:
    from pathlib import Path


def test_names_and_geometry_files_need_numpy_alone() -> None:
    """onnx and torch are loaded by the readers that use them."""
    script = (
        "import sys\n"
        "from mpsolve.profiles.networks import load_network\n"
        "load_network('mobilenet_v2')\n"
        "assert not {'onnx', 'torch', 'google'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=environment())


def test_absent_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings them."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'mpsolve\[onnx\]'"):
        load_network(str(tmp_path / "m.onnx"))
    with pytest.raises(MissingDependencyError, match=r"pip install 'mpsolve\[torch\]'"):
        load_network(str(tmp_path / "m.pt2"))
    with pytest.raises(MissingDependencyError, match=r"pip install 'mpsolve\[torch\]'"):
        from_torch(None)  # type: ignore[arg-type]
