"""Changes of an ONNX model, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

onnx = pytest.importorskip("onnx")
Model = Any


def node(model: Model, kind: str, place: int = 0) -> Any:
    """The operator of a kind, in order; negative places count from the end."""
    return [n for n in model.graph.node if n.op_type == kind][place]


def put(found: Any, name: str, value: Any) -> None:
    """Set an attribute."""
    drop(found, name)
    found.attribute.append(onnx.helper.make_attribute(name, value))


def drop(found: Any, name: str) -> None:
    """Remove an attribute."""
    kept = [a for a in found.attribute if a.name != name]
    del found.attribute[:]
    found.attribute.extend(kept)


def constant(model: Model, found: Any, place: int = 1) -> Any:
    """The initialiser that an operator reads at a place."""
    return next(t for t in model.graph.initializer if t.name == found.input[place])


def change(model: Model, found: Any, edit: Callable[[Any], Any], place: int = 1) -> None:
    """Change the numbers of an initialiser."""
    tensor = constant(model, found, place)
    values = edit(onnx.numpy_helper.to_array(tensor).copy())
    tensor.CopyFrom(onnx.numpy_helper.from_array(np.array(values), tensor.name))


def rename(model: Model, before: str, after: str) -> None:
    """Give a tensor another name everywhere."""
    for found in model.graph.node:
        for names in (found.input, found.output):
            for place, name in enumerate(names):
                if name == before:
                    names[place] = after
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        if value.name == before:
            value.name = after


def insert(model: Model, place: int, *nodes: Any) -> None:
    """Insert operators."""
    everything = list(model.graph.node)
    everything[place:place] = nodes
    copies = [onnx.NodeProto.FromString(n.SerializeToString()) for n in everything]
    del model.graph.node[:]
    model.graph.node.extend(copies)


def place_of(model: Model, found: Any) -> int:
    """Where an operator stands."""
    return [n.output[0] for n in model.graph.node].index(found.output[0])
