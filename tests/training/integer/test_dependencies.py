"""What the integer networks need, and when."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mpsolve import MissingDependencyError
from mpsolve.training.integer import onnx_file
from mpsolve.training.integer.dory_emitter import to_dory
from mpsolve.training.integer.onnxruntime_emitter import to_onnx
from tests.training.integer.networks import random_graph

if TYPE_CHECKING:
    from collections.abc import Callable


def test_graphs_and_rules_are_imported_without_onnx_and_torch() -> None:
    """NumPy is enough to build a graph and to run it."""
    script = (
        "import sys; import mpsolve.training.integer, mpsolve.training.integer.interpreter;"
        "import mpsolve.training.integer.dory_files;"
        "print({'onnx', 'torch', 'google'} & {m.partition('.')[0] for m in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    "write", [to_onnx, to_dory, lambda graph: onnx_file.read_configuration("net.onnx")]
)
def test_a_missing_onnx_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[Any], object]
) -> None:
    """The message says what to install."""
    graph = random_graph(3, deployable=True)
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"needs onnx.*pip install 'mpsolve\[onnx\]'"):
        write(graph)
