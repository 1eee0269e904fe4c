"""Rules of the configuration and of the golden activations beside a model."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from mpsolve.deploy.packing import KERNEL_BITS
from mpsolve.deploy.tensor import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mpsolve.deploy.dory_rules.file import DoryFile

#: What each entry must be, if it is there.
ENTRIES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "BNRelu_bits": ("32 or 64", lambda value: value in (32, 64)),
    "input_bits": ("2, 4 or 8", lambda value: value in KERNEL_BITS),
    "input_signed": ("true or false", lambda value: isinstance(value, bool)),
    "onnx_file": ("the name of the model", lambda value: isinstance(value, str)),
    "code reserved space": ("a number of bytes", lambda value: isinstance(value, int | float)),
    "n_inputs": ("how many images there are", lambda value: isinstance(value, int) and value > 0),
}


def configuration_entries_are_understood(file: DoryFile) -> Iterator[str]:
    """DORY takes the entries as they are.

    Quantlab/Parser.py: __init__; HW_node.py: create_tiling_dimensions.
    """
    for name, (expected, accepts) in ENTRIES.items():
        value = (file.config or {}).get(name)
        if value is not None and not accepts(value):
            yield f"The configuration's entry {name} must be {expected}, not {value!r}."


def configuration_is_complete(file: DoryFile) -> Iterator[str]:
    """Without the sign and bits of the input, DORY silently takes 8 bits without a sign.

    Quantlab/Parser.py: __init__.
    """
    if file.folder is not None:
        for name in ENTRIES:
            if name not in (file.config or {}):
                yield f"The configuration lacks the entry {name}."


def golden_activations_fit_the_layers(file: DoryFile) -> Iterator[str]:
    """One file for the input, and one for every kernel call, in order, with all its codes.

    HW_node.py: add_checksum_activations_integer.
    """
    if file.folder is None:
        return
    count = (file.config or {}).get("n_inputs", 1)
    names = [file.input, *(output for _, output in file.merged)]
    for image in range(count if isinstance(count, int) else 1):
        for place, tensor in enumerate(names):
            start, middle = ("input", "") if not place else ("out", f"_layer{place - 1}")
            several = f"_{image}" if count != 1 else ""
            path = file.folder / f"{start}{several}{middle}.txt"
            low, high = limits(*file.codes.get(tensor, (32, True)))
            if not place and low:  # signed inputs are read as bytes
                high = 255
            yield from _golden_file(path, prod(file.shapes.get(tensor, (0,))[1:]), low, high)


def _golden_file(path: Path, elements: int, low: int, high: int) -> Iterator[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        yield f"{path.name} is missing."
        return
    entries = [line.partition(",")[0] for line in lines if not line.startswith("#")]
    try:
        values = [int(entry) for entry in entries]
    except ValueError:
        yield f"{path.name} must hold one integer per line, followed by a comma."
        return
    if len(values) != elements:
        yield f"{path.name} holds {len(values)} numbers; the tensor has {elements}."
    elif values and not low <= min(values) <= max(values) <= high:
        yield f"{path.name} holds {min(values)} to {max(values)}; codes are {low} to {high}."


RULES = (
    configuration_entries_are_understood,
    configuration_is_complete,
    golden_activations_fit_the_layers,
)
