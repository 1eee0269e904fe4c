"""The map of the RAM: its peak, its roles, its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import Configuration, Precision
from mpsolve.mcu import fit, memory_map
from mpsolve.mcu.steps import ROLES
from mpsolve.profiles.memory import peak_ram
from mpsolve.profiles.networks import Network, Node, named_network
from mpsolve.report.mcu_plots import plot_memory_map
from tests.profiles.networks.graphs import graphs, layer, network

if TYPE_CHECKING:
    from pathlib import Path


@settings(max_examples=80, deadline=None)
@given(graphs(), st.data())
def test_the_largest_step_is_the_peak(net: Network, data: st.DataObject) -> None:
    """Whatever the graph and the configuration; every node writes its output then."""
    widths = st.sampled_from((2, 4, 8))
    chosen = Configuration(
        {one.name: Precision(data.draw(widths), data.draw(widths)) for one in net.layers}
    )
    steps = memory_map(net, chosen)
    peak = peak_ram(net, chosen)
    assert max(step.bytes for step in steps) == peak.bytes
    first = next(step for step in steps if step.bytes == peak.bytes)
    assert (first.node, tuple(held.tensor for held in first.held)) == (peak.node, peak.tensors)
    for step in steps:
        assert sum(held.role == "output" for held in step.held) == 1
        assert sum(map(step.of, ROLES)) == step.bytes


def test_roles_by_hand() -> None:
    """While b runs between a and the adder, a is its input; while c runs, a is kept for later."""
    net = network(
        layer("a", "x", 1, 50),
        layer("b", "a", 50, 20),
        layer("c", "b", 20, 50),
        Node("add", "add", ("a", "c"), "add"),
    )
    steps = memory_map(net, Configuration(dict.fromkeys("abc", Precision(8, 8))))
    assert [[(h.tensor, h.role, h.bytes) for h in step.held] for step in steps] == [
        [("x", "input", 1), ("a", "output", 50)],
        [("a", "input", 50), ("b", "output", 20)],
        [("a", "skip", 50), ("b", "input", 20), ("c", "output", 50)],
        [("a", "input", 50), ("c", "input", 50), ("add", "output", 50)],
    ]


def test_a_skip_tensor_of_mobilenet_v2() -> None:
    """In MobileNetV2 192, block 1's output of 24 x 48 x 48 waits in 8 bits beside block 2."""
    net = named_network("mobilenet_v2_192")
    found = fit(net, 2_048_000, 512_000).solution.configuration
    assert found is not None
    step = next(step for step in memory_map(net, found) if step.node == "b2.dw")
    assert step.of("skip") == 24 * 48 * 48
    assert step.of("input") == 144 * 48 * 48 * found["b2.dw"].b_in // 8


@pytest.mark.parametrize("ending", ["png", "svg"])
@pytest.mark.parametrize("limit", [None, 50_000])
def test_the_picture(tmp_path: Path, ending: str, limit: int | None) -> None:
    """One bar per node and role, with and without a limit."""
    pytest.importorskip("matplotlib")
    net = named_network("resnet8")
    chosen = Configuration({one.name: Precision(8, 8) for one in net.layers})
    path = tmp_path / f"map.{ending}"
    ax = plot_memory_map(memory_map(net, chosen), limit, "title", path)
    assert path.stat().st_size > 1000
    labels = [text.get_text() for text in ax.get_xticklabels()]
    assert labels == [node.name for node in net.nodes if node.operator != "reshape"]
