"""The folder that DORY is given: model, configuration, and golden activations to compare with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.deploy.dory_emitter import to_dory
from mpsolve.deploy.interpreter import run_all
from mpsolve.deploy.operators import Flatten
from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.deploy.graph import Graph
    from mpsolve.typing import IntArray

#: Bytes of L2 memory that DORY leaves to the program.
CODE_BYTES = 310_000


def write_dory(
    graph: Graph, folder: str | Path, images: IntArray, *, code_bytes: int = CODE_BYTES
) -> Path:
    """Write everything that ``network_generate.py Quantlab`` reads.

    Parameters
    ----------
    graph
        The network.
    folder
        Where to write; it is created.
    images
        ``(N, C, H, W)`` codes of its input, for which every layer's output is written.
    code_bytes
        DORY's "code reserved space", in bytes.

    Returns
    -------
    The configuration file, which names all others: the model ``NAME.onnx`` and, for one image,
    ``input.txt`` and ``out_layer{i}.txt``; for several, ``input_{n}.txt`` and
    ``out_{n}_layer{i}.txt``.

    Raises
    ------
    InputError
        If DORY could not read the graph, or the images do not fit it.
    """
    model, entries = to_dory(graph)
    values = run_all(graph, images)
    written = [graph.input, *(n.output for n in graph.nodes if not isinstance(n, Flatten))]
    target, name = Path(folder), Path(graph.name).name
    try:
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{name}.onnx").write_bytes(model.SerializeToString())
        for place, tensor in enumerate(written):
            for number, array in enumerate(values[tensor]):
                several = len(values[tensor]) > 1
                file = target / golden_file(place - 1, number if several else None)
                file.write_text(golden_text(tensor, array, is_input=not place), encoding="utf-8")
        config = entries | {
            "onnx_file": f"{name}.onnx",
            "code reserved space": code_bytes,
            "n_inputs": len(values[graph.input]),
        }
        path = target / f"config_{name}.json"
        path.write_text(json.dumps(config, indent=4) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: cannot write the network: {error.strerror}.") from None
    return path


def golden_file(layer: int, image: int | None) -> str:
    """The name of the file with the output of a layer, or with the input for layer -1."""
    if layer < 0:
        return "input.txt" if image is None else f"input_{image}.txt"
    return f"out_layer{layer}.txt" if image is None else f"out_{image}_layer{layer}.txt"


def golden_text(name: str, values: IntArray, *, is_input: bool) -> str:
    """One number per line, all channels of a pixel next to each other.

    Inputs are written as bytes: DORY reads them as uint8, and NumPy 2 refuses a minus sign there.
    """
    pixels = np.moveaxis(values, 0, -1) if values.ndim == 3 else values
    numbers = pixels.astype(np.uint8) if is_input else pixels
    lines = "".join(f"{number},\n" for number in numbers.ravel().tolist())
    return f"# {name} (shape {list(pixels.shape)}),\n{lines}"
