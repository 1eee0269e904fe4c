"""What makes two networks the same, and random networks to read and write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from mpsolve.profiles.networks import NetworkBuilder

if TYPE_CHECKING:
    from mpsolve.profiles.networks import Network


KINDS = ("conv", "grouped", "dw", "pw", "linear", "shared", "operator")


def content(network: Network) -> dict[str, Any]:
    """All that a network is, but its name and its source."""
    return {
        "nodes": network.nodes,
        "tensors": dict(network.tensors),
        "inputs": network.inputs,
        "outputs": network.outputs,
        "shares": dict(network.shares),
    }


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """A random network of all operators, with branches, several inputs, and shared layers."""
    net = NetworkBuilder("random")
    sizes = st.integers(1, 9)
    pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
    tensors = [
        net.input(draw(sizes), draw(sizes), draw(sizes), name=f"in{i}")
        for i in range(draw(st.integers(1, 3)))
    ]
    for i in range(draw(st.integers(1, 12))):
        x = draw(st.sampled_from(tensors))
        channels, height, width = net.shape(x)
        kind = draw(st.sampled_from(KINDS))
        bias = draw(st.booleans())
        more: dict[str, Any] = {"bias": bias, "kernel": draw(pairs), "stride": draw(pairs)}
        if draw(st.booleans()):
            more |= {"dilation": draw(pairs), "padding": draw(st.sampled_from(((6, 7), None)))}
        if kind in ("conv", "grouped"):
            groups = channels if kind == "grouped" else 1
            y = net.conv(f"node{i}", x, draw(sizes) * groups, groups=groups, **more)
        elif kind == "dw":
            y = net.dw(f"node{i}", x, **more)
        elif kind == "pw":
            y = net.pw(f"node{i}", x, draw(sizes), draw(pairs), bias=bias)
        elif kind == "linear":
            y = net.linear(f"node{i}", x, draw(sizes), bias=bias, share=draw(st.floats(0.01, 1)))
        elif kind == "shared":
            y = net.linear(f"node{i}.0", x, channels, bias=bias)
            y = net.linear(f"node{i}.1", y, channels, bias=bias, layer=f"node{i}.0")
        else:
            operator = draw(st.sampled_from(("add", "mul", "pool", "concat", "reshape", "other")))
            others = draw(st.lists(st.sampled_from(tensors), max_size=2))
            y = net.operator(f"node{i}", operator, (x, *others), (channels, width, height))
        tensors.append(y)
    y = net.pw("last", tensors[-1], 1)
    more_outputs = draw(st.lists(st.sampled_from(tensors), unique=True, max_size=3))
    return net.build(*draw(st.permutations([y, *more_outputs])))


def skeleton(network: Network) -> list[tuple[Any, ...]]:
    """Every node without its name: operator, layer type, and which nodes or inputs it reads."""
    position = {tensor: -1 - i for i, tensor in enumerate(network.inputs)}
    position |= {node.output: i for i, node in enumerate(network.nodes)}
    return [
        (node.operator, node.layer_type, tuple(position[tensor] for tensor in node.inputs))
        for node in network.nodes
    ]
