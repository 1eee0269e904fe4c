"""Networks as CSV files: one row per operator, in an order in which they can be executed.

Columns
-------
name, kind
    The operator: ``conv``, ``dw``, ``pw``, ``linear``, ``add``, ``mul``, ``pool``, ``reshape``,
    ``concat``, ``other``, or ``input`` for a tensor that the network reads. ``fc`` stands for
    ``linear``, and ``se_pool``, ``se_fc`` and ``se_mul`` for the pooling, the pointwise layers
    and the product of squeeze and excitation.
in_ch, in_h, in_w, out_ch, out_h, out_w
    The shapes of the first tensor that it reads and of the one that it writes. Also ``cin``,
    ``hin``, ``win``, ``cout``, ``hout``, ``wout``.
k, stride, padding, dilation, groups
    Of a layer; ``3``, or ``10x4`` for height and width. Without ``padding``, the least that is
    enough for the output; dilation is 1 unless given, and a layer has one group unless it is
    depthwise. Also ``kernel``, ``s``, ``p``, ``d``, ``g``.
macs, params, weights
    Optional and checked. ``params`` are the weights with or without the biases, and say thereby
    whether there are any.
bias
    Optional, the number of biases.
index
    Optional number of the row, by default counted from 0.
producers
    The rows that write what it reads, ``12;15``, or ``input`` for a single input of the network
    without a row of its own. Without this column the rows are a chain: every row reads what the
    row before it writes. Where the shapes do not fit, the connection is unknown: a pooling is
    assumed between maps of equal channels and falling size, and otherwise an ``other`` operator
    that hides it. What was added to what cannot be seen in such a file.
layer, share
    Optional: the layer whose weights it uses, and in which part of all inferences it runs.
tensor
    Optional name of the tensor that it writes, by default ``name``.
output
    Optional: 1 for the first tensor that the network returns, 2 for the second. By default it
    returns all tensors that nobody reads.
anything else
    Remarks, which are ignored.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from mpsolve.errors import InputError, TableError
from mpsolve.profiles.files import read_file
from mpsolve.profiles.formats import read_bytes
from mpsolve.profiles.networks.layer_rows import read_layer_type, read_shape
from mpsolve.profiles.networks.layer_type import KINDS
from mpsolve.profiles.networks.network import OPERATORS, Network, Node
from mpsolve.profiles.networks.sheet import Sheet

if TYPE_CHECKING:
    from os import PathLike

SHAPES = ("in_ch", "in_h", "in_w", "out_ch", "out_h", "out_w")
REQUIRED = ("name", "kind", *SHAPES, "k", "stride")
KIND_ALIASES = {"fc": "linear", "se_pool": "pool", "se_fc": "pw", "se_mul": "mul"}


def read_geometry(path: str | PathLike[str]) -> Network:
    """Read a network from a CSV file, whose columns this module's description lists.

    Parameters
    ----------
    path
        The file; its stem becomes the name of the network.

    Raises
    ------
    TableError
        If anything is missing, doubtful or contradictory; the message says where.
    """
    cells = read_bytes(read_file(path), str(path), ".csv")
    return _Reader(Sheet(cells, REQUIRED)).read(Path(path))


class _Reader:
    """The network as far as it has been read."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.nodes: list[Node] = []
        self.names: set[str] = set()
        self.tensors: dict[str, tuple[int, int, int]] = {}
        self.inputs: list[str] = []
        self.shares: dict[str, float] = {}
        self.positions: dict[int, str] = {}
        #: Index of a row -> the tensor that it writes.
        self.written: dict[int, str] = {}

    def read(self, path: Path) -> Network:
        """Read all rows."""
        chained = "producers" not in self.sheet
        for row in self.sheet.rows:
            if self._kind(row) == "input":
                self.inputs.append(self._write(row))
            elif chained:
                self._read_operator(row, self._linked(row))
            else:
                self._read_operator(row, self._produced(row))
        read = {tensor for node in self.nodes for tensor in node.inputs}
        unread = [node.output for node in self.nodes if node.output not in read]
        remark = " without producers, so that branches are unknown" if chained else ""
        try:
            return Network(
                name=path.stem,
                nodes=tuple(self.nodes),
                tensors=self.tensors,
                inputs=tuple(self.inputs),
                outputs=tuple(self.positions[i] for i in sorted(self.positions)) or tuple(unread),
                shares=self.shares,
                source=f"{path}{remark}",
            )
        except InputError as error:
            raise TableError(f"{path}: {error}") from error

    def _kind(self, row: int) -> str:
        text = self.sheet.text(row, "kind")
        kind = KIND_ALIASES.get(text, text)
        if kind not in (*KINDS, *OPERATORS, "input"):
            known = ", ".join((*KINDS, *OPERATORS))
            raise self.sheet.error(row, "kind", f"{text!r} is no operator; there are {known}")
        return kind

    def _read_operator(self, row: int, inputs: tuple[str, ...]) -> None:
        name, kind = self.sheet.text(row, "name"), self._kind(row)
        layer_type = read_layer_type(self.sheet, row, kind) if kind in KINDS else None
        output = self._write(row)
        layer = self.sheet.text(row, "layer")
        try:
            node = Node(name, kind, inputs, output, layer_type, layer if layer_type else "")
        except InputError as error:
            raise self.sheet.error(row, "kind", str(error).rstrip(".")) from error
        self.nodes.append(node)
        if layer_type and (share := self._share(row)) != 1:
            self.shares[node.layer] = share

    def _write(self, row: int) -> str:
        """Note the tensor that a row writes."""
        name = self.sheet.text(row, "name")
        tensor = self.sheet.text(row, "tensor") or name
        if not name:
            raise self.sheet.error(row, "name", "it is empty; name every operator")
        if tensor in self.tensors or name in self.names:
            raise self.sheet.error(row, "name", f"{name} occurs twice; name every operator once")
        self.names.add(name)
        index = self.sheet.number(row, "index", row)
        if index in self.written:
            raise self.sheet.error(row, "index", f"{index} occurs twice; number every row once")
        self.tensors[tensor] = read_shape(self.sheet, row, "out")
        self.written[index] = tensor
        if position := self.sheet.number(row, "output", 0):
            self.positions[position] = tensor
        return tensor

    def _share(self, row: int) -> float:
        text = self.sheet.text(row, "share") or "1"
        try:
            share = float(text)
        except ValueError:
            share = 0.0
        if not 0 < share <= 1:
            raise self.sheet.error(row, "share", f"{text!r} is no part, more than 0 and at most 1")
        return share

    def _produced(self, row: int) -> tuple[str, ...]:
        """The tensors that the column ``producers`` names."""
        tensors = []
        for text in self.sheet.text(row, "producers").split(";"):
            token = text.strip()
            if token == "input":
                tensors.append(self._implicit_input(row))
            elif token.isdecimal() and int(token) in self.written:
                tensors.append(self.written[int(token)])
            else:
                raise self.sheet.error(
                    row,
                    "producers",
                    f"{token!r} is neither the index of a row before this one nor input",
                )
        self._check_shape(row, tensors[0])
        return tuple(tensors)

    def _implicit_input(self, row: int) -> str:
        if "input" not in self.tensors:
            self.inputs.append("input")
            self.tensors["input"] = read_shape(self.sheet, row, "in")
        return "input"

    def _check_shape(self, row: int, tensor: str) -> None:
        shape = read_shape(self.sheet, row, "in")
        if prod(shape) != prod(self.tensors[tensor]):
            written = "x".join(map(str, self.tensors[tensor]))
            raise self.sheet.error(
                row,
                "in_ch",
                f"the row reads {'x'.join(map(str, shape))}, but {tensor} is {written} "
                "(channels x height x width)",
            )

    def _linked(self, row: int) -> tuple[str, ...]:
        """What a row of a chain reads: what the row before it writes, if that fits."""
        if self._kind(row) in ("add", "mul", "concat"):
            raise self.sheet.error(
                row, "kind", "it reads several tensors; say which in a column producers"
            )
        shape = read_shape(self.sheet, row, "in")
        if not self.tensors:
            return (self._implicit_input(row),)
        previous = next(reversed(self.tensors))
        channels, *size = self.tensors[previous]
        if (channels, *size) == shape:
            return (previous,)
        smaller = channels == shape[0] and shape[1] <= size[0] and shape[2] <= size[1]
        operator = "pool" if smaller else "other"
        link = f"{self.sheet.text(row, 'name')}.{operator}"
        self.nodes.append(Node(link, operator, (previous,), link))
        self.tensors[link] = shape
        return (link,)
