"""The tables that come with mpsolve, and how a table is named on the command line.

All of them are modelled. XpulpV2, XpulpNNv1 and XpulpNNv2 are instruction-set extensions of the
RISC-V cores in a PULP cluster.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.profiles.formats import read_bytes
from mpsolve.profiles.read import STDIN, read_table
from mpsolve.profiles.tidy import to_table

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from mpsolve.model.provenance import Provenance
    from mpsolve.profiles.table import LatencyTable

SOURCE = (
    "mpsolve's own analytic model of an 8-core PULP cluster, calibrated to 12 network-level ratios "
    "published in Free Bits: median held-out error 2.8 percentage points, mean 6.4, worst 40.9; "
    "no layer was measured."
)
PLATFORMS = {
    "pulp8-xpulpv2": "an 8-core PULP cluster with XpulpV2, which has 8-bit SIMD only: narrower "
    "operands are unpacked in software",
    "pulp8-xpulpnnv1": "an 8-core PULP cluster with XpulpNNv1, which has packed SIMD for 2-, 4- "
    "and 8-bit operands of equal width: mixed widths are unpacked in software",
    "pulp8-xpulpnnv2": "an 8-core PULP cluster with XpulpNNv2, which has packed SIMD for 2-, 4- "
    "and 8-bit operands and unpacks mixed widths in hardware",
}
NETWORKS = {"mobilenet_v1": "MobileNetV1", "mobilenet_v2": "MobileNetV2"}

_STEM = re.compile(r"(?P<network>\w+?)_(?P<width>\d\.\d+)_(?P<size>\d+)\.(?P<platform>.+)-model")


@dataclass(frozen=True, slots=True)
class BundledTable:
    """What is to know about a table before reading it.

    Attributes
    ----------
    name
        What `bundled_table` calls it: ``mobilenet_v1_0.75/pulp8-xpulpnnv1``.
    network, platform
        The two parts of the name.
    description
        One sentence for people.
    provenance
        Where the latencies come from.
    source
        Who made the table, and how far it can be trusted.
    layers, candidates
        How many layers the network has, and candidates all of them together.
    """

    name: str
    network: str
    platform: str
    description: str
    provenance: Provenance
    source: str
    layers: int
    candidates: int


@cache
def bundled_tables() -> tuple[BundledTable, ...]:
    """All tables that come with mpsolve, by name."""
    return tuple(_describe(name, file) for name, file in sorted(_files().items()))


def bundled_table(name: str) -> LatencyTable:
    """Read a table that comes with mpsolve.

    Parameters
    ----------
    name
        One of `bundled_tables`. The width ``_1.00`` and the input size ``_224`` may be given or
        left out, ``.`` may stand for ``/``, and the name of the file is accepted too.

    Raises
    ------
    InputError
        If there is no such table; the message lists similar names.
    """
    files, short = _files(), _short_name(name)
    if short not in files:
        raise InputError(f"There is no bundled table {name!r}; try {_similar(short, files)}.")
    return _read(short, files[short])


def load_table(text: str) -> LatencyTable:
    """Read the table that a person named: a path, ``-`` for standard input, or a bundled table.

    Parameters
    ----------
    text
        The name; a file of this name is preferred to a bundled table.

    Raises
    ------
    InputError
        If it is neither a file nor a bundled table.
    """
    if text == STDIN or os.path.exists(text):
        return read_table(text)
    files, short = _files(), _short_name(text)
    if short in files:
        return _read(short, files[short])
    raise InputError(
        f"{text!r} is neither a file nor a bundled table; check the path, or try one of the "
        f"tables {_similar(short, files)}."
    )


@cache
def _files() -> dict[str, Traversable]:
    from importlib import resources  # only where needed: it takes longer to load than this package

    folder = resources.files("mpsolve.profiles") / "tables"
    return {_short_name(f.name): f for f in folder.iterdir() if f.name.endswith(".csv")}


def _read(name: str, file: Traversable) -> LatencyTable:
    return to_table(read_bytes(file.read_bytes(), name, ".csv"))


def _short_name(text: str) -> str:
    """The name without the parts that go without saying."""
    stem = text.strip().lower().removesuffix(".csv").removesuffix("-model")
    network, separator, platform = stem.rpartition("/" if "/" in stem else ".")
    network = re.sub(r"_1\.0+$", "", network.removesuffix("_224"))
    return f"{network}/{platform}" if separator else stem


def _similar(short: str, files: dict[str, Traversable]) -> str:
    from difflib import get_close_matches

    return ", ".join(get_close_matches(short, files, n=3, cutoff=0.5) or sorted(files))


def _describe(name: str, file: Traversable) -> BundledTable:
    table = _read(name, file)
    network, _, platform = name.partition("/")
    parts = _STEM.fullmatch(file.name.removesuffix(".csv"))
    assert parts, file.name
    architecture = NETWORKS.get(parts["network"], parts["network"])
    return BundledTable(
        name=name,
        network=network,
        platform=platform,
        description=(
            f"{table.provenance.capitalize()} latencies of {architecture} (width "
            f"{float(parts['width']):g}, {parts['size']} x {parts['size']} input) on "
            f"{PLATFORMS[platform]}."
        ),
        provenance=table.provenance,
        source=SOURCE,
        layers=len(table.layers),
        candidates=len(table.precisions),
    )
