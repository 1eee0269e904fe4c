"""A small network with every operator, and which of its nodes compute in int8."""

from __future__ import annotations

from mpsolve import Configuration, Precision
from mpsolve.profiles.networks import Network, NetworkBuilder

#: Case -> its int8 layers, and the nodes without weights that compute in int8 with them: those
#: whose largest input a layer in int8 writes, of equally large ones the last.
CASES = {
    "all float32": ("", ""),
    "all int8": (
        "stem expand dw project gate head fc last",
        "add mean scaled joined small flat",
    ),
    "project alone": ("project", "add mean scaled"),
    "all but project": ("stem expand dw gate head fc last", "joined small flat"),
    "stem and gate": ("stem gate", ""),
    "dw alone": ("dw", "joined"),
    "dw not": ("stem expand project gate head fc last", "add mean scaled small flat"),
    "head": ("head", "small flat"),
    "end": ("fc last", ""),
}


def every_operator() -> Network:
    """Convolutions of all kinds, an adder, a gate, a concatenation, pooling and two products."""
    net = NetworkBuilder("every_operator")
    image = net.input(3, 14, 14)
    stem = net.conv("stem", image, 16, stride=2)
    wide = net.pw("expand", stem, 32)
    wide = net.dw("dw", wide)
    narrow = net.pw("project", wide, 16)
    total = net.add("add", stem, narrow)
    gate = net.pw("gate", net.global_pool("mean", total), 16)
    scaled = net.mul("scaled", total, gate)
    joined = net.concat("joined", scaled, wide)
    x = net.pw("head", joined, 8)
    x = net.pool("small", x, 2)  # 7 x 7 to 4 x 4, the last windows in part
    x = net.flatten("flat", x)
    x = net.linear("fc", x, 24)
    return net.build(net.linear("last", x, 5, bias=True))


def configuration(case: str) -> Configuration:
    """The configuration of a case."""
    int8 = CASES[case][0].split()
    names = (layer.name for layer in every_operator().layers)
    bits = {name: 8 if name in int8 else 32 for name in names}
    return Configuration({name: Precision(own, own) for name, own in bits.items()})


def int8_nodes(case: str) -> set[str]:
    """All nodes that compute in int8."""
    return {*CASES[case][0].split(), *CASES[case][1].split()}
