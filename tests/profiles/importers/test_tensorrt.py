"""TensorRT profiles: fused names, conversions, and layers that run together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpsolve import InputError, Precision, Problem
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.importers import import_table
from mpsolve.profiles.importers.matching import Matcher
from mpsolve.profiles.importers.per_precision import Profile, Row, combine
from tests.profiles.chain import chain, conv, linear
from tests.profiles.importers.helpers import DATA, by_layer, refusal

if TYPE_CHECKING:
    from pathlib import Path

FILES = (DATA / "tensorrt_fp16.json", DATA / "tensorrt_int8.json")
PRECISIONS = (Precision(16, 16), Precision(8, 8))
NETWORK = chain(
    conv1=conv(3, 8, 16),
    layer1__0__conv1=conv(8, 8, 16),
    layer1__0__downsample=conv(8, 8, 16, 1),
    fc=linear(8, 10),
)


def test_with_a_network() -> None:
    """Layers are found in fused names; those that one row computes are counted once and tied."""
    imported = import_table("tensorrt", FILES, network=NETWORK, precisions=PRECISIONS)
    table, notes = imported.table, imported.notes
    assert by_layer(table) == {
        "conv1": {"16b/16b": 0.0205, "8b/8b": 0.0122},
        "layer1.0.conv1": {"16b/16b": 0.031, "8b/8b": 0.021},
        "layer1.0.downsample": {"16b/16b": 0.012, "8b/8b": 0.0},
        "fc": {"16b/16b": 0.0085, "8b/8b": 0.006},
    }
    assert table.tie_groups == ("", "fused0", "fused0", "")
    assert table.units["latency"] == "ms"
    assert table.provenance is Provenance.MEASURED
    assert not table.deviations
    assert notes == (
        f"{FILES[0]}: 1 of 6 rows belong to no layer; they take 0.004 of 0.0823 ms, which no "
        "layer contains: /avgpool/GlobalAveragePool.",
        f"{FILES[0]}: 1 of 6 rows convert formats; they take 0.0063 of 0.0823 ms, which no layer "
        "contains: Reformatting CopyNode for Input Tensor 0 to /conv1/Conv + /relu/Relu.",
        f"{FILES[1]}: 1 of 6 rows belong to no layer; they take 0.004 of 0.0519 ms, which no "
        "layer contains: /avgpool/GlobalAveragePool.",
        f"{FILES[1]}: 2 of 6 rows convert formats; they take 0.0087 of 0.0519 ms, which no layer "
        "contains: Reformatting CopyNode for Input Tensor 0 to /conv1/Conv + /relu/Relu, "
        "Reformatting CopyNode for Input Tensor 0 to fc.weight + QuantizeLinear_9 + /fc/Gemm.",
    )


def test_columns_of_the_network() -> None:
    """Weights and MACs come from the network: 3 * 8 * 9 weights, on 16 x 16 pixels."""
    table = import_table("tensorrt", FILES, network=NETWORK, precisions=PRECISIONS).table
    assert by_layer(table, "weight_bits_total")["conv1"] == {"16b/16b": 3456, "8b/8b": 1728}
    assert by_layer(table, "macs")["conv1"] == {"16b/16b": 55_296, "8b/8b": 55_296}
    assert table.layer_types[0] == "conv-3-8-16x16-k3-p1"
    assert len(Problem.from_table(table).ties) == 1


def test_without_a_network() -> None:
    """The names that occur in every file are layers, and the rest is told."""
    imported = import_table("tensorrt", FILES, precisions=PRECISIONS)
    assert by_layer(imported.table) == {
        "/conv1/Conv + /relu/Relu": {"16b/16b": 0.0205, "8b/8b": 0.0122},
        "/avgpool/GlobalAveragePool": {"16b/16b": 0.004, "8b/8b": 0.004},
    }
    assert imported.notes[0] == (
        f"{FILES[0]}: 3 of 6 rows belong to no layer; they take 0.0515 of 0.0823 ms, which no "
        "layer contains: /layer1/layer1.0/conv1/Conv + /layer1/layer1.0/relu/Relu, "
        "/layer1/layer1.0/downsample/Conv, /fc/Gemm."
    )


def test_older_files(tmp_path: Path) -> None:
    """Before medians there were means, and a file need not count its runs."""
    path = tmp_path / "old.json"
    path.write_text('[{"name": "a", "timeMs": 9, "averageMs": 3, "percentage": 100}]')
    table = import_table("tensorrt", [path], precisions=PRECISIONS[:1]).table
    assert by_layer(table) == {"a": {"16b/16b": 3}}


def broken(tmp_path: Path, change: Any) -> Path:
    """The 8-bit profile with a change."""
    data = json.loads(FILES[1].read_text())
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(change(data)))
    return path


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: {"layers": d}, " is not a TensorRT profile: it must be a list of one object"),
        (lambda d: [], " is not a TensorRT profile"),
        (lambda d: d[:1], " has no layers."),
        (lambda d: [*d, {"timeMs": 3}], ": layer 7 has no name."),
        (lambda d: [*d, 3], ": layer 7 has no name."),
        (lambda d: [*d, {"name": "x"}], ": layer 7 (x): medianMs or averageMs must be a number"),
        (lambda d: [*d, {"name": "x", "medianMs": -1}], "milliseconds, not -1."),
        (lambda d: d[:-1], ": no row is named after layer fc of chain. Give every node"),
        (
            lambda d: [*d, {"name": "fc_1", "medianMs": 1}],
            ": 'fc.weight + QuantizeLinear_9 + /fc/Gemm' and 'fc_1' can both be the layer fc of ",
        ),
    ],
)
def test_refusals(tmp_path: Path, change: Any, sentence: str) -> None:
    """Whatever is wrong is answered with the file and the layer."""
    path = broken(tmp_path, change)
    said = refusal("tensorrt", path, network=NETWORK, precisions="8b/8b")
    assert said.startswith(str(path))
    assert sentence in said


def test_nothing_in_common(tmp_path: Path) -> None:
    """Without a network, profiles that share no name say what to do."""
    path = broken(tmp_path, lambda d: [{"name": "x", "medianMs": 1}])
    assert refusal("tensorrt", FILES[0], path, precisions="16b/16b 8b/8b") == (
        f"No name occurs in all of {FILES[0]} and {path}. Give every node of the ONNX model a name "
        "and profile with --profilingVerbosity=detailed."
    )


def test_one_precision_twice() -> None:
    """Two profiles of one precision contradict each other."""
    assert refusal("tensorrt", *FILES, precisions="8b/8b 8b/8b") == (
        f"{FILES[0]} and {FILES[1]} are both said to hold 8b/8b; give one profile for each "
        "precision."
    )


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("conv1", ["conv1"]),
        ("/conv1/Conv", ["conv1"]),
        ("conv10", []),
        ("myconv1", []),
        ("b.0.conv1 + relu", ["b.0.conv1"]),
        ("/b/b.0/conv1/Conv_quant", ["b.0.conv1"]),
        ("conv1 || b.0.conv1", ["conv1", "b.0.conv1"]),
        ("PWN(Sigmoid_3)", []),
        ("", []),
    ],
)
def test_names(name: str, layers: list[str]) -> None:
    """A layer is found between characters that are no letters or digits; the longest counts."""
    matcher = Matcher(chain(conv1=conv(3, 4, 8), b__0__conv1=conv(4, 4, 8)))
    assert list(matcher.layers(name)) == layers


def test_names_that_cannot_be_told_apart() -> None:
    """``a.b`` and ``a_b`` look the same in a profile."""
    network = chain(a__b=conv(3, 4, 8), a_b=conv(4, 4, 8))
    with pytest.raises(InputError, match=r"chain: the layers a.b and a_b cannot be told apart"):
        Matcher(network)


def test_chained_fusions_are_one_tie() -> None:
    """a || b in one precision and b || c in another tie all three, as each pair is one kernel."""
    network = chain(a=conv(1, 1, 4), b=conv(1, 1, 4), c=conv(1, 1, 4), d=conv(1, 1, 4))

    def profile(bits: int, **rows: float) -> Profile:
        named = (Row(k.replace("_", " || "), np.array([v])) for k, v in rows.items())
        return Profile(f"{bits}.json", Precision(bits, bits), tuple(named))

    profiles = [profile(8, a_b=5, c=2, d=1), profile(4, a=1, b_c=4, d=3)]
    table = combine(profiles, "p", Provenance.MEASURED, "us", network, "").table
    assert len(set(table.tie_groups[:3])) == 1
    assert table.tie_groups[0] != table.tie_groups[3] == ""
    assert by_layer(table) == {
        "a": {"8b/8b": 5, "4b/4b": 1},
        "b": {"8b/8b": 0, "4b/4b": 4},
        "c": {"8b/8b": 2, "4b/4b": 0},
        "d": {"8b/8b": 1, "4b/4b": 3},
    }


segment = st.text("abc019", min_size=1, max_size=4)


@given(
    names=st.lists(st.lists(segment, min_size=1, max_size=3), min_size=1, max_size=6),
    data=st.data(),
)
def test_decorated_names(names: list[list[str]], data: st.DataObject) -> None:
    """Whatever the other layers are called, a layer is found again in its decorated name."""
    unique = dict.fromkeys(map(tuple, names))
    network = chain(**{"__".join(parts): conv(1, 1, 4) for parts in unique})
    parts = data.draw(st.sampled_from(list(unique)))
    decorated = f"/{'/'.join(parts)}/Zz + /Zz"
    assert Matcher(network).layers(decorated) == (".".join(parts),)
