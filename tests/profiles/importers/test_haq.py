"""HAQ's arrays of latencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mpsolve import Precision, load_table
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.importers import import_table
from tests.profiles.chain import chain, conv, linear
from tests.profiles.importers.helpers import by_layer, refusal

if TYPE_CHECKING:
    from pathlib import Path

NETWORK = chain(stem=conv(3, 4, 8), head=linear(4, 10))


def saved(tmp_path: Path, array: Any) -> Path:
    """The array in a file."""
    path = tmp_path / "table.npy"
    np.save(path, array)
    return path


def test_index(tmp_path: Path) -> None:
    """The array is indexed by layer, weight bits - 1 and input bits - 1."""
    array = np.zeros((2, 8, 8), np.int64)
    array[1, 3, 7] = 42
    table = import_table("haq", [saved(tmp_path, array)]).table
    assert table.layers == ("layer0", "layer1")
    assert by_layer(table)["layer1"]["8b/4b"] == 42
    assert table.columns["latency"].sum() == 42
    assert table.columns["latency"].dtype == np.int64
    assert table.provenance is Provenance.SIMULATED


def test_with_a_network(tmp_path: Path) -> None:
    """A network names the layers in its order and adds its columns."""
    array = np.arange(128.0).reshape(2, 8, 8) / 4
    table = import_table("haq", [saved(tmp_path, array)], network=NETWORK).table
    assert by_layer(table)["head"]["2b/1b"] == array[1, 0, 1]
    assert by_layer(table, "weight_bits_total")["head"]["2b/3b"] == 4 * 10 * 3
    assert by_layer(table, "macs")["stem"]["1b/1b"] == 3 * 4 * 9 * 64


def test_published_table(shared_tables: Path, tmp_path: Path) -> None:
    """HAQ's own table of MobileNetV2, made an array again, gives back every number."""
    published = load_table(str(shared_tables / "haq_mobilenetv2_cloud_b16.csv"))
    array = np.zeros((53, 8, 8), np.int64)
    layer = np.repeat(np.arange(53), np.diff(published.offsets))
    bits = np.array([(p.b_wt, p.b_in) for p in published.precisions], np.int64) - 1
    array[layer, bits[:, 0], bits[:, 1]] = published.columns["latency"]
    table = import_table("haq", [saved(tmp_path, array)]).table
    for i in range(53):
        own, theirs = (
            dict(
                zip(
                    t.precisions[t.offsets[i] : t.offsets[i + 1]],
                    t.columns["latency"][t.offsets[i] : t.offsets[i + 1]],
                    strict=True,
                )
            )
            for t in (table, published)
        )
        assert own == theirs
    assert array[0, 0, 0] == 200_720  # the first row of the published table
    assert table.precisions[0] == Precision(1, 1)


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.zeros((53, 8)), " has the shape (53, 8); HAQ's tables have (layers, 8, 8): layer, "),
        (np.zeros((53, 8, 4)), " has the shape (53, 8, 4); "),
        (np.zeros((0, 8, 8)), " has the shape (0, 8, 8); "),
        (np.zeros((2, 8, 8), bool), " holds bool, not numbers."),
        (np.zeros((3, 8, 8)), " has 3 layers, and chain has 2; HAQ's tables name no layers"),
        (np.full((2, 8, 8), np.nan), ": column latency of layer stem at 1b/1b is not a finite "),
        (np.full((2, 8, 8), -1), ": column latency of layer stem at 1b/1b is negative: -1."),
    ],
)
def test_refused_arrays(tmp_path: Path, array: Any, sentence: str) -> None:
    """Whatever is wrong is answered with the file."""
    path = saved(tmp_path, array)
    assert refusal("haq", path, network=NETWORK).startswith(f"{path}{sentence}")


def test_refused_files(tmp_path: Path) -> None:
    """Other files, several arrays, directories and nothing."""
    path = tmp_path / "table.npy"
    assert refusal("haq", path) == f"{path}: there is no such file."
    assert refusal("haq", tmp_path) == f"{tmp_path} is a directory; name a file in it."
    path.write_text("1,2")
    assert refusal("haq", path).startswith(f"{path} is not a NumPy array of numbers: ")
    np.save(path, np.array([{}], object), allow_pickle=True)
    assert refusal("haq", path).startswith(f"{path} is not a NumPy array of numbers: ")
    several = tmp_path / "table.npz"
    np.savez(several, a=np.zeros(3))
    assert refusal("haq", several) == f"{several} holds several arrays; give the .npy file of one."
