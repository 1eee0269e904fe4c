"""What quantlib's Free Bits search says about its result: latencies of a few precisions per layer.

``BBExportController`` (algorithms/bb/bb_controllers.py of github.com/pulp-platform/quantlib,
free-bits code) writes one JSON object per search::

    layer_precs   {layer: [b_in, b_wt]}                         the precision that was chosen
    latency       {layer: latency}                              its latency
    best_cfgs     {layer: {"precs": [b_in, b_wt], "latency": latency}}   the fastest one
    freebie_cfgs  {layer: {"precs": ..., "latency": ...}}       a higher one that is faster

Each search knows one to three precisions of a layer; the files of several searches, such as those
with different strengths of regularisation, give more.
"""

from __future__ import annotations

from dataclasses import dataclass
from reprlib import repr as short
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError, TableError
from mpsolve.model.precision import Precision
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.importers.assemble import latency_table
from mpsolve.profiles.importers.files import is_number, read_json, spoken
from mpsolve.profiles.importers.importer import Imported, Need

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mpsolve.profiles.networks.network import Network
    from mpsolve.typing import Number

CHOSEN, LATENCY = "layer_precs", "latency"
#: Keys that hold a further precision of some layers.
FURTHER = ("best_cfgs", "freebie_cfgs")
#: What a model that was trained on several devices puts before its layers.
_PARALLEL = "module."


@dataclass(frozen=True, slots=True)
class QuantlibJson:
    """The precisions that any of the searches mentions; other tables have all of them."""

    name: str = "quantlib-json"
    description: str = "the results of quantlib's Free Bits searches: a few precisions per layer"
    suffixes: tuple[str, ...] = (".json",)
    files: tuple[int, int | None] = (1, None)
    network: Need = Need.OPTIONAL
    precisions: Need = Need.UNUSED

    def read(
        self, paths: Sequence[Path], network: Network | None, precisions: Sequence[Precision]
    ) -> Imported:
        """Read the files; see `Importer.read`."""
        latencies: dict[str, dict[Precision, Number]] = {}
        source: dict[tuple[str, Precision], Path] = {}
        for path in paths:
            for layer, precision, latency in _entries(path):
                known = latencies.setdefault(layer, {}).setdefault(precision, latency)
                first = source.setdefault((layer, precision), path)
                if known != latency:
                    raise TableError(
                        f"{path}: layer {layer} takes {latency} at {precision}, but {known} in "
                        f"{first}; give searches on one platform."
                    )
        if network is not None:
            for layer in latencies:
                try:
                    network.layer(layer)
                except InputError as error:
                    raise TableError(f"{spoken(paths)}: {error}") from None
        table = latency_table(latencies, spoken(paths), Provenance.UNSTATED, network=network)
        few = sum(len(row) == 1 for row in latencies.values())
        notes = ["The file does not state the unit of its latencies."]
        if few:
            notes.append(f"{few} of {len(latencies)} layers have a single precision.")
        return Imported(table, tuple(notes))


def _entries(path: Path) -> Iterator[tuple[str, Precision, Number]]:
    """Layer, precision and latency of all that a file mentions."""
    data = read_json(path)
    if not isinstance(data, dict):
        raise TableError(f"{path} is not the result of a Free Bits search: it must be an object.")
    for key in (CHOSEN, LATENCY):
        if not isinstance(data.get(key), dict) or not data[key]:
            raise TableError(
                f"{path} has no {key!r} of each layer; a search on bit operations writes none, one "
                "on latency does."
            )
    for name, latency in data[LATENCY].items():
        layer = _layer(name)
        chosen = data[CHOSEN].get(name, data[CHOSEN].get(layer))
        yield _entry(path, LATENCY, layer, chosen, latency)
    for key in FURTHER:
        table = data.get(key, {})
        for name, entry in table.items() if isinstance(table, dict) else ():
            if not isinstance(entry, dict):
                raise TableError(f"{path}: {key}: layer {name} is not an object.")
            yield _entry(path, key, _layer(name), entry.get("precs"), entry.get("latency"))


def _entry(
    path: Path, key: str, layer: str, bits: Any, latency: Any
) -> tuple[str, Precision, Number]:
    where = f"{path}: {key}: layer {layer}"
    if not isinstance(bits, list) or len(bits) != 2 or not all(map(is_number, bits)):
        raise TableError(f"{where} has the precision {short(bits)}, which should be [b_in, b_wt].")
    if not is_number(latency):
        raise TableError(f"{where} has the latency {short(latency)}, which is not a number.")
    return layer, Precision(*bits), latency


def _layer(name: str) -> str:
    return name.removeprefix(_PARALLEL)
