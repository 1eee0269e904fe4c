"""Attributes of operators as DORY reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


def number(node: onnx.NodeProto, name: str) -> int | None:
    """An attribute as DORY reads it: an integer, or a float made one; None without it."""
    for attribute in node.attribute:
        if attribute.name == name:
            return int(attribute.i or attribute.f or 0)
    return None


def numbers(node: onnx.NodeProto, name: str) -> list[int] | None:
    """A list of integers among the attributes; None without it."""
    for attribute in node.attribute:
        if attribute.name == name and attribute.ints:
            return list(attribute.ints)
    return None


def label(node: onnx.NodeProto) -> str:
    """How messages call an operator: its kind, and its name or else its output."""
    return f"{node.op_type} {node.name or ', '.join(node.output)}"
