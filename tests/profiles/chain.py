"""Networks whose layers follow one another, written by hand."""

from __future__ import annotations

from mpsolve.profiles.networks import LayerType, Network, Node


def conv(c_in: int, c_out: int, size: int, k: int = 3, stride: int = 1) -> LayerType:
    """A dense convolution of a square input with "same" padding."""
    out = -(-size // stride)
    return LayerType(
        kind="pw" if k == 1 else "conv",
        in_channels=c_in,
        out_channels=c_out,
        in_size=(size, size),
        out_size=(out, out),
        kernel=(k, k),
        stride=(stride, stride),
        padding=(k // 2, k // 2),
    )


def depthwise(channels: int, size: int, stride: int = 1) -> LayerType:
    """A 3 x 3 depthwise convolution of a square input."""
    out = -(-size // stride)
    return LayerType(
        kind="dw",
        in_channels=channels,
        out_channels=channels,
        in_size=(size, size),
        out_size=(out, out),
        kernel=(3, 3),
        stride=(stride, stride),
        padding=(1, 1),
        groups=channels,
    )


def linear(c_in: int, c_out: int, tokens: int = 1) -> LayerType:
    """A linear layer, applied to each token."""
    return LayerType("linear", c_in, c_out, in_size=(1, tokens), out_size=(1, tokens))


def chain(**layer_types: LayerType) -> Network:
    """One layer after the other; a pool stands where the tensors do not fit.

    In names, a double underscore stands for a dot.
    """
    nodes, tensors = [], {}
    last = ""
    for text, layer_type in layer_types.items():
        layer = text.replace("__", ".")
        shape = (layer_type.in_channels, *layer_type.in_size)
        if not last:
            last = "input"
            tensors[last] = shape
        elif tensors[last] != shape:
            nodes.append(Node(f"{layer}_pool", "pool", (last,), f"{layer}_in"))
            last = f"{layer}_in"
            tensors[last] = shape
        nodes.append(Node(layer, layer_type.kind, (last,), f"{layer}_out", layer_type))
        last = f"{layer}_out"
        tensors[last] = (layer_type.out_channels, *layer_type.out_size)
    return Network("chain", tuple(nodes), tensors, ("input",), (last,))


def mobilenet_v1() -> tuple[LayerType, ...]:
    """The layer types of MobileNetV1 1.0 at 224 x 224 (Howard et al., 2017, table 1)."""
    types = [conv(3, 32, 224, stride=2)]
    channels, size = 32, 112
    for c_out, stride in (
        (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
        *[(512, 1)] * 5, (1024, 2), (1024, 1),
    ):  # fmt: skip
        types.append(depthwise(channels, size, stride))
        size //= stride
        types.append(conv(channels, c_out, size, 1))
        channels = c_out
    return (*types, linear(1024, 1000))
