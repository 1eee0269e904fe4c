"""Short names for what exporters name at length or not at all."""

from __future__ import annotations

import ast
import re

#: Under this key PyTorch's exporter lists the modules around a node, and the node.
SCOPES = "pkg.torch.onnx.name_scopes"

_WEIGHT = re.compile(r"(.+?)[._](weight|kernel)(_quantized|_transposed)?")


def module_path(parameter: str) -> str:
    """The module that a parameter belongs to, or nothing.

    Examples
    --------
    >>> module_path("b1.dw.weight"), module_path("onnx::Conv_123")
    ('b1.dw', '')
    """
    match = _WEIGHT.fullmatch(parameter)
    return match[1] if match else ""


def node_path(name: str, operator: str) -> str:
    """The module that the name of an ONNX node tells, or nothing.

    Examples
    --------
    >>> node_path("/features/features.0/conv/conv.1/Conv", "Conv")
    'features.0.conv.1'
    >>> node_path("/layer1/layer1.0/Add_1", "Add")
    'layer1.0'
    >>> node_path("Conv_12", "Conv"), node_path("node_conv2d_3", "Conv")
    ('', '')
    """
    parts = [part for part in name.split("/") if part and not part.startswith("node_")]
    bare = re.fullmatch(rf"({operator})?_?\d*", parts[-1], re.IGNORECASE) if parts else None
    if bare or (len(parts) > 1 and parts[-1][0].isupper()):  # Conv_quant, BiasAdd
        parts.pop()
    path: list[str] = []
    for part in parts:
        if path and part.startswith(f"{path[-1]}."):
            path.pop()
        path.append(part)
    return ".".join(path)


def scope_path(scopes: str) -> str:
    """The innermost module of a list of `SCOPES`.

    Examples
    --------
    >>> scope_path("['', 'layer1', 'layer1.0', 'add_1']")
    'layer1.0'
    """
    modules = ast.literal_eval(scopes)
    return str(modules[-2]) if len(modules) > 1 else ""
