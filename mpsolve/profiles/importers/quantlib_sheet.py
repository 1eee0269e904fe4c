"""The spreadsheet of layer types that Free Bits searches with in quantlib.

``export_bench_spec`` writes one row for each layer type and precision, and ``import_bench_results``
reads it back with the column ``latency`` filled in (algorithms/bb/generate_bench_spec.py of
github.com/pulp-platform/quantlib, free-bits code):

===================================  =======================================================
``groups``, ``DW``                   channel groups; whether the convolution is depthwise
``kernel_size``, ``padding``, ``stride``  of square kernels
``chin``, ``chout``                  channels, of which ``chin`` is rounded up where inputs or
                                     weights of less than 8 bits would not fill a byte
``input_size``, ``output_size``      height and width of square maps; 1 for linear layers
``IN_BITS``, ``W_BITS``              b_in and b_wt
``OUT_BITS``                         optional; rows with other than 8 are not read
``latency``                          the result
===================================  =======================================================

Further columns are ignored. Equal rows count once, as identical layers are profiled once.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mpsolve.errors import TableError
from mpsolve.model.precision import Precision
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.importers.assemble import latency_table
from mpsolve.profiles.importers.files import is_number, listed, read_bytes, spoken
from mpsolve.profiles.importers.importer import Imported, Need
from mpsolve.storage.optional import importing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.profiles.networks.network import Layer, Network
    from mpsolve.typing import Number

IDENTITY = (
    "groups",
    "DW",
    "kernel_size",
    "chin",
    "chout",
    "input_size",
    "output_size",
    "padding",
    "stride",
)
BITS = ("IN_BITS", "W_BITS")
LATENCY = "latency"
OUT_BITS = "OUT_BITS"

#: The values of `IDENTITY`.
Identity = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class QuantlibSheet:
    """Every layer of the network takes the latencies of its layer type."""

    name: str = "quantlib-xlsx"
    description: str = "quantlib's spreadsheet of layer types with latencies (Free Bits)"
    suffixes: tuple[str, ...] = (".xlsx",)
    files: tuple[int, int | None] = (1, None)
    network: Need = Need.REQUIRED
    precisions: Need = Need.UNUSED

    def read(
        self, paths: Sequence[Path], network: Network | None, precisions: Sequence[Precision]
    ) -> Imported:
        """Read the files; see `Importer.read`."""
        assert network is not None
        sheet = _Sheet()
        for path in paths:
            for where, row in _rows(path):
                sheet.add(where, row)
        latencies = {layer.name: sheet.latencies(layer, network) for layer in network.layers}
        if missing := [name for name, row in latencies.items() if not row]:
            layer_type = network.layer(missing[0]).layer_types[0]
            raise TableError(
                f"{spoken(paths)}: no row has the layer type of {listed(missing)} of "
                f"{network.name}; the first is {layer_type}."
            )
        table = latency_table(latencies, spoken(paths), Provenance.UNSTATED, network=network)
        return Imported(table, ("The file does not state the unit of its latencies.",))


class _Sheet:
    """The latencies of all files by layer type and precision."""

    def __init__(self) -> None:
        self._known: dict[tuple[Identity, Precision], tuple[Number, str]] = {}

    def add(self, where: str, row: dict[str, Any]) -> None:
        """Add a row; rows that contradict each other are refused."""
        key = (
            tuple(_whole(where, name, row[name]) for name in IDENTITY),
            Precision(_whole(where, BITS[0], row[BITS[0]]), _whole(where, BITS[1], row[BITS[1]])),
        )
        if row.get(OUT_BITS) not in (None, 8):
            return
        latency = row[LATENCY]
        if not is_number(latency):
            problem = "is empty" if latency is None else f"{latency!r} is no latency"
            raise TableError(f"{where}, column {LATENCY}: {problem}; fill in a number.")
        known, first = self._known.setdefault(key, (latency, where))
        if known != latency:
            raise TableError(
                f"{where}: the latency {latency} contradicts {known} of the same layer type and "
                f"precision at {first}; keep one."
            )

    def latencies(self, layer: Layer, network: Network) -> dict[Precision, Number]:
        """What a layer costs: the sum over its nodes, in every precision that all of them have."""
        rows = [self._of_type(layer_type, layer, network) for layer_type in layer.layer_types]
        return {p: sum(row[p] for row in rows) for p in rows[0] if all(p in row for row in rows)}

    def _of_type(
        self, layer_type: LayerType, layer: Layer, network: Network
    ) -> dict[Precision, Number]:
        identity = _identity(layer_type, f"Layer {layer.name} of {network.name}")
        found = {}
        for precision in dict.fromkeys(precision for _, precision in self._known):
            for key in (identity, _padded(identity, precision)):
                if (key, precision) in self._known:
                    found[precision] = self._known[key, precision][0]
                    break
        return found


def _identity(layer_type: LayerType, what: str) -> Identity:
    """The columns that tell a layer type apart, as ``ident_of_conv2d`` fills them in."""
    pairs = ("kernel", "in_size", "out_size", "padding", "stride")
    values = {name: getattr(layer_type, name) for name in pairs}
    uneven = [name for name, (height, width) in values.items() if height != width]
    if uneven or layer_type.dilation != (1, 1):
        raise TableError(
            f"{what}: quantlib's sheets have square kernels and maps and no dilation, so that "
            f"{layer_type} cannot be in one."
        )
    depthwise = layer_type.in_channels == layer_type.groups == layer_type.out_channels
    side = {name: height for name, (height, _) in values.items()}
    return (
        layer_type.groups,
        int(depthwise),
        side["kernel"],
        layer_type.in_channels,
        layer_type.out_channels,
        side["in_size"],
        side["out_size"],
        side["padding"],
        side["stride"],
    )


def _padded(identity: Identity, precision: Precision) -> Identity:
    """The same with the channels that ``spec_dict`` rounds up to whole bytes."""
    position = IDENTITY.index("chin")
    channels = identity[position]
    widths = (int(bits) for bits in (precision.b_in, precision.b_wt) if 0 < bits <= 8)
    most = max(-(-channels // (8 // bits)) * 8 // bits for bits in (8, *widths))
    return (*identity[:position], most, *identity[position + 1 :])


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The place and the cells of every row of the first sheet that is not blank."""
    with importing("openpyxl", "tables", "Reading a spreadsheet"):
        from openpyxl import load_workbook
    data = read_bytes(path)
    try:
        book = load_workbook(io.BytesIO(data), data_only=True)
    except Exception as error:  # whatever a damaged file makes the reader raise
        raise TableError(f"{path} is not a readable .xlsx spreadsheet: {error}") from error
    if not book.worksheets:
        raise TableError(f"{path} has no sheet of cells.")
    sheet = book.worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    header = [str(cell).strip() if cell is not None else "" for cell in rows[0]] if rows else []
    missing = [name for name in (*IDENTITY, *BITS, LATENCY) if name not in header]
    if missing:
        raise TableError(
            f"{path}: sheet {sheet.title} lacks the columns {', '.join(missing)}; its first row "
            f"has {listed([name for name in header if name], 20) or 'nothing'}."
        )
    filled = [(n, row) for n, row in enumerate(rows[1:], 2) if any(c is not None for c in row)]
    if not filled:
        raise TableError(f"{path}: sheet {sheet.title} has column names but no rows.")
    for number, row in filled:
        yield (
            f"{path}: sheet {sheet.title}, row {number}",
            {name: cell for name, cell in zip(header, row, strict=True) if name},
        )


def _whole(where: str, column: str, cell: Any) -> int:
    if isinstance(cell, bool | int) or (isinstance(cell, float) and cell.is_integer()):
        return int(cell)
    if column == "DW" and str(cell).strip().lower() in ("true", "false"):
        return int(str(cell).strip().lower() == "true")
    problem = "is empty" if cell is None else f"{cell!r} is not a whole number"
    raise TableError(f"{where}, column {column}: {problem}.")
