"""Reading from paths, streams and standard input, and the published tables."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from mpsolve.errors import InputError, TableError
from mpsolve.profiles import Provenance, read_table
from tests.profiles.helpers import TIDY, assert_same, read

PUBLISHED = (
    "haq_mobilenetv2_cloud_b16",
    "hawq_resnet18",
    "hawq_resnet50",
    "limpq_resnet50",
    "mpic_mobilenetv1_10_224",
    "ne16_mobilenetv1_10_224",
)


def test_a_path_names_the_table(tmp_path: Path) -> None:
    """Messages call the table as its user did, or as its caller wants."""
    path = tmp_path / "table.csv"
    path.write_text(TIDY)
    assert read_table(path).source == read_table(str(path)).source == str(path)
    assert read_table(path, name="mine").source == "mine"


def test_streams_of_text_and_bytes_are_read(tmp_path: Path) -> None:
    """An open file is called by its name."""
    path = tmp_path / "table.csv"
    path.write_text(TIDY)
    with path.open() as text, path.open("rb") as data:
        assert_same(read_table(text), read(TIDY))
        table = read_table(data)
    assert_same(table, read(TIDY))
    assert table.source == str(path)
    assert read_table(io.StringIO(TIDY)).source == "input stream"


@pytest.mark.parametrize("stdin", [io.StringIO(TIDY), io.TextIOWrapper(io.BytesIO(TIDY.encode()))])
def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch, stdin: io.TextIOBase) -> None:
    """Standard input is read as UTF-8 whatever the terminal is set to."""
    monkeypatch.setattr("sys.stdin", stdin)
    table = read_table("-")
    assert_same(table, read(TIDY))
    assert table.source == "standard input"


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    """The path stands in front."""
    with pytest.raises(TableError) as caught:
        read_table(tmp_path / "no.csv")
    assert str(caught.value) == f"{tmp_path / 'no.csv'}: there is no such file."
    with pytest.raises(TableError) as caught:
        read_table(tmp_path)
    assert str(caught.value) == f"{tmp_path} is a directory; name a table in it."
    with pytest.raises(TableError, match="cannot be read"):
        read_table("a\0b.csv")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all files")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    """The reason is that of the operating system."""
    path = tmp_path / "table.csv"
    path.write_text(TIDY)
    path.chmod(0)
    with pytest.raises(TableError) as caught:
        read_table(path)
    assert str(caught.value) == f"{path} cannot be read: Permission denied."


def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the operating system says becomes one sentence."""

    def deny(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", deny)
    with pytest.raises(TableError) as caught:
        read_table(tmp_path / "t.csv")
    assert str(caught.value) == f"{tmp_path / 't.csv'} cannot be read: Permission denied."


def test_a_closed_stream_is_refused() -> None:
    """A stream that fails is named as well."""
    stream = io.StringIO(TIDY)
    stream.close()
    with pytest.raises(TableError, match=r"^input stream cannot be read: "):
        read_table(stream)


def test_other_sources_are_refused() -> None:
    """The message says what could be given."""
    with pytest.raises(InputError, match="from a path, '-', a stream or a data frame, not from 3"):
        read_table(cast("str", 3))


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_tables_are_read(shared_tables: Path, name: str) -> None:
    """Layers, candidates and sums agree with what the csv module sees."""
    path = shared_tables / f"{name}.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = read_table(path)
    assert table.layers == tuple(dict.fromkeys(row["layer"] for row in rows))
    assert len(table.precisions) == len(rows)
    for column, values in table.columns.items():
        assert sorted(values.tolist()) == sorted(float(row[column]) for row in rows)
    ties = {row["layer"]: row.get("tie_group", "") for row in rows}
    assert table.tie_groups == tuple(ties[layer] for layer in table.layers)


def test_published_provenance_is_told_by_the_units(shared_tables: Path) -> None:
    """Tables that were computed say so; the others do not state where they come from."""
    found = {name: read_table(shared_tables / f"{name}.csv").provenance for name in PUBLISHED}
    modelled = {name for name in PUBLISHED if name.startswith(("mpic", "ne16"))}
    assert {name for name in found if found[name] is Provenance.MODELLED} == modelled
    assert {found[name] for name in set(PUBLISHED) - modelled} == {Provenance.UNSTATED}


def test_a_table_of_something_else_is_refused(shared_tables: Path) -> None:
    """The missing columns are named."""
    with pytest.raises(TableError, match=r"the columns latency, b_in are missing"):
        read_table(shared_tables / "published_configs.csv")


def test_importing_the_package_stays_light() -> None:
    """Reading CSV needs neither pandas nor pyarrow."""
    code = "import mpsolve.profiles, sys; print({'pandas', 'pyarrow'} & set(sys.modules))"
    root = Path(__file__).parents[2]
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True
    )
    assert shown.stdout == "set()\n"
