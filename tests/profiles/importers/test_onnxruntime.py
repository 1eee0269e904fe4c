"""ONNX Runtime profiles: runs, warm-up, medians, and the real thing."""

from __future__ import annotations

import json
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mpsolve import Precision
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.importers import import_table
from tests.profiles.chain import chain, conv, depthwise, linear
from tests.profiles.importers.helpers import DATA, refusal

if TYPE_CHECKING:
    from pathlib import Path

#: Profiles of ONNX Runtime 1.31 with a warm-up and three inferences; times are set by hand.
FILES = (DATA / "onnxruntime_fp32.json", DATA / "onnxruntime_int8.json")
PRECISIONS = (Precision(32, 32), Precision(8, 8))
NETWORK = chain(conv1=conv(3, 8, 8), layer1__conv2=depthwise(8, 8), head=linear(8, 4))

#: Inferences after the warm-up: conv1 40, 44, 60 and 16, 14, 18; conv2 20, 22, 18 and
#: 24, 25, 29; head 10, 12, 11 and 5, 5, 8.
MEDIANS = ((44, 16), (20, 25), (11, 5))
DEVIATIONS = ((sqrt(112), 2), (2, sqrt(7)), (1, sqrt(3)))


@pytest.mark.parametrize("network", [NETWORK, None])
def test_medians(network: Any) -> None:
    """Median and standard deviation of all inferences but the first."""
    table = import_table("onnxruntime", FILES, network=network, precisions=PRECISIONS).table
    plain = ("conv1", "/layer1/conv2/Conv", "head")
    assert table.layers == (("conv1", "layer1.conv2", "head") if network else plain)
    assert table.precisions == PRECISIONS * 3
    assert table.columns["latency"].tolist() == [value for row in MEDIANS for value in row]
    assert table.deviations["latency"].tolist() == pytest.approx(
        [value for row in DEVIATIONS for value in row]
    )
    assert table.units["latency"] == "us"
    assert table.provenance is Provenance.MEASURED


def test_notes() -> None:
    """The number of inferences, the provider, and what is no layer."""
    notes = import_table("onnxruntime", FILES, precisions=PRECISIONS).notes
    assert notes == (
        f"{FILES[0]}: 3 inferences after the warm-up on CPUExecutionProvider.",
        f"{FILES[1]}: 3 inferences after the warm-up on CPUExecutionProvider.",
        f"{FILES[0]}: 2 of 5 rows have no weights; they take 5 of 80 us, which no layer "
        "contains: pool, flat.",
        f"{FILES[1]}: 4 of 7 rows have no weights; they take 9 of 55 us, which no layer "
        "contains: x_QuantizeLinear, pool, flat, y_DequantizeLinear.",
    )


def events(path: Path) -> list[dict[str, Any]]:
    """The events of a profile."""
    return list(json.loads(path.read_text()))


def written(tmp_path: Path, data: Any) -> Path:
    """A profile with other contents."""
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(data))
    return path


def test_two_inferences(tmp_path: Path) -> None:
    """A single inference after the warm-up has no standard deviation."""
    found = events(FILES[0])
    ends = [i for i, event in enumerate(found) if event["name"] == "model_run"]
    path = written(tmp_path, found[: ends[1] + 1])
    imported = import_table("onnxruntime", [path], precisions=PRECISIONS[:1])
    assert imported.table.columns["latency"].tolist() == [40, 20, 10]
    assert not imported.table.deviations
    assert "1 inference after the warm-up" in imported.notes[0]


def test_an_inference_that_did_not_finish(tmp_path: Path) -> None:
    """Events after the last finished inference do not count."""
    found = events(FILES[0])
    last = next(i for i in reversed(range(len(found))) if found[i]["name"] == "model_run")
    path = written(tmp_path, [e for i, e in enumerate(found) if i != last])
    table = import_table("onnxruntime", [path], precisions=PRECISIONS[:1]).table
    assert table.columns["latency"].tolist() == [42, 21, 11]


