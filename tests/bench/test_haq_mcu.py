"""HAQ's setting for microcontrollers: its optima by other means, and what the command writes."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest

from bench.__main__ import bench
from bench.haq_mcu.result import relaxations, run
from bench.haq_mcu.setting import BITS, CASES, LIMITS, LOSSES, Case, Limits, haq_mcu_problem
from mpsolve import Precision, solve
from mpsolve.profiles.networks import Network, Node, named_network
from tests.profiles.networks.graphs import layer, network

if TYPE_CHECKING:
    from pathlib import Path

AUTHORS = LIMITS["authors"]


@pytest.mark.parametrize("case", [CASES[1], CASES[4], CASES[5]], ids=lambda case: case.network)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_second_exact_method_finds_the_same(case: Case, loss: str) -> None:
    """HiGHS, which shares neither model nor search, proves the same optimum."""
    pytest.importorskip("scipy")
    problem = haq_mcu_problem(case.network, loss, AUTHORS)
    first, second = solve(problem), solve(problem.replace(), "highs")
    assert first.status == second.status == "optimal"
    assert first.loss == pytest.approx(second.loss, rel=1e-9)


def chain_optimum(net: Network, ram: int) -> float:
    """The least noise of the activations of a chain, weighted by MACs, layer after layer.

    The state is b_in of a layer; two neighbours must fit the RAM together. The input has 8 bits,
    and so has the output, which nobody chooses.
    """
    best = {8: net.layers[0].macs * 4.0**-8}
    for one, after in itertools.pairwise(net.layers):
        (kind,) = one.layer_types
        best = {
            bits: after.macs * 4.0**-bits
            + min(
                (
                    loss
                    for before, loss in best.items()
                    if (kind.inputs * before + kind.outputs * bits) / 8 <= ram
                ),
                default=float("inf"),
            )
            for bits in BITS
        }
    return min(best.values())


def weights_optimum(net: Network, rom: int) -> float:
    """The least noise of the weights, weighted by MACs: the front of both sums."""
    last = net.layers[-1]
    sums = [(0, 0.0)]
    for one in net.layers:
        channels = one.layer_types[0].out_channels
        tables = 7 * channels + 4 if one is last else 10 * channels + 8
        grown = sorted(
            (size + one.weights * bits // 8 + tables, loss + one.macs * 4.0**-bits)
            for size, loss in sums
            for bits in BITS
            if size + one.weights * bits // 8 + tables <= rom
        )
        sums, least = [], float("inf")
        for size, loss in grown:
            if loss < least:
                sums.append((size, loss))
                least = loss
    return min(loss for _, loss in sums)


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v1_0.75"])
@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
def test_weights_and_activations_apart(name: str, limits: Limits) -> None:
    """ROM limits weights alone and RAM activations alone: two dynamic programmes add up."""
    net = named_network(name)
    expected = chain_optimum(net, limits.ram) + weights_optimum(net, limits.rom)
    assert solve(haq_mcu_problem(net, "noise-macs", limits)).loss == pytest.approx(expected)


def test_a_case_in_the_figures_of_the_paper() -> None:
    """The rule's policy for MobileNetV1 224_1.0 compresses as Table 2 says: 9x and 5.1x."""
    result = run(CASES[0], "noise-macs", AUTHORS)
    assert result.rule is not None
    assert result.optimum is not None
    assert round(result.rule.weights) == result.case.weights == 9
    assert round(result.rule.activations, 1) == result.case.activations == 5.1
    assert result.rule.weights == pytest.approx(4_209_088 * 4 / 1_868_224)
    # 21 inputs of 28 in 8 bits beside the network's own, five in 4 and one in 2.
    assert result.rule.activations == pytest.approx((22 * 4 + 5 * 8 + 16) / 28)
    assert result.eight_bits == (1_204_224, "b0.pw")
    assert result.optimum.loss < result.rule.loss
    assert result.gap == pytest.approx(result.rule.loss / result.optimum.loss - 1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.network)
def test_every_network_fits_and_the_rule_is_no_better(case: Case) -> None:
    """The strict rules leave an assignment in all seven, within both limits."""
    result = run(case, "noise-params", LIMITS["decimal"])
    assert result.optimum is not None
    assert result.optimum.rom <= 2_000_000
    assert result.optimum.ram <= 512_000
    assert result.gap is not None
    assert result.gap >= 0
    assert result.remarks == ()


