"""``mpsolve networks``: names, layers, files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import onnx
import pytest
from onnx import TensorProto, helper

from mpsolve.profiles.networks import named_networks, read_geometry
from tests.cli.test_completion import completions

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run

CONFIG = {
    "model_type": "mixtral",
    "hidden_size": 8,
    "intermediate_size": 12,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "vocab_size": 100,
    "num_local_experts": 4,
    "num_experts_per_tok": 1,
}


def lines(text: str) -> list[str]:
    """The lines with single spaces between their words."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_list(run: Run) -> None:
    """Every network is listed with its totals, its description and its publication."""
    result = run("networks")
    assert result.exit_code == 0
    assert "mobilenet_v2 53 31 10 300,774,272 3,470,760" in lines(result.stdout)
    for named in named_networks():
        assert named.description in result.stdout
        assert named.source in result.stdout


def test_list_as_json(run: Run) -> None:
    """One entry per network, in the same order."""
    listed = json.loads(run("networks", "--json").stdout)
    assert [entry["name"] for entry in listed] == [named.name for named in named_networks()]
    totals = next(entry["totals"] for entry in listed if entry["name"] == "ds_cnn")
    assert totals == {
        "layers": 10,
        "layer_types": 4,
        "adders": 0,
        "macs": 2_656_768,
        "weights": 22_016,
        "parameters": 22_604,
    }


def test_layers(run: Run) -> None:
    """A row per layer and per adder, and the totals; 1.0 and 224 go without saying."""
    result = run("networks", "mobilenet_v2_1.00_224")
    shown = lines(result.stdout)
    assert shown[0] == "mobilenet_v2: 53 layers of 31 types"
    assert "b0.dw dw-32-32-112x112-k3-p1 32 x 112 x 112 32 x 112 x 112 3,612,672 288" in shown
    assert "total 300,774,272 3,469,760" in shown
    assert "b2.add 24 x 56 x 56 b1.project, b2.project" in shown
    assert "parameters: 3,470,760, of which weights: 3,469,760" in result.stdout


def test_layers_as_json(run: Run) -> None:
    """Everything about the graph as plain data."""
    facts = json.loads(run("networks", "resnet8", "--json").stdout)
    assert (facts["inputs"], facts["outputs"]) == ({"input": [3, 32, 32]}, ["fc"])
    assert facts["layers"][0] == {
        "name": "conv0",
        "types": ["conv-3-16-32x32-k3-p1-b"],
        "nodes": ["conv0"],
        "macs": 442_368,
        "weights": 432,
        "biases": 16,
        "share": 1.0,
    }
    assert facts["nodes"][3] == {
        "name": "b0.add",
        "operator": "add",
        "inputs": ["conv0", "b0.conv1"],
        "output": "b0.add",
        "shape": [16, 32, 32],
        "layer": None,
    }


def test_output_can_be_read_again(run: Run, tmp_path: Path) -> None:
    """-o writes what NAME reads."""
    path = tmp_path / "mine.csv"
    first = run("networks", "resnet18_64", "-o", path)
    assert (first.exit_code, read_geometry(path).name) == (0, "mine")
    second = run("networks", path)
    assert lines(second.stdout)[2:] == lines(first.stdout)[2:]


def test_transformers(run: Run, tmp_path: Path) -> None:
    """Experts have their share of the tokens: one of four."""
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(CONFIG), encoding="utf-8")
    shown = lines(run("networks", path, "--tokens", 3).stdout)
    expert = "model.layers.0.mlp.experts.0.gate_proj linear-8-12-1x3 8 x 3 12 x 3 72 96 0.25"
    assert expert in shown


def test_shapes_of_onnx_files(run: Run, tmp_path: Path) -> None:
    """What the file leaves open is asked for and taken."""
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, "H", "W"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [helper.make_tensor("w", TensorProto.FLOAT, [4, 3, 3, 3], [0.0] * 108)],
    )
    path = tmp_path / "m.onnx"
    opset = [helper.make_opsetid("", 21)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    assert "the input x has the shape (N, 3, H, W)" in run("networks", path).stderr
    shown = run("networks", path, "--shape", "x=1x3x8x9").stdout
    assert "conv conv-3-4-8x9-k3 3 x 8 x 9 4 x 6 x 7 4,536 108" in lines(shown)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mobilnet_v2",), "Error: 'mobilnet_v2' is neither a network nor a file; try mobi"),
        (("net.csv",), "Error: net.csv: there is no such file."),
        (("resnet8", "--tokens", "3"), "Error: resnet8 takes no number of tokens; only config"),
        (("resnet8", "--shape", "x=1x3"), "Error: resnet8 takes no shapes of inputs; only ONNX"),
        (("m.onnx", "--shape", "3x4"), "Error: --shape 3x4 is not understood; write image=1x3x"),
        (("resnet8", "-o", "no/net.csv"), "Error: no/net.csv cannot be written: there is no dir"),
        (("--tokens", "3"), "Error: Without NAME, there is only --json."),
    ],
)
def test_errors(run: Run, arguments: tuple[str, ...], message: str) -> None:
    """One sentence on standard error, and nothing else."""
    result = run("networks", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1


def test_completion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NAME completes to networks and to files that can hold one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mobile.onnx").touch()
    (tmp_path / "mobile.txt").touch()
    assert completions("networks", "mob") == ["mobilenet_v1", "mobilenet_v2", "mobile.onnx"]
    assert completions("networks", "other") == ["other"]
