"""Damaged and foreign files: always a sentence that names the file, never a traceback."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpsolve import Precision, TableError
from mpsolve.profiles.importers import IMPORTERS, import_table
from tests.profiles.chain import chain, conv
from tests.profiles.importers.helpers import DATA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEYS = ("name", "cat", "ts", "dur", "args", "count", "medianMs", "latency", "layer_precs", "precs")
WORDS = ("Node", "Session", "model_run", "a_kernel_time", "Conv", "best_cfgs", "traceEvents")
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from((*KEYS, *WORDS)), inner, max_size=5)
    ),
    max_leaves=25,
)
relaxed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
NETWORK = chain(a=conv(3, 4, 8))


@contextmanager
def refused_by_name(path: Path) -> Iterator[None]:
    """Either nothing happens, or a refusal that names the file."""
    try:
        yield
    except TableError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize("form", ["tensorrt", "onnxruntime", "quantlib-json"])
@relaxed
@given(data=values)
def test_any_json(tmp_path: Path, form: str, data: Any) -> None:
    """Any JSON is a table or is refused with the name of the file."""
    path = tmp_path / "any.json"
    path.write_text(json.dumps(data))
    precisions = () if form == "quantlib-json" else (Precision(8, 8),)
    with refused_by_name(path):
        import_table(form, [path], precisions=precisions)


@pytest.mark.parametrize(
    ("form", "file"),
    [
        ("tensorrt", "tensorrt_int8.json"),
        ("onnxruntime", "onnxruntime_fp32.json"),
        ("quantlib-json", "quantlib_search_1.json"),
    ],
)
@relaxed
@given(data=st.data())
def test_truncated_json(tmp_path: Path, form: str, file: str, data: st.DataObject) -> None:
    """A file that breaks off is no JSON, wherever it does."""
    text = (DATA / file).read_text().rstrip()
    path = tmp_path / file
    path.write_text(text[: data.draw(st.integers(0, len(text) - 1))])
    precisions = () if form == "quantlib-json" else (Precision(8, 8),)
    with pytest.raises(TableError, match=file):
        import_table(form, [path], precisions=precisions)


def spreadsheet() -> bytes:
    """A sheet of one row."""
    page = io.BytesIO()
    pd.DataFrame([{"groups": 1, "latency": 5}]).to_excel(page)
    return page.getvalue()


def array() -> bytes:
    """An array of one layer."""
    page = io.BytesIO()
    np.save(page, np.ones((1, 8, 8), np.int64))
    return page.getvalue()


@pytest.mark.parametrize(("form", "whole"), [("quantlib-xlsx", spreadsheet()), ("haq", array())])
@relaxed
@given(data=st.data())
def test_damaged_bytes(tmp_path: Path, form: str, whole: bytes, data: st.DataObject) -> None:
    """Bytes that were changed or lost are refused, unless the table is still one."""
    position = data.draw(st.integers(0, len(whole) - 1))
    damage = data.draw(st.binary(max_size=3))
    path = tmp_path / f"damaged{IMPORTERS[form].suffixes[0]}"
    path.write_bytes(whole[:position] + damage + whole[position + 2 :])
    with refused_by_name(path):
        import_table(form, [path], network=NETWORK)
