"""Whether networks fit, against enumeration, published figures and the authors' policies."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import InputError, solve
from mpsolve.building.budgets import byte_limit
from mpsolve.mcu import Setting, device_named, family, fit
from mpsolve.mcu.fitting import RULE
from mpsolve.mcu.setting import mcu_problem
from mpsolve.profiles.networks import Network, Node, named_network
from mpsolve.profiles.networks.tensor_groups import Rules
from tests.mcu.small import assignments, chains, least_loss
from tests.profiles.networks.graphs import graphs, layer, network

REFERENCE = Path(__file__).parents[1] / "data" / "memory_driven_reference.json"


@settings(max_examples=60, deadline=None)
@given(chains(), st.floats(0.2, 1.1), st.floats(0.2, 1.1))
def test_the_optimum_of_chains(net: Network, rom: float, ram: float) -> None:
    """Enumeration finds the same least loss, or that nothing fits; the rule is never better."""
    every = list(assignments(net))
    limits = (int(rom * max(r for _, r, _, _ in every)), int(ram * max(m for _, _, m, _ in every)))
    found = fit(net, *limits)
    expected = least_loss(net, *limits)
    assert found.fits == math.isfinite(expected)
    if not found.fits:
        assert found.obstacle
        assert found.least.rom == min(r for _, r, _, _ in every)
        assert found.least.ram == min(m for _, _, m, _ in every)
        assert found.rule.status != "feasible"
        return
    assert found.solution.loss == pytest.approx(expected, rel=1e-12)
    used = found.usage
    assert used is not None
    assert used.rom <= limits[0]
    assert used.ram <= limits[1]
    if found.rule.status == "feasible":
        assert found.rule.loss is not None
        assert found.rule.loss >= expected * (1 - 1e-12)
        judged = next(a for a in every if a[0] == dict(found.rule.configuration or {}))
        assert judged[3] == pytest.approx(found.rule.loss, rel=1e-12)
        assert judged[1] <= limits[0]
        assert judged[2] <= limits[1]


@settings(max_examples=80, deadline=None)
@given(graphs(5), st.floats(0.2, 1.1), st.floats(0.2, 1.1))
def test_the_rule_is_never_better(net: Network, rom: float, ram: float) -> None:
    """On any graph: where the rule fits, the optimum does, with no more loss, by two methods."""
    whole = fit(net).usage
    assert whole is not None
    limits = int(rom * whole.rom), int(ram * whole.ram)
    found = fit(net, *limits)
    other = solve(mcu_problem(net, *limits), "highs")
    assert found.solution.status == other.status
    if found.fits:
        assert found.solution.loss == pytest.approx(other.loss, rel=1e-9)
    if found.rule.status == "feasible":
        assert found.fits
        assert found.rule.loss is not None
        assert found.solution.loss is not None
        assert found.rule.loss >= found.solution.loss


def test_no_limit_keeps_every_bit() -> None:
    """Without limits everything has 8 bits, and the rule too."""
    net = network(layer("a", "x", 3, 5), layer("b", "a", 5, 2))
    found = fit(net)
    assert {str(p) for p in dict(found.solution.configuration or {}).values()} == {"8b/8b"}
    assert found.gap_of_rule == 0


@pytest.mark.parametrize("width", ["1.0", "0.75", "0.5", "0.25"])
@pytest.mark.parametrize("size", [224, 192, 160, 128])
def test_mobilenet_v1_and_the_policies_of_the_authors(width: str, size: int) -> None:
    """The rule is that of the authors' code for all 16 networks, and never beats the optimum."""
    weights, activations = json.loads(REFERENCE.read_text())[f"{size}_{width}_MixPC"]
    found = fit(named_network(f"mobilenet_v1_{width}_{size}"), 2_048_000, 512_000)
    policy = dict(found.rule.configuration or {})
    assert [p.b_wt for p in policy.values()] == weights
    assert [p.b_in for p in policy.values()] == [8, *activations]
    assert found.fits
    assert found.gap_of_rule is not None
    assert found.gap_of_rule >= 0
    assert (found.gap_of_rule == 0) == (found.rule.loss == found.solution.loss)


