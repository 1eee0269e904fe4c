"""Configurations: maps from layer to precision, in the JSON of this library and its neighbours."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import Configuration, InputError, Precision
from mpsolve.model.configuration import precision_to_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TWO = Configuration({"conv1": Precision(8, 8), "fc": Precision(8, 4)})
PRECISIONS = st.builds(
    Precision,
    st.integers(0, 32),
    st.integers(0, 32) | st.sampled_from([4.5, 6.5625]),
    st.sampled_from(["", "q4_k"]),
)
#: Layers may have the names of the entries that other files wrap configurations in.
LAYERS = st.text(min_size=1) | st.sampled_from(["configuration", "layer_precs", "b_in"])
CONFIGURATIONS = st.dictionaries(LAYERS, PRECISIONS, min_size=1).map(Configuration)


def test_is_a_map() -> None:
    """A configuration reads like a dictionary and keeps the order of its layers."""
    assert list(TWO) == ["conv1", "fc"]
    assert len(TWO) == 2
    assert TWO["fc"] == Precision(8, 4)
    assert dict(TWO) == {"conv1": Precision(8, 8), "fc": Precision(8, 4)}
    assert repr(TWO) == "Configuration({'conv1': Precision('8b/8b'), 'fc': Precision('8b/4b')})"


def test_equality_is_that_of_maps() -> None:
    """Equal to any map with the same entries, in whatever order, with the same hash."""
    reordered = Configuration({"fc": Precision(8, 4), "conv1": Precision(8, 8)})
    assert reordered == TWO
    assert hash(reordered) == hash(TWO)
    assert dict(TWO) == TWO
    assert Configuration({"conv1": Precision(8, 8)}) != TWO
    assert TWO != "conv1"


def test_cannot_be_changed() -> None:
    """Neither through the map nor through the dictionary that it was made of."""
    entries = {"conv1": Precision(8, 8)}
    configuration = Configuration(entries)
    entries["conv1"] = Precision(2, 2)
    assert configuration["conv1"] == Precision(8, 8)
    with pytest.raises(TypeError):
        cast("Any", configuration.precisions)["conv1"] = Precision(2, 2)


def test_copies() -> None:
    """Configurations pickle and copy to equal ones."""
    assert pickle.loads(pickle.dumps(TWO)) == TWO
    assert copy.deepcopy(TWO) == TWO


@pytest.mark.parametrize(
    "value",
    [
        "8b/4b",
        "w4a8",
        [8, 4],
        (8.0, 4),
        (np.int64(8), np.float32(4)),
        {"b_in": 8, "b_wt": 4},
        {"b_in": 8, "b_wt": 4, "name": None},
        Precision(8, 4),
    ],
)
def test_ways_to_write_a_precision(value: object) -> None:
    """Text, a pair, a map or a `Precision`: all are 8b/4b."""
    written = cast("Mapping[str, Precision]", {"fc": value})
    assert Configuration(written) == {"fc": Precision(8, 4)}


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("eight", "'eight' is not a precision"),
        (8, "8 is not a precision"),
        (None, "None is not a precision"),
        ([8, 4, 2], "is not a precision"),
        ([8, True], "True is not a number of bits"),
        ([8, "4"], "'4' is not a number of bits"),
        ([8, -4], "b_wt must be a number of bits, at least 0, not -4"),
        ([8, float("nan")], "b_wt must be a number of bits, at least 0, not nan"),
        ({"b_in": 8}, "b_wt is missing"),
        ({"b_in": None, "b_wt": 8}, "None is not a number of bits"),
        (np.array([8, 4]), "is not a precision"),
    ],
)
def test_wrong_precisions(value: object, complaint: str) -> None:
    """The message names the layer and what is wrong with its precision."""
    with pytest.raises(InputError, match=r"^layer fc: ") as caught:
        Configuration(cast("Mapping[str, Precision]", {"conv1": "8b/8b", "fc": value}))
    assert complaint in str(caught.value)


def test_layers_are_named_by_text() -> None:
    """A number is not a layer."""
    with pytest.raises(InputError, match="layer 1: a layer is named by text"):
        Configuration(cast("Mapping[str, Precision]", {1: "8b/8b"}))


def test_homogeneous() -> None:
    """The same precision everywhere, given as text or as itself."""
    for precision in ("8b/4b", Precision(8, 4)):
        configuration = Configuration.homogeneous(["conv1", "fc"], precision)
        assert configuration == {"conv1": Precision(8, 4), "fc": Precision(8, 4)}


def test_to_json() -> None:
    """Plain data; only named formats have a name."""
    configuration = Configuration({"a": Precision(8, 4), "b": Precision(16, 4.5, "q4_k")})
    assert configuration.to_json() == {
        "a": {"b_in": 8, "b_wt": 4},
        "b": {"b_in": 16, "b_wt": 4.5, "name": "q4_k"},
    }
    assert precision_to_json(Precision(8, 4)) == {"b_in": 8, "b_wt": 4}


def test_to_quantlib() -> None:
    """The layer_precs map of quantlib holds pairs of input and weight bits."""
    assert TWO.to_quantlib() == {"layer_precs": {"conv1": [8, 8], "fc": [8, 4]}}


@settings(deadline=None)
@given(CONFIGURATIONS)
def test_json_round_trip(configuration: Configuration) -> None:
    """What is written as JSON text is read back, whatever the layers are called."""
    assert Configuration.from_json(json.loads(json.dumps(configuration.to_json()))) == configuration


@pytest.mark.parametrize(
    "data",
    [
        {"conv1": "8b/8b", "fc": "8b/4b"},
        {"conv1": [8, 8], "fc": [8, 4]},
        {"layer_precs": {"conv1": [8, 8], "fc": [8, 4]}},
        {"status": "optimal", "configuration": TWO.to_json(), "seconds": 0.1},
        {"configuration": {"layer_precs": {"conv1": [8, 8], "fc": [8, 4]}}},
    ],
)
def test_forms_of_json(data: object) -> None:
    """The forms of this library, of an answer, and of quantlib are understood."""
    assert Configuration.from_json(data) == TWO


@pytest.mark.parametrize("data", [None, [], {}, "8b/8b", 8, {"layer_precs": {}}])
def test_json_that_is_no_map(data: object) -> None:
    """Anything but a map with entries is refused with an example, and its source is named."""
    with pytest.raises(InputError, match=r'^net\.json: expected a map .* \{"conv1": \{"b_in": 8'):
        Configuration.from_json(data, "net.json")


def test_json_of_an_answer_without_configuration() -> None:
    """The answer to an infeasible problem holds none, and the message says so."""
    with pytest.raises(InputError, match=r"^a\.json: the answer holds no configuration"):
        Configuration.from_json({"status": "infeasible", "configuration": None}, "a.json")


def test_json_with_a_wrong_precision() -> None:
    """The message names the source and the layer."""
    with pytest.raises(InputError, match=r"^a\.json: layer fc: b_in is missing"):
        Configuration.from_json({"fc": {"b_wt": 4}}, "a.json")


@pytest.mark.parametrize("quantlib", [False, True])
def test_file_round_trip(tmp_path: Path, quantlib: bool) -> None:
    """Both forms are read back from their files, which hold one layer per line."""
    path = tmp_path / "net.json"
    TWO.write(path, quantlib=quantlib)
    assert Configuration.read(path) == TWO
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == (TWO.to_quantlib() if quantlib else TWO.to_json())
    assert [line.split(":")[0].strip() for line in text.splitlines()[1:3]] == ['"conv1"', '"fc"']


def test_file_with_byte_order_mark(tmp_path: Path) -> None:
    """Files that editors begin with a byte order mark are read like others."""
    path = tmp_path / "net.json"
    path.write_text('{"fc": "8b/4b"}', encoding="utf-8-sig")
    assert Configuration.read(path) == {"fc": Precision(8, 4)}


def test_unreadable_files(tmp_path: Path) -> None:
    """A missing file, one that is not text and one that is not JSON are named with the reason."""
    with pytest.raises(InputError, match=r"none\.json: cannot read the configuration: No such"):
        Configuration.read(tmp_path / "none.json")
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"binary\.json: cannot read .* not a text file"):
        Configuration.read(binary)
    broken = tmp_path / "broken.json"
    broken.write_text('{\n"fc": 8b/4b}', encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.json: line 2, column 8: not JSON"):
        Configuration.read(broken)
