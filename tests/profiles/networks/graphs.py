"""Small networks, by hand and at random."""

from __future__ import annotations

from hypothesis import strategies as st

from mpsolve.profiles.networks import LayerType, Network, Node


def layer(
    name: str, read: str, channels: int = 1, out_channels: int = 1, size: int = 1, weights: str = ""
) -> Node:
    """A pointwise layer whose output has its name."""
    layer_type = LayerType("pw", channels, out_channels, (1, size), (1, size))
    return Node(name, "pw", (read,), name, layer_type, weights)


def network(
    *nodes: Node, outputs: tuple[str, ...] | None = None, inputs: tuple[str, ...] = ("x",)
) -> Network:
    """A network whose tensors are as large as its layers say, else of one element."""
    tensors = dict.fromkeys((*inputs, *(node.output for node in nodes)), (1, 1, 1))
    for node in nodes:
        if node.layer_type is not None:
            kind = node.layer_type
            tensors[node.inputs[0]] = (kind.in_channels, *kind.in_size)
            tensors[node.output] = (kind.out_channels, *kind.out_size)
    for node in nodes:
        if node.layer_type is None and tensors[node.output] == (1, 1, 1):
            tensors[node.output] = tensors[node.inputs[0]]
    return Network("net", nodes, tensors, inputs, outputs or (nodes[-1].output,))


@st.composite
def graphs(draw: st.DrawFn, most: int = 7) -> Network:
    """Random graphs of all operators, with tensors of one to some tens of elements."""
    elements = {f"x{i}": draw(st.integers(1, 9)) for i in range(draw(st.integers(1, 2)))}
    inputs = tuple(elements)
    nodes: list[Node] = []
    for i in range(draw(st.integers(1, most))):
        name, known = f"n{i}", list(elements)
        operator = draw(
            st.sampled_from(("pw", "pw", "pw", "add", "mul", "pool", "reshape", "concat", "other"))
        )
        read = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
        if i == 0 or operator == "pw":
            size = draw(st.integers(1, 9))
            elements[name] = size
            nodes.append(layer(name, read[0], elements[read[0]], size))
            continue
        if operator in ("pool", "reshape", "other"):
            read = read[:1]
        same = operator in ("reshape", "add", "mul")
        if operator in ("add", "mul"):
            read = [one for one in read if elements[one] == elements[read[0]]]
        size = sum(elements[one] for one in read) if operator == "concat" else elements[read[0]]
        elements[name] = size if same or operator == "concat" else draw(st.integers(1, 9))
        nodes.append(Node(name, operator, tuple(read), name))
    written = [node.output for node in nodes]
    count = draw(st.integers(1, 2))
    outputs = tuple(dict.fromkeys([written[-1], *draw(st.permutations(written))[: count - 1]]))
    tensors = {name: (size, 1, 1) for name, size in elements.items()}
    return Network("random", tuple(nodes), tensors, inputs, outputs)
