"""quantlib's spreadsheet of layer types and the results of its searches."""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from mpsolve.model.provenance import Provenance
from mpsolve.profiles.importers import import_table
from mpsolve.profiles.networks import LayerType, load_network
from tests.profiles.chain import chain, conv, depthwise, linear
from tests.profiles.importers.helpers import DATA, by_layer, refusal

if TYPE_CHECKING:
    from pathlib import Path

#: Two layers of one type among four.
NETWORK = chain(
    pilot=conv(3, 8, 16, stride=2),
    dw=depthwise(8, 8),
    pw=conv(8, 8, 8, 1),
    dw2=depthwise(8, 8),
    fc=linear(8, 10),
)


def identity(t: LayerType) -> dict[str, Any]:
    """What quantlib's LayerIdentifier holds of a layer."""
    return {
        "groups": t.groups,
        "DW": t.groups == t.in_channels == t.out_channels,
        "kernel_size": t.kernel[0],
        "chin": t.in_channels,
        "chout": t.out_channels,
        "input_size": t.in_size[0],
        "output_size": t.out_size[0],
        "padding": t.padding[0],
        "stride": t.stride[0],
    }


def latency(t: LayerType, b_in: int, b_wt: int) -> int:
    """A number that tells types and precisions apart."""
    return t.macs * 100 + 10 * b_in + b_wt


def sheet(types: tuple[LayerType, ...], *, padded: bool = True) -> pd.DataFrame:
    """What export_bench_spec writes, with the latencies filled in.

    Channels are rounded up so that inputs and weights fill whole bytes, as its spec_dict does.
    """
    rows = []
    for b_in, b_wt in product((2, 4, 8), repeat=2):
        for t in dict.fromkeys(types):
            row = identity(t) | {"IN_BITS": b_in, "OUT_BITS": 8, "W_BITS": b_wt}
            if padded:
                per_byte = (8 // b_in, 8 // b_wt)
                row["chin"] = max(int(np.ceil(t.in_channels / n)) * n for n in per_byte)
            rows.append(row | {"latency": latency(t, b_in, b_wt)})
    return pd.DataFrame(rows)


def saved(tmp_path: Path, frame: pd.DataFrame) -> Path:
    """The frame as quantlib saves it, with its index as a first column without a name."""
    path = tmp_path / "bench.xlsx"
    frame.to_excel(path)
    return path


@pytest.mark.parametrize("padded", [True, False])
def test_every_layer_has_its_type(tmp_path: Path, padded: bool) -> None:
    """Layers of one type share its rows, padded channels or not."""
    path = saved(tmp_path, sheet(NETWORK.layer_types, padded=padded))
    table = import_table("quantlib-xlsx", [path], network=NETWORK).table
    assert by_layer(table) == {
        layer.name: {
            f"{b_in}b/{b_wt}b": latency(layer.layer_types[0], b_in, b_wt)
            for b_in, b_wt in product((2, 4, 8), repeat=2)
        }
        for layer in NETWORK.layers
    }
    assert table.columns["latency"].dtype == np.int64
    assert table.provenance is Provenance.UNSTATED
    assert by_layer(table, "weight_bits_total")["pilot"]["8b/2b"] == 3 * 8 * 9 * 2


def test_a_published_network(tmp_path: Path) -> None:
    """All 28 layers of MobileNetV1 find the rows of their types, in whatever order they stand."""
    network = load_network("mobilenet_v1_0.75")
    frame = sheet(network.layer_types)
    path = saved(tmp_path, frame.sample(frac=1, random_state=0))
    table = import_table("quantlib-xlsx", [path], network=network).table
    found = by_layer(table)
    assert len(found) == 28
    for layer in network.layers:
        assert found[layer.name]["4b/2b"] == latency(layer.layer_types[0], 4, 2)


def test_several_sheets(tmp_path: Path) -> None:
    """Files add up, and what both have in common counts once."""
    frame = sheet(NETWORK.layer_types)
    first, second = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    frame.iloc[:20].to_excel(first)
    frame.iloc[15:].to_excel(second, index=False)
    table = import_table("quantlib-xlsx", [first, second], network=NETWORK).table
    assert len(table.precisions) == 9 * 5


def test_other_output_bits_are_not_read(tmp_path: Path) -> None:
    """Tables count 8-bit outputs."""
    frame = sheet(NETWORK.layer_types)
    other = frame.assign(OUT_BITS=4, latency=1)
    path = saved(tmp_path, pd.concat([other, frame]))
    table = import_table("quantlib-xlsx", [path], network=NETWORK).table
    assert table.columns["latency"].min() > 1


def test_few_precisions(tmp_path: Path) -> None:
    """A type may have fewer precisions than others."""
    frame = sheet(NETWORK.layer_types)
    path = saved(tmp_path, frame[(frame.input_size != 16) | (frame.IN_BITS == 8)])
    table = import_table("quantlib-xlsx", [path], network=NETWORK).table
    assert list(by_layer(table)["pilot"]) == ["8b/2b", "8b/4b", "8b/8b"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda f: f.drop(columns=["stride", "latency"]),
            ": sheet Sheet1 lacks the columns stride, latency; its first row has groups, DW, ",
        ),
        (lambda f: f[:0], ": sheet Sheet1 has column names but no rows."),
        (
            lambda f: f.assign(latency=None),
            ": sheet Sheet1, row 2, column latency: is empty; fill in a number.",
        ),
        (
            lambda f: f.assign(latency="fast"),
            ": sheet Sheet1, row 2, column latency: 'fast' is no latency; fill in a number.",
        ),
        (
            lambda f: f.assign(chin="(3,)"),
            ": sheet Sheet1, row 2, column chin: '(3,)' is not a whole number.",
        ),
        (
            lambda f: f.assign(W_BITS=None),
            ": sheet Sheet1, row 2, column W_BITS: is empty.",
        ),
        (
            lambda f: pd.concat([f, f.assign(latency=7)]),
            ": sheet Sheet1, row 38: the latency 7 contradicts 1382422 of the same layer type and "
            "precision at ",
        ),
        (
            lambda f: f[f.kernel_size == 3],
            ": no row has the layer type of pw, fc of chain; the first is pw-8-8-8x8.",
        ),
    ],
)
def test_refused_sheets(tmp_path: Path, change: Any, sentence: str) -> None:
    """Whatever is wrong is answered with the file, the sheet, the row and the column."""
    path = saved(tmp_path, change(sheet(NETWORK.layer_types)))
    assert refusal("quantlib-xlsx", path, network=NETWORK).startswith(f"{path}{sentence}")


