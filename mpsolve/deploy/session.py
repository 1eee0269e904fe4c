"""An integer graph in ONNX Runtime."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.deploy.interpreter import run
from mpsolve.errors import InputError
from mpsolve.storage.optional import require

if TYPE_CHECKING:
    from mpsolve.deploy.graph import Graph
    from mpsolve.typing import IntArray

#: Images whose activations are in memory at once.
BATCH = 64


def has_onnxruntime() -> bool:
    """Whether ONNX Runtime is installed, and onnx, which writes its files."""
    return all(find_spec(name) is not None for name in ("onnx", "onnxruntime"))


class Session:
    """ONNX Runtime with the file of a graph, on one thread.

    Parameters
    ----------
    graph
        The network.
    model
        Its file, as `to_onnx` makes it.

    Raises
    ------
    MissingDependencyError
        Without onnxruntime.
    """

    def __init__(self, graph: Graph, model: bytes) -> None:
        require("onnxruntime", "onnx", "Checking a network")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.version = onnxruntime.__version__
        self._graph = graph
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self._type = np.int8 if graph[graph.input].signed else np.uint8

    def run(self, codes: IntArray) -> IntArray:
        """The output ``(N, ...)`` for codes ``(N, C, H, W)`` of the input."""
        given = {self._graph.input: codes.astype(self._type)}
        (output,) = self._session.run([self._graph.output], given)
        return np.asarray(output, np.int64)

    def check(self, codes: IntArray) -> None:
        """Refuse a file with which something else is computed than by the interpreter."""
        different = values = 0
        for begin in range(0, len(codes), BATCH):
            part = codes[begin : begin + BATCH]
            expected = run(self._graph, part)
            different += int(np.count_nonzero(self.run(part) != expected))
            values += expected.size
        if different:
            raise InputError(
                f"{self._graph.name}: ONNX Runtime {self.version} computes {different} of "
                f"{values} outputs differently; use another release."
            )
