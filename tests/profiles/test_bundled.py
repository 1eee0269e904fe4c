"""The tables that come with mpsolve, and how they are found."""

from __future__ import annotations

import csv
from dataclasses import FrozenInstanceError
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mpsolve.errors import InputError, TableError
from mpsolve.profiles import Provenance, bundled_table, bundled_tables, load_table
from tests.profiles.helpers import TIDY, assert_same, read

if TYPE_CHECKING:
    from mpsolve.profiles.bundled import BundledTable

STEMS = {
    f"{short}/pulp8-{platform}": f"{long}.pulp8-{platform}-model"
    for short, long in (
        ("mobilenet_v1_0.75", "mobilenet_v1_0.75_224"),
        ("mobilenet_v2", "mobilenet_v2_1.00_224"),
    )
    for platform in ("xpulpnnv1", "xpulpnnv2", "xpulpv2")
}
LAYERS = {"mobilenet_v1_0.75": 28, "mobilenet_v2": 53}
FOLDER = Path(str(resources.files("mpsolve.profiles"))) / "tables"


def rows_of(name: str) -> list[dict[str, str]]:
    """The rows of a bundled table as the csv module sees them."""
    with (FOLDER / f"{STEMS[name]}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_six_tables_are_bundled() -> None:
    """Two networks on three platforms; each file has a name and each name a file."""
    assert [table.name for table in bundled_tables()] == sorted(STEMS)
    assert sorted(file.stem for file in FOLDER.glob("*.csv")) == sorted(STEMS.values())


@pytest.mark.parametrize("bundled", bundled_tables(), ids=lambda table: table.name)
def test_descriptions_are_true(bundled: BundledTable) -> None:
    """Counts agree with an independent reading, and nothing claims to be measured."""
    rows = rows_of(bundled.name)
    assert bundled.layers == len({row["layer"] for row in rows}) == LAYERS[bundled.network]
    assert bundled.candidates == len(rows)
    assert {row["provenance"] for row in rows} == {"modelled"}
    assert bundled.provenance is Provenance.MODELLED
    assert bundled.name == f"{bundled.network}/{bundled.platform}"
    assert bundled.description.startswith("Modelled latencies of MobileNetV")
    assert "own analytic model of an 8-core PULP cluster" in bundled.source
    assert "no layer was measured" in bundled.source
    with pytest.raises(FrozenInstanceError):
        setattr(bundled, "layers", bundled.layers + 1)


@pytest.mark.parametrize(
    ("platform", "meaning"),
    [
        ("xpulpv2", "8-bit SIMD only"),
        ("xpulpnnv1", "equal width: mixed widths are unpacked in software"),
        ("xpulpnnv2", "unpacks mixed widths in hardware"),
    ],
)
def test_descriptions_explain_the_platform(platform: str, meaning: str) -> None:
    """What sets the three instruction sets apart is said in the description."""
    for bundled in bundled_tables():
        assert (meaning in bundled.description) == bundled.platform.endswith(platform)


@pytest.mark.parametrize("name", STEMS)
def test_bundled_tables_hold_the_numbers_of_their_files(name: str) -> None:
    """Every latency arrives at its layer and precision."""
    table = bundled_table(name)
    assert table.source == name
    assert table.units["latency"] == "model cycles"
    assert table.columns["latency"].dtype == "int64"
    read_back = {
        (table.layer_of(j), p.b_in, p.b_wt): table.columns["latency"][j]
        for j, p in enumerate(table.precisions)
    }
    assert read_back == {
        (row["layer"], int(row["b_in"]), int(row["b_wt"])): int(row["latency"])
        for row in rows_of(name)
    }


@pytest.mark.parametrize(
    "name",
    [
        "mobilenet_v2/pulp8-xpulpv2",
        "mobilenet_v2_1.00/pulp8-xpulpv2",
        "mobilenet_v2_1.0/pulp8-xpulpv2",
        "mobilenet_v2_224/pulp8-xpulpv2",
        "mobilenet_v2_1.00_224/pulp8-xpulpv2",
        "mobilenet_v2.pulp8-xpulpv2",
        "mobilenet_v2_1.00_224.pulp8-xpulpv2-model",
        "mobilenet_v2_1.00_224.pulp8-xpulpv2-model.csv",
        "MobileNet_v2/pulp8-XpulpV2",
    ],
)
def test_a_table_has_many_names(name: str) -> None:
    """What goes without saying may be said."""
    assert bundled_table(name).source == load_table(name).source == "mobilenet_v2/pulp8-xpulpv2"


def test_an_unknown_name_lists_similar_ones() -> None:
    """A slip of the pen is corrected; something else gets the whole list."""
    with pytest.raises(InputError) as caught:
        bundled_table("mobilenet_v2/pulp8-xpulp2")
    assert str(caught.value) == (
        "There is no bundled table 'mobilenet_v2/pulp8-xpulp2'; try mobilenet_v2/pulp8-xpulpv2, "
        "mobilenet_v2/pulp8-xpulpnnv2, mobilenet_v2/pulp8-xpulpnnv1."
    )
    with pytest.raises(InputError) as caught:
        bundled_table("?")
    assert str(caught.value) == f"There is no bundled table '?'; try {', '.join(sorted(STEMS))}."


def test_other_networks_are_unknown() -> None:
    """Another width or input size is another table."""
    for name in ("mobilenet_v1/pulp8-xpulpv2", "mobilenet_v2_192/pulp8-xpulpv2", "", "/", "."):
        with pytest.raises(InputError, match="no bundled table"):
            bundled_table(name)


def test_a_file_is_preferred_to_a_bundled_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own table may have the name of a bundled one."""
    monkeypatch.chdir(tmp_path)
    name = "mobilenet_v2/pulp8-xpulpv2"
    assert len(load_table(name).layers) == LAYERS["mobilenet_v2"]
    Path(name).parent.mkdir()
    Path(name).write_text(TIDY)
    assert_same(load_table(name), read(TIDY))
    assert load_table(name).source == name


def test_what_is_neither_file_nor_table_gets_one_sentence() -> None:
    """Both possibilities are mentioned."""
    with pytest.raises(InputError) as caught:
        load_table("mobilenet_v2/xpulpnnv1.csv")
    assert str(caught.value) == (
        "'mobilenet_v2/xpulpnnv1.csv' is neither a file nor a bundled table; check the path, or "
        "try one of the tables mobilenet_v2/pulp8-xpulpnnv1, mobilenet_v2/pulp8-xpulpnnv2, "
        "mobilenet_v2/pulp8-xpulpv2."
    )
    with pytest.raises(InputError, match="neither a file nor a bundled table"):
        load_table("x" * 5000)


def test_a_directory_is_no_table(tmp_path: Path) -> None:
    """It exists, so that no bundled table is suggested."""
    with pytest.raises(TableError, match="is a directory; name a table in it"):
        load_table(str(tmp_path))