def test_refused_networks(tmp_path: Path) -> None:
    """The sheets have square maps only."""
    path = saved(tmp_path, sheet(NETWORK.layer_types))
    network = chain(signal=LayerType("conv", 1, 4, (1, 9), (1, 9), (1, 3), padding=(0, 1)))
    assert "Layer signal of chain: quantlib's sheets have square kernels" in refusal(
        "quantlib-xlsx", path, network=network
    )


def test_refused_files(tmp_path: Path) -> None:
    """Something else that is called .xlsx, and nothing at all."""
    path = tmp_path / "bench.xlsx"
    path.write_text("groups,DW\n1,0\n")
    assert f"{path} is not a readable .xlsx spreadsheet: " in refusal(
        "quantlib-xlsx", path, network=NETWORK
    )
    path.write_text("")
    assert refusal("quantlib-xlsx", path, network=NETWORK) == f"{path} is empty."
    blank = tmp_path / "blank.xlsx"
    pd.DataFrame().to_excel(blank, index=False)
    said = refusal("quantlib-xlsx", blank, network=NETWORK)
    assert said.startswith(f"{blank}: sheet Sheet1 lacks the columns groups, DW")
    assert said.endswith("its first row has nothing.")


SEARCHES = (DATA / "quantlib_search_1.json", DATA / "quantlib_search_2.json")


def test_one_search() -> None:
    """The chosen, the fastest and the free precision of every layer, as far as they differ."""
    imported = import_table("quantlib-json", SEARCHES[:1])
    assert by_layer(imported.table) == {
        "pilot.conv": {"8b/8b": 5000},
        "body.0.conv": {"4b/4b": 2400, "8b/8b": 2100},
        "classifier": {"8b/8b": 900, "2b/2b": 800},
    }
    assert imported.notes[1:] == ("1 of 3 layers have a single precision.",)


def test_two_searches() -> None:
    """Several searches give more precisions; parallel training renames no layer."""
    table = import_table("quantlib-json", SEARCHES).table
    assert by_layer(table) == {
        "pilot.conv": {"8b/8b": 5000, "8b/2b": 5600},
        "body.0.conv": {"4b/4b": 2400, "8b/8b": 2100},
        "classifier": {"8b/8b": 900, "2b/2b": 800, "4b/2b": 850},
    }
    assert table.source == f"{SEARCHES[0]} and {SEARCHES[1]}"


def test_searches_with_a_network() -> None:
    """A network adds its columns, and must have the layers."""
    network = chain(
        pilot__conv=conv(3, 8, 8), body__0__conv=conv(8, 8, 8), classifier=linear(8, 10)
    )
    table = import_table("quantlib-json", SEARCHES, network=network).table
    assert by_layer(table, "weight_bits_total")["classifier"] == {
        "8b/8b": 640,
        "2b/2b": 160,
        "4b/2b": 160,
    }
    assert f"{SEARCHES[0]} and {SEARCHES[1]}: chain has no layer 'pilot.conv'." == refusal(
        "quantlib-json", *SEARCHES, network=NETWORK
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"latency": {}}, " has no 'latency' of each layer; a search on bit operations writes "),
        ({"layer_precs": None}, " has no 'layer_precs' of each layer"),
        ({"layer_precs": {"x": [8, 8]}}, ": latency: layer pilot.conv has the precision None, "),
        ({"latency": {"pilot.conv": "x"}}, ": latency: layer pilot.conv has the latency 'x', "),
        ({"best_cfgs": {"fc": 3}}, ": best_cfgs: layer fc is not an object."),
        (
            {"best_cfgs": {"fc": {"precs": [8], "latency": 3}}},
            ": best_cfgs: layer fc has the precision [8], which should be [b_in, b_wt].",
        ),
        (
            {"best_cfgs": {"pilot.conv": {"precs": [8, 2], "latency": 3}}},
            ": layer pilot.conv takes 3 at 8b/2b, but 5600 in ",
        ),
    ],
)
def test_refused_searches(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    """Whatever is wrong is answered with the file, the key and the layer."""
    path = tmp_path / "search.json"
    path.write_text(json.dumps(json.loads(SEARCHES[1].read_text()) | change))
    assert refusal("quantlib-json", path).startswith(f"{path}{sentence}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[]", " is not the result of a Free Bits search: it must be an object."),
        ("{", ": line 1, character 2 is not JSON: Expecting property name"),
        ("", " is empty."),
        ("[" * 100_000, " cannot be read as JSON: "),
    ],
)
def test_no_search(tmp_path: Path, text: str, sentence: str) -> None:
    """Other files are refused by name."""
    path = tmp_path / "search.json"
    path.write_text(text)
    assert refusal("quantlib-json", path).startswith(f"{path}{sentence}")