def test_bit_widths_that_the_paper_fixes() -> None:
    """Inputs of networks and of layers behind adders have 8 bits, all others three choices."""
    problem = haq_mcu_problem("mobilenet_v2", "noise-macs", AUTHORS)
    fixed = {
        name
        for i, name in enumerate(problem.layers)
        if {p.b_in for p in problem.candidates(i)} == {8}
    }
    assert len(fixed) == 16
    assert problem.candidates(1) == tuple(Precision(a, w) for a in BITS for w in BITS)


def test_relaxations_are_named() -> None:
    """Three tensors of 50 bytes at the adder fit into 149 only in place, or with fewer bits."""
    net = network(
        layer("a", "x", 1, 50),
        layer("b", "a", 50, 50),
        Node("add", "add", ("a", "b"), "add"),
        layer("c", "add", 50, 1),
    )
    assert solve(haq_mcu_problem(net, "noise-macs", Limits(10**6, 149))).status == "infeasible"
    assert relaxations(net, "noise-macs", Limits(10**6, 149)) == [
        "With the best order of execution (proven), there is no assignment.",
        "With adders in place, there is an assignment.",
        "With adders and products in place, there is an assignment.",
        "With adders of any width, there is an assignment.",
    ]


def test_the_command_prints_tables(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """All seven networks, the page and the picture; other limits beside the first."""
    pytest.importorskip("matplotlib")
    page, picture = tmp_path / "page.md", tmp_path / "picture.png"
    words = ["--limits", "authors", "binary", "--markdown", str(page), "--plot", str(picture)]
    assert bench.main(["haq_mcu", *words], standalone_mode=False) == 0
    printed = capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    for case in CASES:
        assert case.name in printed
        assert f"| {case.name} | noise-macs |" in text
    assert "9.01 / 9.0" in printed
    assert "| 2,045,812 / 1,984,884 | 401,408 / 401,408 | b0.dw / b0.dw |" in text
    assert f"`python -m bench.haq_mcu {' '.join(words)}`" in text
    assert "2,097,152, 524,288" in text
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_too_little_ram_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Input and first output of the largest networks need 251 kB; the smallest fits into 200 kB."""
    words = ["haq_mcu", "--ram", "200000", "--json"]
    assert bench.main(words, standalone_mode=False) == 3
    results = json.loads(capsys.readouterr().out)
    by_name = {result["case"]["network"]: result for result in results}
    refused = by_name["mobilenet_v1"]
    assert refused["optimum"] is None
    assert "constraint RAM of" in refused["remarks"][0]
    assert "need at least" in refused["remarks"][0]
    assert "With adders in place, there is no assignment." in refused["remarks"]
    assert "The memory-driven rule cannot fit" in refused["remarks"][-1]
    assert by_name["mobilenet_v2_160"]["optimum"] is not None


def test_the_comparison_of_the_paper_needs_a_narrow_tensor() -> None:
    """MNasNet-A1 224_0.35 has the paper's 1.7 million parameters; one input of 66 takes 4 bits."""
    net = named_network("mnasnet_a1_0.35")
    assert round(net.parameters / 1e6, 1) == 1.7
    result = run(CASES[-1], "noise-macs", AUTHORS)
    assert result.optimum is not None
    assert result.eight_bits[0] > AUTHORS.ram
    widths = sorted(b_in for b_in, _ in result.optimum.configuration.values())
    assert widths == [4] + [8] * 65
    assert result.optimum.weights == result.case.weights == 4


def test_what_the_rule_takes_by_hand() -> None:
    """Its policy for MobileNetV1 224_1.0: 1,868,224 bytes of weights, and tables per channel.

    All 28 layers but the last have 10 bytes per channel and 8, the last 7 and 4.
    """
    result = run(CASES[0], "noise-macs", AUTHORS)
    channels = [n.layer_types[0].out_channels for n in named_network("mobilenet_v1").layers]
    tables = sum(10 * c + 8 for c in channels[:-1]) + 7 * channels[-1] + 4
    assert result.rule is not None
    assert result.rule.rom == 1_868_224 + tables == 1_984_884
