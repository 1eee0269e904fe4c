"""File formats: equal tables from all of them, and files that are broken."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mpsolve.errors import MissingDependencyError, TableError
from mpsolve.profiles import from_pandas, read_table
from tests.profiles.helpers import TIDY, assert_same, read, refusal

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "layer,b_in,b_wt,latency\n"
ROW = {"layer": "a", "b_in": 8, "b_wt": 8, "latency": 1}
NO_ROWS = "it needs one row for each layer and candidate precision."


def refused(data: bytes | str, name: str = "t.json") -> str:
    """The sentence with which the contents of a stream are refused."""
    stream = io.BytesIO(data) if isinstance(data, bytes) else io.StringIO(data)
    with pytest.raises(TableError) as caught:
        read_table(stream, name=name)
    return str(caught.value)


def columns_of(frame: Any) -> dict[str, list[Any]]:
    """Columns of a data frame with None for missing values."""
    return {
        name: [None if missing else cell for cell, missing in zip(cells, cells.isna(), strict=True)]
        for name, cells in frame.astype(object).items()
    }


@pytest.mark.parametrize("suffix", ["json", "rows.json", "parquet", "pq", "dat", "parquet.dat"])
def test_all_formats_give_the_same_table(tmp_path: Path, suffix: str) -> None:
    """CSV, both forms of JSON, Parquet and data frames hold the same cells."""
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    expected, frame = read(TIDY), pandas.read_csv(io.StringIO(TIDY))
    path = tmp_path / f"table.{suffix}"
    columns = columns_of(frame)
    if "parquet" in suffix or suffix == "pq":
        frame.to_parquet(path)
    elif suffix == "json":
        path.write_text(json.dumps(columns))
    elif suffix == "rows.json":
        path.write_text(
            json.dumps(
                [dict(zip(columns, r, strict=True)) for r in zip(*columns.values(), strict=True)]
            )
        )
    else:
        path.write_text(TIDY)
    assert_same(read_table(path), expected)
    assert_same(read_table(frame), expected)
    assert_same(from_pandas(frame.convert_dtypes()), expected)


def test_an_empty_column_of_a_data_frame_is_left_out() -> None:
    """pandas reads an empty column as NaN."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([{**ROW, "latency": float("nan"), "bops": 64}])
    assert list(from_pandas(frame, name="limpq").columns) == ["bops"]


