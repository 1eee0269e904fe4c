"""ONNX Runtime: the profile that a session with ``enable_profiling`` writes.

A file is a list of trace events. Event ``model_run`` of category ``Session`` is one inference;
an event of category ``Node`` named ``NODE_kernel_time`` is one operator in it, with ``ts`` and
``dur`` in microseconds and ``op_name`` and ``provider`` among its ``args``. One file holds one
model in one precision and several inferences, of which the first, a warm-up, does not count.

Optimisations rename nodes: up to ``ORT_ENABLE_EXTENDED`` convolutions and matrix products keep the
names of the model, with ``ORT_ENABLE_ALL`` those of 32-bit models are called after their outputs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from reprlib import repr as short
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import TableError
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.importers.files import is_number, read_json, spoken
from mpsolve.profiles.importers.importer import Imported, Need
from mpsolve.profiles.importers.per_precision import Profile, Row, combine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.network import Network

#: How the name of an operator's event ends.
KERNEL = "_kernel_time"
#: Parts of the names of operators that may have weights: QLinearConv, MatMulInteger, FusedGemm.
WEIGHTED = ("Conv", "MatMul", "Gemm")
#: What the quantiser and the layout optimiser append to the names of nodes.
_APPENDED = re.compile(r"(_quant|_nchwc|_token_\d+)+$")
_HINT = (
    "Give every node of the ONNX models a name and profile with graph_optimization_level at most "
    "ORT_ENABLE_EXTENDED, which keeps the names."
)


@dataclass(frozen=True, slots=True)
class OnnxRuntimeProfile:
    """One profile per precision; median and standard deviation over the inferences."""

    name: str = "onnxruntime"
    description: str = "ONNX Runtime profiles (SessionOptions.enable_profiling), one per precision"
    suffixes: tuple[str, ...] = (".json",)
    files: tuple[int, int | None] = (1, None)
    network: Need = Need.OPTIONAL
    precisions: Need = Need.REQUIRED

    def read(
        self, paths: Sequence[Path], network: Network | None, precisions: Sequence[Precision]
    ) -> Imported:
        """Read the files; see `Importer.read`."""
        found = [_read(path, p) for path, p in zip(paths, precisions, strict=True)]
        profiles = [profile for profile, _ in found]
        imported = combine(profiles, spoken(paths), Provenance.MEASURED, "us", network, _HINT)
        counted = (f"{path}: {note}" for path, (_, note) in zip(paths, found, strict=True))
        return Imported(imported.table, (*counted, *imported.notes))


def _read(path: Path, precision: Precision) -> tuple[Profile, str]:
    """The profile, and a remark on how it was made."""
    events = _events(path)
    runs = sorted(
        (event["ts"], event["ts"] + event["dur"])
        for event in events
        if event["cat"] == "Session" and event["name"] == "model_run"
    )
    if len(runs) < 2:
        raise TableError(
            f"{path} holds {len(runs) or 'no'} inference{'' if len(runs) == 1 else 's'}; run the "
            "session at least twice, since the first inference is a warm-up."
        )
    samples: dict[tuple[str, bool], Any] = {}
    providers: set[str] = set()
    begins = [begin for begin, _ in runs]
    for event in events:
        if event["cat"] != "Node" or not event["name"].endswith(KERNEL):
            continue
        run = int(np.searchsorted(begins, event["ts"], "right")) - 1
        if run < 0 or event["ts"] > runs[run][1]:
            continue  # of an inference that did not finish
        name = event["name"].removesuffix(KERNEL)
        own = samples.setdefault((name, _weighted(event["args"])), np.zeros(len(runs)))
        own[run] += event["dur"]
        providers.add(str(event["args"].get("provider", "an unstated provider")))
    rows = [Row(_APPENDED.sub("", n), s[1:]) for (n, weighted), s in samples.items() if weighted]
    if not rows:
        raise TableError(f"{path} has no event of a convolution or a matrix product.")
    others = tuple(Row(name, s[1:]) for (name, weighted), s in samples.items() if not weighted)
    profile = Profile(str(path), precision, tuple(rows), {"have no weights": others})
    inferences = f"{len(runs) - 1} inference{'s' if len(runs) > 2 else ''} after the warm-up"
    return profile, f"{inferences} on {', '.join(sorted(providers))}."


def _weighted(args: dict[str, Any]) -> bool:
    """Whether an operator has weights, rather than multiplying two activations.

    ONNX Runtime lists the shapes of the inputs without packed weights, so that only the product
    of two activations has a second operand of more than two dimensions.
    """
    operator = str(args.get("op_name", ""))
    shapes = []
    for entry in _list(args.get("input_type_shape")):
        shapes += [s for s in map(_list, entry.values()) if s] if isinstance(entry, dict) else []
    if "MatMul" in operator and len(shapes) > 1 and len(shapes[1]) > 2:
        return False
    return any(part in operator for part in WEIGHTED)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _events(path: Path) -> list[dict[str, Any]]:
    data = read_json(path)
    events = data.get("traceEvents") if isinstance(data, dict) else data
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise TableError(f"{path} is not an ONNX Runtime profile: it must be a list of events.")
    found = []
    for number, event in enumerate(events, 1):
        if event.get("cat") not in ("Node", "Session"):
            continue
        if not isinstance(event.get("name"), str):
            raise TableError(f"{path}: event {number} has no name.")
        for key in ("ts", "dur"):
            if not is_number(event.get(key)):
                raise TableError(
                    f"{path}: event {number} ({event['name']}): {key} must be a number of "
                    f"microseconds, not {short(event.get(key))}."
                )
        if not isinstance(event.get("args", {}), dict):
            raise TableError(f"{path}: event {number} ({event['name']}): args is not an object.")
        found.append({"args": {}} | event)
    return found
