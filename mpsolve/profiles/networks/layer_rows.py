"""The layer type that a row of a geometry file states, and what else the row says about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mpsolve.errors import InputError, TableError
from mpsolve.profiles.networks.convolution import least_padding
from mpsolve.profiles.networks.layer_type import LayerType

if TYPE_CHECKING:
    from mpsolve.profiles.networks.sheet import Sheet


def read_shape(sheet: Sheet, row: int, side: str) -> tuple[int, int, int]:
    """Channels, height and width of what a row reads (``in``) or writes (``out``)."""
    channels, height, width = (sheet.number(row, f"{side}_{axis}") for axis in ("ch", "h", "w"))
    return channels, height, width


def read_layer_type(sheet: Sheet, row: int, kind: str) -> LayerType:
    """The layer type of a row.

    Raises
    ------
    TableError
        If its numbers contradict each other; the message says where.
    """
    try:
        layer_type = _stated_layer_type(sheet, row, kind)
    except TableError:
        raise
    except InputError as error:
        raise sheet.error(row, "kind", str(error).rstrip(".")) from error
    if not sheet.text(row, "padding"):
        _check_out_size(sheet, row, layer_type)
    _check(sheet, row, "macs", layer_type.macs)
    _check(sheet, row, "weights", layer_type.weights)
    layer_type = replace(layer_type, bias=_has_bias(sheet, row, layer_type))
    if sheet.text(row, "params") != str(layer_type.weights):
        _check(sheet, row, "params", layer_type.weights + layer_type.biases)
    return layer_type


def _stated_layer_type(sheet: Sheet, row: int, kind: str) -> LayerType:
    """The layer type without the bias."""
    in_channels, in_height, in_width = read_shape(sheet, row, "in")
    out_channels, out_height, out_width = read_shape(sheet, row, "out")
    in_size, out_size = (in_height, in_width), (out_height, out_width)
    kernel, stride = sheet.pair(row, "k"), sheet.pair(row, "stride")
    dilation = sheet.pair(row, "dilation", (1, 1))
    least = least_padding(in_size, out_size, kernel, stride, dilation)
    return LayerType(
        kind=kind,
        in_channels=in_channels,
        out_channels=out_channels,
        in_size=in_size,
        out_size=out_size,
        kernel=kernel,
        stride=stride,
        padding=sheet.pair(row, "padding", least),
        dilation=dilation,
        groups=sheet.number(row, "groups", in_channels if kind == "dw" else 1),
    )


def _check_out_size(sheet: Sheet, row: int, layer_type: LayerType) -> None:
    """Refuse an output that no sensible padding gives."""
    for axis, column in enumerate(("out_h", "out_w")):
        padding = layer_type.padding[axis]
        extent = layer_type.dilation[axis] * (layer_type.kernel[axis] - 1) + 1
        regular, out = layer_type.regular_out_size[axis], layer_type.out_size[axis]
        if regular != out if padding == 0 else padding >= extent:
            raise sheet.error(
                row,
                column,
                f"a kernel of {layer_type.kernel[axis]} with stride {layer_type.stride[axis]} "
                f"does not turn {layer_type.in_size[axis]} into {out}",
            )


def _has_bias(sheet: Sheet, row: int, layer_type: LayerType) -> bool:
    """Whether there are biases, as the row states it or as its parameters tell."""
    stated = sheet.text(row, "bias")
    if not stated:
        return sheet.text(row, "params") == str(layer_type.weights + layer_type.out_channels)
    if stated not in ("0", str(layer_type.out_channels)):
        raise sheet.error(
            row, "bias", f"a layer has 0 or {layer_type.out_channels} biases, not {stated!r}"
        )
    return stated != "0"


def _check(sheet: Sheet, row: int, column: str, expected: int) -> None:
    """Refuse a number that the shapes contradict."""
    if sheet.number(row, column, expected) != expected:
        raise sheet.error(
            row, column, f"{sheet.text(row, column)} should be {expected} by kernel and shapes"
        )
