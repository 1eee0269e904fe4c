"""What the nodes of a traced model are called, and their arguments by name."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from mpsolve.deploy.sums import unsupported

if TYPE_CHECKING:
    from torch import fx

_ALIASES = {"iadd": "add", "isub": "sub", "imul": "mul", "threshold": "relu"}
#: The settings of functions, after the tensor.
_SETTINGS: dict[str, dict[str, Any]] = {
    "conv2d": {
        "weight": None,
        "bias": None,
        "stride": 1,
        "padding": 0,
        "dilation": 1,
        "groups": 1,
    },
    "linear": {"weight": None, "bias": None},
    "maxpool2d": {
        "kernel_size": None,
        "stride": None,
        "padding": 0,
        "dilation": 1,
        "ceil_mode": False,
        "return_indices": False,
    },
    "avgpool2d": {
        "kernel_size": None,
        "stride": None,
        "padding": 0,
        "ceil_mode": False,
        "count_include_pad": True,
        "divisor_override": None,
    },
    "hardtanh": {"min_val": -1.0, "max_val": 1.0, "inplace": False},
    "clamp": {"min": None, "max": None},
    "clip": {"min": None, "max": None},
    "clampmin": {"min": None},
    "mean": {"dim": None, "keepdim": False},
    "add": {"other": None, "alpha": 1},
}


def operator_name(program: fx.GraphModule, node: fx.Node) -> str:
    """One name for ``nn.MaxPool2d``, ``F.max_pool2d`` and ``torch.max_pool2d``."""
    if node.op == "call_module":
        name = type(program.get_submodule(str(node.target))).__name__
    elif node.op == "call_method":
        name = str(node.target)
    else:
        name = getattr(node.target, "__name__", str(node.target))
    name = name.lower().replace("_", "")
    return _ALIASES.get(name, name)


def settings(program: fx.GraphModule, node: fx.Node, name: str) -> dict[str, Any]:
    """The arguments after the tensor, or the attributes of the module."""
    known = _SETTINGS[name]
    if node.op == "call_module":
        module = program.get_submodule(str(node.target))
        return {key: getattr(module, key, usual) for key, usual in known.items()}
    values = known | dict(zip(known, node.args[1:], strict=False))
    for key, value in node.kwargs.items():
        if key in known:
            values[key] = value
        elif key not in ("input", "inplace"):
            raise unsupported(node.name, f"its argument {key} is unknown")
    return values


def pair(value: Any, default: Any = None) -> tuple[int, int]:
    """Height and width, from one number or two."""
    value = default if value is None or value == [] else value
    if isinstance(value, tuple | list):
        numbers = [*value, *value][:2] if len(value) == 1 else list(value)
        return operator.index(numbers[0]), operator.index(numbers[1])
    return operator.index(value), operator.index(value)
