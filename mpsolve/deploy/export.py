"""Files of an integer network, checked before they are handed out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from mpsolve.deploy.dory_files import write_dory
from mpsolve.deploy.dory_rules import check_folder
from mpsolve.deploy.folder import FILES, written_whole
from mpsolve.deploy.onnxruntime_emitter import to_onnx
from mpsolve.deploy.session import Session
from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.deploy.graph import Graph
    from mpsolve.deploy.network import IntegerNetwork
    from mpsolve.typing import IntArray

Format: TypeAlias = Literal["onnxruntime", "dory"]
#: What can be written.
FORMATS: tuple[Format, ...] = get_args(Format)
#: Random images with which a file is compared with the interpreter, where none are given.
RANDOM_IMAGES = 4


def export_network(
    network: IntegerNetwork, folder: str | Path, format: Format, *, images: Any = None
) -> Path:
    """Write an integer network.

    Parameters
    ----------
    network
        The network.
    folder
        Where to write; it is created, all of it or nothing. It must be empty or hold another
        export, which is replaced.
    format
        ``onnxruntime``: ``NAME.onnx``, which computes bit by bit what the interpreter computes,
        which is checked. ``dory``: the folder that DORY reads, with golden activations.
    images
        ``(N, C, H, W)`` real inputs, with which the file is checked, or whose activations are
        written for DORY; by default random ones, for DORY one.

    Returns
    -------
    ``NAME.json``, which names all files and says what its codes stand for: the scale, bits, sign
    and shape of the input, the scale of the output, and the configuration.

    Raises
    ------
    InputError
        If there is no such format, it cannot express the network, or the folder holds other files.
    MissingDependencyError
        Without onnx, or onnxruntime.
    """
    if format not in FORMATS:
        raise InputError(f"The format is {' or '.join(FORMATS)}, not {format!r}.")
    graph = network.graph
    if images is None:
        codes = random_codes(graph, RANDOM_IMAGES if format == "onnxruntime" else 1)
    else:
        codes = network.input_codes(images)
    stem = Path(graph.name).name
    entries = description(network) | {"format": format, "model": f"{stem}.onnx"}
    with written_whole(folder) as part:
        if format == "dory":
            config = write_dory(graph, part, codes)
            if violations := check_folder(config):
                raise InputError(f"DORY cannot read {config.name}: {violations[0]}")
            entries["dory_configuration"] = config.name
        else:
            file = to_onnx(graph).SerializeToString()
            Session(graph, file).check(codes)
            (part / f"{stem}.onnx").write_bytes(file)
        path = part / f"{stem}.json"
        entries[FILES] = sorted([path.name, *(file.name for file in part.iterdir())])
        path.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    return Path(folder) / path.name


def description(network: IntegerNetwork) -> dict[str, Any]:
    """What people need to know who feed codes to a network and read its output."""
    graph = network.graph
    tensor = graph[graph.input]
    return {
        "name": graph.name,
        "input": {
            "scale": network.input_scale,
            "bits": tensor.bits,
            "signed": tensor.signed,
            "shape": list(tensor.shape),
        },
        "output": {
            "scale": network.output_scale.tolist(),
            "bits": graph[graph.output].bits,
            "shape": list(graph[graph.output].shape),
        },
        "configuration": network.configuration.to_json(),
    }


def random_codes(graph: Graph, number: int) -> IntArray:
    """``(N, C, H, W)`` any codes that the input can hold, always the same."""
    tensor = graph[graph.input]
    rng = np.random.default_rng(0)
    return rng.integers(tensor.low, tensor.high + 1, (number, *tensor.shape))
