"""What the integer networks need, and when."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mpsolve import MissingDependencyError
from mpsolve.deploy import onnx_file
from mpsolve.deploy.dory_emitter import to_dory
from mpsolve.deploy.onnxruntime_emitter import to_onnx
from mpsolve.storage import optional
from tests.deploy.networks import random_graph

if TYPE_CHECKING:
    from collections.abc import Callable


def test_no_module_loads_onnx_torch_or_training() -> None:
    """NumPy is enough to build a graph, to run it and to check it; who trains stands above."""
    script = (
        "import pkgutil, sys; import mpsolve.deploy as deploy;"
        "names = [m.name for m in pkgutil.walk_packages(deploy.__path__, 'mpsolve.deploy.')];"
        "[__import__(name) for name in names];"
        "loaded = {'.'.join(m.split('.')[:2]) for m in sys.modules};"
        "print(len(names), {'onnx', 'onnxruntime', 'torch', 'google', 'mpsolve.training'} & loaded)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    number, _, found = done.stdout.partition(" ")
    assert int(number) > 20
    assert found == "set()\n"


@pytest.mark.parametrize(
    "write", [to_onnx, to_dory, lambda graph: onnx_file.read_configuration("net.onnx")]
)
def test_a_missing_onnx_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[Any], object]
) -> None:
    """The message says what to install."""
    graph = random_graph(3, deployable=True)
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"needs onnx.*pip install 'mpsolve\[onnx\]'"):
        write(graph)
