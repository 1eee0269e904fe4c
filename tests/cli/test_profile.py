"""``mpsolve profile``: a table for a network on a target."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from mpsolve.profiles.bundled import bundled_table
from mpsolve.profiles.read import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run

TARGET = "pulp8-xpulpnnv1-model"


def test_the_bundled_table_can_be_made_again(run: Run, tmp_path: Path) -> None:
    """Its latencies are those of the model, rounded to whole cycles."""
    output = tmp_path / "table.csv"
    result = run("profile", "mobilenet_v2", "--target", TARGET, "-o", output)
    assert result.exit_code == 0
    made, bundled = read_table(output), bundled_table("mobilenet_v2/pulp8-xpulpnnv1")
    assert made.layers == bundled.layers
    latency = {
        (bundled.layer_of(i), p): bundled.columns["latency"][i]
        for i, p in enumerate(bundled.precisions)
    }
    for i, precision in enumerate(made.precisions):
        expected = latency[made.layer_of(i), precision]
        assert made.columns["latency"][i] == pytest.approx(expected, abs=0.5001)


def test_layers_beside_an_adder_keep_eight_input_bits(run: Run, tmp_path: Path) -> None:
    """b1.project's output is added to b2.project's, so b2.expand and b3.expand read 8 bits."""
    output = tmp_path / "table.csv"
    run("profile", "mobilenet_v2", "--target", TARGET, "-o", output)
    made = read_table(output)
    fixed = {
        layer
        for i, layer in enumerate(made.layers)
        if {p.b_in for p in made.precisions[made.offsets[i] : made.offsets[i + 1]]} == {8}
    }
    # Residual blocks (Sandler et al., table 2): the second to last of every stage of n > 1.
    assert fixed == {"conv0", *(f"b{i}.expand" for i in range(2, 17))}


def test_the_report_says_what_was_found(run: Run) -> None:
    """Layer types, candidates, free bits, and that latencies are modelled."""
    result = run("profile", "mobilenet_v1_0.75", "--target", TARGET)
    assert result.exit_code == 0
    assert "28 layers, 20 layer types, 246 candidates, modelled latencies" in result.stdout
    assert "13 of 28 layers rise" in result.stdout
    assert "was not written" in result.stderr


def test_json_has_one_row_per_candidate(run: Run) -> None:
    """The rows of the tidy form."""
    rows = json.loads(run("profile", "ds_cnn", "--target", "mpic", "--json").stdout)
    first = rows[0]
    assert (first["layer"], first["b_in"], first["provenance"]) == ("conv0", 8, "modelled")
    assert first["latency_unit"] == "model cycles"
    assert {row["layer"] for row in rows} == {"conv0", "fc"} | {
        f"b{i}.{kind}" for i in range(4) for kind in ("dw", "pw")
    }


def test_rules_can_be_relaxed(run: Run) -> None:
    """With a free network input the first layer of a chain has all nine precisions."""
    target = ("--target", "mpic", "--json")
    strict, free = (
        json.loads(run("profile", "ds_cnn", *target, *more).stdout)
        for more in ((), ("--input-bits", "free"))
    )
    assert [sum(row["layer"] == "conv0" for row in rows) for rows in (strict, free)] == [3, 9]


def test_layers_that_the_target_lacks(run: Run) -> None:
    """NE16 has no 5 x 5 kernel: one sentence names a layer; such layers may be left out."""
    result = run("profile", "mnasnet_a1", "--target", "ne16")
    assert result.exit_code == 2
    assert "ne16-model cannot run layer b3.dw of mnasnet_a1" in result.stderr
    assert run("profile", "mnasnet_a1", "--target", "ne16", "--leave-out", "-q").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mobilnet_v2", "--target", "mpic"), "try mobilenet_v2"),
        (("ds_cnn", "--target", "mpik"), "There is no target 'mpik'; try mpic-model"),
        (("ds_cnn", "--target", "mpic", "--adder-bits", "many"), "--adder-bits many"),
        (("ds_cnn", "--target", "mpic", "--rom", "flash"), "There is no scheme 'flash'"),
        (("ds_cnn", "--target", "mpic", "-o", "no/such/folder/t.csv"), "there is no directory"),
        (("ds_cnn",), "Missing option '--target'"),
    ],
)
def test_what_is_not_understood(run: Run, arguments: tuple[str, ...], message: str) -> None:
    """One sentence each."""
    result = run("profile", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_solve_compare_and_front_take_a_network(run: Run) -> None:
    """With --target the table is profiled, and RAM can be limited at once."""
    network = ("ds_cnn", "--target", "mpic", "--budget", "ram=10kB")
    solved = json.loads(run("solve", *network, "--budget", "latency=0.7x", "--json").stdout)
    assert solved["status"] == "optimal"
    assert solved["ram"]["peak"] <= 10_000
    assert run("compare", *network, "--budget", "latency=0.7x", "-q").exit_code == 0
    assert "ram (peak)" in run("front", *network).stdout


def test_a_network_needs_a_target(run: Run) -> None:
    """The sentence says what is missing; --network is for tables."""
    assert "say on which --target" in run("solve", "ds_cnn").stderr
    both = run("solve", "ds_cnn", "--target", "mpic", "--network", "ds_cnn")
    assert "leave out --network" in both.stderr


def test_the_sum_of_the_layers_is_checked_against_the_network(run: Run, tmp_path: Path) -> None:
    """Two small convolutions: float32, int8 and two mixtures, each with its ratio."""
    pytest.importorskip("onnxruntime")
    network = tmp_path / "small.csv"
    network.write_text(
        "index,name,kind,in_ch,out_ch,k,stride,in_h,in_w,out_h,out_w,groups,producers\n"
        "0,a,conv,3,8,3,1,6,6,6,6,1,input\n"
        "1,b,pw,8,8,1,1,6,6,6,6,1,0\n"
    )
    target = "cpu:passes=1,rounds=1,sample_us=0,weights_mib=0"
    result = run("profile", network, "--target", target, "--check", "--json")
    assert result.exit_code == 0
    made = json.loads(result.stdout)
    assert {row["provenance"] for row in made["table"]} == {"measured"}
    names = [entry["configuration"] for entry in made["additivity"]]
    assert names == ["float32", "int8", "random 1", "random 2"]
    for entry in made["additivity"]:
        total = entry["layers_us"] + entry["conversions_us"]
        if total:  # layers as small as these may take no longer than an empty call
            assert entry["ratio"] == pytest.approx(entry["measured_us"] / total)
    assert "measured / sum" in run("profile", network, "--target", target, "--check").stdout


def test_a_model_cannot_be_checked(run: Run) -> None:
    """A model computes layers alone."""
    result = run("profile", "ds_cnn", "--target", "mpic", "--check")
    assert result.exit_code == 2
    assert "computes layers alone" in result.stderr