def test_a_missing_value_of_a_data_frame_is_an_empty_cell() -> None:
    """The place is a row of the frame."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([ROW, {**ROW, "b_wt": 4, "latency": None}])
    with pytest.raises(TableError, match=r"^data frame: row 2, column latency is empty; fill in"):
        from_pandas(frame)


def test_a_byte_order_mark_is_tolerated() -> None:
    """Spreadsheets write one before CSV, and some editors before JSON."""
    assert_same(read("\ufeff" + TIDY), read(TIDY))
    text = "\ufeff" + json.dumps([ROW])
    assert read_table(io.BytesIO(text.encode())).layers == ("a",)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_any_line_ending_is_read(end: str) -> None:
    """Windows and very old files are fine, and their lines are counted alike."""
    assert_same(read(TIDY.replace("\n", end)), read(TIDY))
    text = f"{HEADER}a,8,8,1\na,8,4,-1\n".replace("\n", end)
    assert refusal(text).startswith("t.csv: line 3, column latency: -1 is negative")


def test_blank_lines_count_as_lines_but_not_as_rows() -> None:
    """The line in a message is the one that an editor shows, also below a cell of two lines."""
    text = f'\n{HEADER}"a\nb",8,8,1\n\n,,,\na,8,4,x\n'
    assert refusal(text).startswith("t.csv: line 7, column latency: 'x' is not a number")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            "t.csv is empty; a table has the column names in its first line and one row for "
            "each layer and candidate precision.",
        ),
        (
            " \n\n",
            "t.csv is empty; a table has the column names in its first line and one row for "
            "each layer and candidate precision.",
        ),
        (
            "\ufeff",
            "t.csv is empty; a table has the column names in its first line and one row "
            "for each layer and candidate precision.",
        ),
        (HEADER, f"t.csv: the table has column names but no rows; {NO_ROWS}"),
        (
            f"{HEADER}a,8,8,1\na,8,4\n",
            "t.csv: line 3 has 3 cells, but the first line names 4 "
            "columns; give every row one cell per column.",
        ),
        (
            f"{HEADER}a,8,8,1,5\n",
            "t.csv: line 2 has 5 cells, but the first line names 4 "
            "columns; give every row one cell per column.",
        ),
        (
            "layer;b_in;b_wt;latency\na;8;8;1\n",
            "t.csv: line 1: the cells are separated by ';'; separate them by commas.",
        ),
        (
            "layer\tb_in\na\t8\n",
            "t.csv: line 1: the cells are separated by '\\t'; separate them by commas.",
        ),
        (
            f'{HEADER}a,8,8,1\n"a,8,4,1\na,8,2,1\n',
            "t.csv: line 3 is not CSV (unexpected end of data); check its quotation marks.",
        ),
    ],
)
def test_refusals_of_csv(text: str, message: str) -> None:
    """Broken CSV is refused at its line."""
    assert refusal(text) == message


def test_text_in_another_encoding_is_refused() -> None:
    """The line is named, since most lines are the same in any encoding."""
    assert refused(f"{HEADER}a,8,8,1\né,8,8,1\n".encode("latin-1"), "t.csv") == (
        "t.csv: line 3 is not UTF-8 text; a table is a CSV or JSON file saved as UTF-8, "
        "or a Parquet file with the suffix .parquet."
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            "[{]",
            "t.json: line 1, character 3 is not JSON: Expecting property name enclosed in "
            "double quotes.",
        ),
        ("[]", f"t.json: the table has no rows; {NO_ROWS}"),
        ("{}", f"t.json: the table has no rows; {NO_ROWS}"),
        ('{"layer": []}', f"t.json: the table has column names but no rows; {NO_ROWS}"),
        ("[3]", "t.json: row 1 is not an object of column names and cells."),
        (
            '{"layer": "a"}',
            "t.json: the column layer must be a list of cells; pandas writes a "
            "table that can be read with orient='records'.",
        ),
        (
            '{"layer": ["a"], "b_in": []}',
            "t.json: the column b_in has 0 cells, but layer has 1; "
            "give every column one cell per row.",
        ),
        (
            '{"layer": ["a"], "layer": ["b"]}',
            "t.json: the column layer occurs twice; name every column once.",
        ),
        ('[{"a": 1}, {"a": 1, "a": 2}]', "t.json: row 2 has the column a twice; keep one."),
        (
            '[{"a": 1, "b": 1}, {"a": 1}]',
            "t.json: row 2 lacks the column b, which row 1 has; give every row the same columns.",
        ),
        (
            '[{"a": 1}, {"a": 1, "b": 1}]',
            "t.json: row 2 has the column b, which row 1 lacks; give every row the same columns.",
        ),
        (
            json.dumps([ROW, {**ROW, "latency": float("nan"), "b_wt": 4}]),
            "t.json: row 2, column "
            "latency: nan is not a finite number; leave out the rows of precisions that a layer "
            "cannot take.",
        ),
        (
            json.dumps([ROW, {**ROW, "latency": True, "b_wt": 4}]),
            "t.json: row 2, column latency: "
            "'True' is not a number; write digits and a decimal point only, such as 12.5.",
        ),
        (
            json.dumps([ROW, {**ROW, "latency": None, "b_wt": 4}]),
            "t.json: row 2, column latency "
            "is empty; fill in a number, or leave the whole column empty.",
        ),
        (
            json.dumps([ROW, ROW]),
            "t.json: row 1 and row 2 both give layer a at 8b/8b; keep one of them.",
        ),
    ],
)
def test_refusals_of_json(data: str, message: str) -> None:
    """Broken JSON is refused at its row, or at its line where it has no rows yet."""
    assert refused(data) == message


@pytest.mark.parametrize("data", ["[" * 100_000, f'[{{"layer": {"1" * 5000}}}]'])
def test_absurd_json_is_refused(data: str) -> None:
    """What the parser gives up on is one sentence as well."""
    assert refused(data).startswith("t.json cannot be read as JSON: ")


def test_json_that_is_no_table_is_refused(tmp_path: Path) -> None:
    """A JSON file may hold anything."""
    path = tmp_path / "t.json"
    path.write_text("3")
    with pytest.raises(TableError, match=r"must be a list of row objects or an object of columns"):
        read_table(path)


def test_a_broken_parquet_file_is_refused() -> None:
    """Neither the reason nor the file is lost."""
    pytest.importorskip("pyarrow")
    assert refused(b"PAR1 and nothing else", "t.pq").startswith(
        "t.pq is not a readable Parquet file: "
    )


def test_without_pyarrow_parquet_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else works without it."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"Reading Parquet .*'mpsolve\[tables\]'"):
        read_table(io.BytesIO(b"PAR1"))