@pytest.mark.parametrize(
    ("shapes", "layer"),
    [
        ([[1, 5, 8], [1, 8, 5]], False),
        ([[1, 5, 8], [], [], [1, 12, 8, 5]], False),
        ([[1, 5, 8]], True),
        ([[1, 5, 8], [8, 8]], True),
        ([[1, 5, 8], [], [], [8, 8], [8]], True),
    ],
)
def test_products_of_activations_are_no_layers(
    tmp_path: Path, shapes: list[list[int]], layer: bool
) -> None:
    """A matrix product has weights if its second operand is a matrix, or packed and not listed.

    The shapes are those of an attention block in 32 bits and in quantised forms.
    """
    found = events(FILES[0])
    for event in found:
        if event["name"].startswith("pool"):
            event["args"]["op_name"] = "MatMul"
            event["args"]["input_type_shape"] = [{"float": shape} for shape in shapes]
    path = written(tmp_path, found)
    table = import_table("onnxruntime", [path], precisions=PRECISIONS[:1]).table
    assert ("pool" in table.layers) is layer


def test_the_chrome_form(tmp_path: Path) -> None:
    """Trace viewers keep the events in an object."""
    path = written(tmp_path, {"traceEvents": events(FILES[0])})
    table = import_table("onnxruntime", [path], precisions=PRECISIONS[:1]).table
    assert table.columns["latency"].tolist() == [44, 20, 11]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda e: 3, " is not an ONNX Runtime profile: it must be a list of events."),
        (lambda e: [3], " is not an ONNX Runtime profile: it must be a list of events."),
        (lambda e: e[:3], " holds no inferences; run the session at least twice"),
        (lambda e: e[:9], " holds 1 inference; run the session at least twice"),
        (
            lambda e: [x for x in e if x["cat"] == "Session"],
            " has no event of a convolution or a matrix product.",
        ),
        (lambda e: [*e, {"cat": "Node"}], ": event 31 has no name."),
        (
            lambda e: [*e, {"cat": "Node", "name": "x", "ts": 1, "dur": "2"}],
            ": event 31 (x): dur must be a number of microseconds, not '2'.",
        ),
        (
            lambda e: [*e, {"cat": "Node", "name": "x", "ts": 1, "dur": 2, "args": 3}],
            ": event 31 (x): args is not an object.",
        ),
        (
            lambda e: [x for x in e if not x["name"].startswith("head")],
            ": no row is named after layer head of chain. Give every node of the ONNX models",
        ),
    ],
)
def test_refusals(tmp_path: Path, change: Any, sentence: str) -> None:
    """Whatever is wrong is answered with the file and the event."""
    path = written(tmp_path, change(events(FILES[0])))
    said = refusal("onnxruntime", path, network=NETWORK, precisions="32b/32b")
    assert said.startswith(f"{path}{sentence}")


def test_a_real_profile(tmp_path: Path) -> None:
    """A session that is profiled now gives one layer per operator with weights."""
    onnx = pytest.importorskip("onnx")
    ort = pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(0)
    make, floats = onnx.helper, onnx.TensorProto.FLOAT
    weights = {"w1": (8, 3, 3, 3), "w2": (8, 1, 3, 3), "w3": (8, 4)}
    graph = make.make_graph(
        [
            make.make_node("Conv", ["x", "w1"], ["a"], name="conv1", pads=[1] * 4),
            make.make_node("Relu", ["a"], ["b"], name="relu"),
            make.make_node("Conv", ["b", "w2"], ["c"], name="/layer1/conv2/Conv", group=8),
            make.make_node("GlobalAveragePool", ["c"], ["d"], name="pool"),
            make.make_node("Flatten", ["d"], ["e"], name="flat"),
            make.make_node("MatMul", ["e", "w3"], ["y"], name="head"),
        ],
        "net",
        [make.make_tensor_value_info("x", floats, [1, 3, 8, 8])],
        [make.make_tensor_value_info("y", floats, [1, 4])],
        [
            onnx.numpy_helper.from_array(rng.standard_normal(shape, np.float32), name)
            for name, shape in weights.items()
        ],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=9)
    options = ort.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "profile")
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    for _ in range(4):
        session.run(None, {"x": np.ones((1, 3, 8, 8), np.float32)})
    path = session.end_profiling()
    imported = import_table("onnxruntime", [path], network=NETWORK, precisions=PRECISIONS[:1])
    assert imported.table.layers == ("conv1", "layer1.conv2", "head")
    assert imported.notes[0].endswith("3 inferences after the warm-up on CPUExecutionProvider.")
    assert len(imported.table.deviations["latency"]) == 3
