"""An integer network, and what its numbers stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.deploy.interpreter import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.deploy.graph import Graph
    from mpsolve.model.configuration import Configuration
    from mpsolve.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """What `integerise` makes of a model.

    Attributes
    ----------
    graph
        The network.
    scales
        Tensor -> what one step of its codes is worth; all but the output.
    output_scale
        ``()`` or ``(C,)`` what one step of the output is worth. If it differs among channels,
        the class is the greatest of `scores`, not of the accumulators.
    sources
        Tensor -> the node of the graph, and the node of the traced model whose quantised values
        it holds, so that both can be compared.
    configuration
        Layer -> precision.
    """

    graph: Graph
    scales: Mapping[str, float]
    output_scale: FloatArray
    sources: Mapping[str, tuple[str, str]]
    configuration: Configuration

    @property
    def input_scale(self) -> float:
        """What one step of the input is worth."""
        return self.scales[self.graph.input]

    @property
    def comparable(self) -> bool:
        """Whether the class is the greatest accumulator."""
        return bool(np.ptp(self.output_scale) == 0)

    def input_codes(self, images: Any) -> IntArray:
        """Quantise images.

        Parameters
        ----------
        images
            ``(N, C, H, W)`` real inputs as the model reads them: a tensor or an array.

        Returns
        -------
        ``(N, C, H, W)`` int64 codes of the input of the graph.
        """
        tensor = self.graph[self.graph.input]
        values = images.detach().cpu().numpy() if hasattr(images, "detach") else np.asarray(images)
        # As the quantiser divides: in the precision of the images.
        scale = np.asarray(self.input_scale, values.dtype if values.dtype.kind == "f" else float)
        return np.clip(np.rint(values / scale), tensor.low, tensor.high).astype(np.int64)

    def scores(self, codes: IntArray) -> FloatArray:
        """``(N, ...)`` what the output for codes of images stands for, by the interpreter."""
        return self.real(run(self.graph, codes))

    def real(self, output: IntArray) -> FloatArray:
        """``(N, ...)`` what an output of the graph stands for."""
        shape = (1, -1, *[1] * (output.ndim - 2)) if self.output_scale.ndim else ()
        return output * self.output_scale.reshape(shape)

    def classify(self, images: Any) -> IntArray:
        """``(N,)`` the classes of real images."""
        return self.scores(self.input_codes(images)).argmax(1)

    def __repr__(self) -> str:
        return f"<IntegerNetwork {self.graph!r}>"