def test_the_rule_alone() -> None:
    """As a method it gives its own configuration, without a proof."""
    net = named_network("mobilenet_v1")
    found = fit(net, "2048000", "512000", method=RULE)
    assert found.solution is found.rule
    assert found.solution.status == "feasible"
    assert found.gap_of_rule is None
    assert found.usage is not None
    # 1,868,224 bytes of weights as recorded, and tables of 10 or 7 bytes a channel.
    channels = [one.layer_types[0].out_channels for one in net.layers]
    tables = sum(10 * c + 8 for c in channels[:-1]) + 7 * channels[-1] + 4
    assert found.usage.rom == 1_868_224 + tables
    assert found.usage.weight_bits == pytest.approx(8 * 1_868_224 / net.weights)


def test_the_tightest_node_is_named() -> None:
    """Both tensors of b have 13 bytes in 2 bits each; the ROM is named if the RAM suffices."""
    net = network(layer("a", "x", 1, 50), layer("b", "a", 50, 50), layer("c", "b", 50, 2))
    found = fit(net, 10_000, 20)
    assert not found.fits
    assert found.obstacle == (
        "net does not fit: with the fewest bits, node b needs 26 of 20 bytes of RAM for a, b."
    )
    assert fit(net, 10_000, 20, method=RULE).solution.status == "infeasible"
    found = fit(net, 600, 1_000, setting=Setting(scheme="weights"))
    # 2,650 weights in 2 bits need 13 + 625 + 25 bytes.
    assert found.obstacle == (
        "net does not fit: with the fewest bits, weights and tables need 663 of 600 bytes of ROM."
    )


def test_a_rule_that_fails_where_something_fits() -> None:
    """MobileNetV2's rule may fail; the status says so, and a proof is not claimed."""
    net = network(
        layer("a", "x", 1, 8), layer("b", "a", 8, 8), Node("add", "add", ("a", "b"), "add")
    )
    found = fit(net, ram=24)
    assert found.fits
    assert found.usage is not None
    assert found.usage.ram == 24
    with pytest.raises(InputError, match="too few for the input of layer a"):
        fit(net, ram=24, setting=Setting(bits=(2, 4)))
    freed = Setting(bits=(2, 4), rules=Rules(input_bits=None, adder_bits=None))
    assert fit(net, setting=freed).fits


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2MB", 2_000_000), ("2MiB", 2 << 20), ("512kB", 512_000), ("512KiB", 524_288), (7.9, 7)],
)
def test_sizes(text: str | float, expected: int) -> None:
    """Decimal and binary prefixes differ; parts of bytes are cut off."""
    assert byte_limit("rom", text) == expected


@pytest.mark.parametrize("text", ["50%", "0.5x", "2Mb", "much", "-1"])
def test_sizes_that_are_none(text: str) -> None:
    """Parts of something, bits or bytes, words and negative sizes are refused."""
    if text == "-1":
        assert not fit(network(layer("a", "x", 1, 1)), rom=text).fits
        return
    with pytest.raises(InputError, match="rom"):
        byte_limit("rom", text)


def test_families() -> None:
    """Widths and resolutions as published; a width or a resolution names one network."""
    assert len(family("mobilenet_v1")) == 16
    assert len(family("MobileNet_V2")) == 20
    assert family("mobilenet_v1")[0] == "mobilenet_v1_1.0_224"
    assert family("mobilenet_v1_0.75_192") == ("mobilenet_v1_0.75_192",)
    assert family("model.onnx") == ("model.onnx",)
    assert family("ds_cnn") == ("ds_cnn",)
    for name in (*family("mobilenet_v1"), *family("mobilenet_v2"), *family("resnet18")):
        assert named_network(name)


def test_devices() -> None:
    """Blocks of RAM as the manuals draw them; names and chips find a device, others a hint."""
    kib = 1024
    assert device_named("stm32f7").ram == (128 + 368 + 16) * kib
    assert device_named("STM32F746xG").ram == (64 + 240 + 16) * kib
    assert device_named("stm32f4").ram == (112 + 16) * kib
    assert device_named("rp2040").ram == (4 * 64 + 2 * 4) * kib
    assert device_named("gap8").rom is None
    h7 = device_named("stm32h7")
    assert (h7.rom, h7.ram) == (2 << 20, 512 << 10)
    with pytest.raises(InputError, match="no device 'stm32h8'; try stm32"):
        device_named("stm32h8")
