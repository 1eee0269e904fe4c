"""``mpsolve export``: a fine-tuned network that computes with integers, as files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import numpy as np
from rich.text import Text

from mpsolve.cli.completions import complete_files
from mpsolve.cli.options import output_options
from mpsolve.cli.output import print_json, print_report
from mpsolve.cli.progress import following
from mpsolve.cli.status import SOLVED
from mpsolve.cli.training import require_torch
from mpsolve.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from mpsolve.training import Agreement, DataSet, IntegerNetwork
    from mpsolve.training.rebuild import LoadedRun

#: How many images a file is checked with, where nobody says it.
IMAGES = {"onnxruntime": 4, "dory": 1}


@click.command(
    epilog="""\b
Examples:
  mpsolve export runs/tuned -o deployed
  mpsolve export runs/tuned --format dory -o deployed
  mpsolve export runs/tuned --format dory --width 64 --images 2 -o deployed --json
""",
)
@click.argument("run", shell_complete=complete_files)
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(IMAGES)),
    default="onnxruntime",
    show_default=True,
    help="An ONNX file of integer operators, or what DORY generates C code for PULP from.",
)
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    required=True,
    shell_complete=complete_files,
    help="Where to write; it must be empty, or hold another export, which is replaced.",
)
@click.option(
    "--data",
    metavar="DATA",
    help="The data set whose test split is classified.  [default: that of the run]",
)
@click.option(
    "--images",
    type=click.IntRange(min=1),
    metavar="N",
    help="Images of the test split that the integers are compared with, and whose activations "
    "are written for DORY.  [default: 4, or 1 for DORY]",
)
@click.option(
    "--width",
    type=click.Choice(["32", "64"]),
    default="32",
    show_default=True,
    help="In how many bits the kernels requantise.",
)
@output_options
def export(
    *,
    run: str,
    format_: Literal["onnxruntime", "dory"],
    output: str,
    data: str | None,
    images: int | None,
    width: str,
    as_json: bool,
    quiet: bool,
) -> int:
    """Write a fine-tuned network that computes with integers alone.

    RUN is the folder that mpsolve finetune wrote. The files appear once they are complete:
    NAME.json says what the codes of input and output stand for. The integer network is compared
    with the fine-tuned one, and ONNX Runtime with it, bit by bit.
    """
    require_torch()
    from mpsolve.deploy.folder import own_files
    from mpsolve.training.deployment.accuracy import classify
    from mpsolve.training.deployment.agreement import agreement
    from mpsolve.training.deployment.export import export as write
    from mpsolve.training.deployment.integerise import integerise
    from mpsolve.training.rebuild import load_run

    own_files(output)
    loaded = load_run(run)
    known = _data(loaded, data, run)
    clip: Literal["exact", "kernels"] = "kernels" if format_ == "dory" else "exact"
    network = integerise(loaded.model, width=int(width), name=_name(loaded.name), clip=clip)
    seen = _images(known, images or IMAGES[format_])
    identical = _check(network, format_, seen)
    with following("classifying images with integers", silent=quiet or as_json) as progress:
        classified = classify(network, loaded.model, known.test, progress=progress)
    agreed = agreement(network, loaded.model, seen)
    path = write(network, output, format_, images=seen)
    files = sorted(file.name for file in Path(output).iterdir())
    figures = {
        "format": format_,
        "folder": output,
        "description": path.name,
        "files": files,
        **_size(network, loaded),
        "images": classified.images,
        "accuracy": classified.accuracy,
        "model_accuracy": classified.model_accuracy,
        "same_class": classified.same,
        "compared_images": len(seen),
        **_codes(network, agreed),
        "comparable": network.comparable,
        "onnxruntime_identical": identical,
    }
    if as_json:
        print_json(figures)
    elif not quiet:
        print_report(*_report(figures, loaded, known, path))
    return SOLVED


def _data(loaded: LoadedRun, data: str | None, run: str) -> DataSet:
    """The data set, which must be like that of the run."""
    from mpsolve.training.data import load_data

    if not (data or loaded.data):
        raise InputError(f"{run} does not say which data it learnt; give --data.")
    try:
        known = load_data(data or loaded.data)
    except InputError as error:
        raise error if data else InputError(f"{error} --data may name another place.") from None
    wanted, given = (
        f"{' x '.join(map(str, what.input_shape))} in {what.classes} classes"
        for what in (loaded, known)
    )
    if given != wanted:
        raise InputError(f"{run} takes images of {wanted}; those of {known.name} are {given}.")
    return known


def _images(data: DataSet, number: int) -> Tensor:
    """Images of the test split, far from each other."""
    places = np.linspace(0, len(data.test) - 1, min(number, len(data.test))).round()
    images, _ = next(data.test.batches([places.astype(np.int64)]))
    return images


def _check(network: IntegerNetwork, format_: str, images: Tensor) -> bool | None:
    """Refuse what cannot be written before anything takes long; None without ONNX Runtime."""
    from mpsolve.deploy.dory_emitter import to_dory
    from mpsolve.deploy.onnxruntime_emitter import to_onnx
    from mpsolve.deploy.session import Session, has_onnxruntime

    if format_ == "dory":
        try:
            to_dory(network.graph)
        except InputError as error:
            first, *others = str(error).split("\n")[1:] or [str(error)]
            more = f" There are {len(others)} more reasons." if others else ""
            raise InputError(f"DORY cannot read {network.graph.name}: {first}{more}") from None
        if not has_onnxruntime():
            return None
    file = to_onnx(network.graph).SerializeToString()
    Session(network.graph, file).check(network.input_codes(images))
    return True


def _name(model: str) -> str:
    """``net_make`` of ``folder/net.py:make``, which names files."""
    return re.sub(r"\.py:|[^\w.-]", "_", Path(model).name)


def _size(network: IntegerNetwork, loaded: LoadedRun) -> dict[str, Any]:
    layers = network.graph.layers
    return {
        "layers": len(layers),
        "macs": sum(layer.macs for layer in loaded.model.network.layers),
        "weight_bytes": sum(-(-layer.weights.size * layer.weight_bits // 8) for layer in layers),
    }


def _codes(network: IntegerNetwork, agreed: Agreement) -> dict[str, Any]:
    """How the codes of all activations differ from those of the model; the output has none."""
    entries = [entry for entry in agreed.nodes if entry.tensor != network.graph.output]
    values = sum(entry.own.values for entry in entries)
    different = sum(entry.own.different for entry in entries)
    return {
        "different_codes": different / values if values else 0.0,
        "largest_difference": max((entry.own.largest for entry in entries), default=0),
    }


def _report(figures: dict[str, Any], loaded: LoadedRun, known: DataSet, path: Path) -> list[Text]:
    steps, dory = figures["largest_difference"], figures["format"] == "dory"
    lines = [
        f"{loaded.name} for {figures['format']}: {figures['layers']} layers, "
        f"{figures['macs']:,} multiply-accumulates, {figures['weight_bytes']:,} bytes of weights",
        f"test split of {known.name}: accuracy {figures['accuracy']:.2%} with integers, "
        f"{figures['model_accuracy']:.2%} as fine-tuned, the same class for "
        f"{figures['same_class']:,} of {figures['images']:,} images",
        f"{figures['compared_images']} of them compared: {figures['different_codes']:.2%} of all "
        f"codes differ, by at most {steps} step{'s' * (steps != 1)}"
        + (" (DORY's kernels keep values that the model clips)" if steps > 1 and dory else "")
        + ("; ONNX Runtime computes the same integers" if figures["onnxruntime_identical"] else ""),
        f"{path} describes the {len(figures['files'])} files",
        None
        if figures["comparable"]
        else "Every output has a scale of its own: multiply before comparing them, or fine-tune "
        "with --last-per-tensor.",
    ]
    return [Text(line) for line in lines if line]
