"""Precisions: what is written is what is read, and HIGHER is the order of the papers."""

from __future__ import annotations

import copy
import pickle
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import InputError, Precision

BITS = st.integers(0, 64) | st.integers(1, 640).map(lambda tenths: tenths / 10)
NAMES = st.text(st.characters(exclude_characters=":/", exclude_categories=["Z", "C"]), min_size=1)


@pytest.mark.parametrize(
    ("text", "precision"),
    [
        ("8b/4b", Precision(8, 4)),
        ("8/4", Precision(8, 4)),
        ("8B/4b", Precision(8, 4)),
        (" 8b/4b ", Precision(8, 4)),
        ("w4a8", Precision(8, 4)),
        ("W4A8", Precision(8, 4)),
        ("a8w4", Precision(8, 4)),
        ("w2.5a16", Precision(16, 2.5)),
        ("q4_k:4.5", Precision(16, 4.5, "q4_k")),
        ("q4_k:8/4.5", Precision(8, 4.5, "q4_k")),
        ("#0:0/0", Precision(0, 0, "#0")),
    ],
)
def test_parse(text: str, precision: Precision) -> None:
    """Input bits come first in 8b/4b, and the letters say which is which in w4a8."""
    assert Precision.parse(text) == precision


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "8",
        "8b",
        "8b/",
        "8b/4b/2b",
        "8b 4b",
        "-8/4",
        "1e3/4",
        "nan/4",
        "w4",
        "a8w4b",
        "q4_k",
    ],
)
def test_parse_refuses(text: str) -> None:
    """A text that is no precision is quoted, with the three ways to write one."""
    with pytest.raises(InputError, match="is not a precision: write 8b/4b") as caught:
        Precision.parse(text)
    assert str(caught.value).startswith(repr(text))
    assert "w4a8" in str(caught.value)
    assert "name:bits" in str(caught.value)


@pytest.mark.parametrize("value", [None, 8, ["8b/4b"]])
def test_parse_refuses_other_types(value: object) -> None:
    """What is not text is refused like a wrong text."""
    with pytest.raises(InputError, match="is not a precision"):
        Precision.parse(cast("Any", value))


@settings(deadline=None)
@given(BITS, BITS)
def test_text_round_trip(b_in: float, b_wt: float) -> None:
    """A pair of bit-widths is read back from its text."""
    precision = Precision(b_in, b_wt)
    assert Precision.parse(str(precision)) == precision


@settings(deadline=None)
@given(BITS, BITS, NAMES)
def test_named_round_trip(b_in: float, b_wt: float, name: str) -> None:
    """A named format is read back from the text that its repr shows."""
    precision = Precision(b_in, b_wt, name)
    text = repr(precision).removeprefix("Precision(").removesuffix(")")
    assert text == repr(f"{name}:{precision.b_in}/{precision.b_wt}")
    assert Precision.parse(f"{name}:{precision.b_in}/{precision.b_wt}") == precision


def test_text() -> None:
    """Pairs print with their bits, named formats with their name."""
    assert str(Precision(8, 4)) == "8b/4b"
    assert str(Precision(8, 4.5)) == "8b/4.5b"
    assert str(Precision(16, 4.5, "q4_k")) == "q4_k"
    assert repr(Precision(8, 4)) == "Precision('8b/4b')"


def test_whole_bits_are_integers() -> None:
    """8.0, 8 and a NumPy 8 are one precision, which prints and hashes alike."""
    eight, four = cast("Any", np.int64(8)), cast("Any", np.float32(4))
    precisions = {Precision(8, 4), Precision(8.0, 4.0), Precision(eight, four)}
    assert precisions == {Precision(8, 4)}
    assert str(Precision(8.0, np.float64(4.0))) == "8b/4b"
    assert type(Precision(8.0, 4.0).b_in) is int


@pytest.mark.parametrize("bits", [-1, float("nan"), float("inf"), True, None, "8", 1j])
@pytest.mark.parametrize("field", ["b_in", "b_wt"])
def test_impossible_bits(field: str, bits: object) -> None:
    """Bits that are negative, not finite or not a number are refused, and the field is named."""
    values: dict[str, Any] = {"b_in": 8, "b_wt": 8, field: bits}
    with pytest.raises(InputError, match=f"^{field} must be a number of bits, at least 0, not"):
        Precision(**values)


@pytest.mark.parametrize(
    ("one", "other", "or_equal", "strictly"),
    [
        ("8b/8b", "8b/8b", True, False),
        ("8b/8b", "8b/4b", True, True),
        ("8b/4b", "8b/8b", False, False),
        ("8b/4b", "4b/8b", False, False),
        ("4b/8b", "8b/4b", False, False),
        ("q4_k:16/4.5", "8b/4b", True, True),
    ],
)
def test_higher(one: str, other: str, or_equal: bool, strictly: bool) -> None:
    """Higher means no fewer bits in both; strictly higher means more in one of them as well."""
    assert Precision.parse(one).is_higher_or_equal(Precision.parse(other)) is or_equal
    assert Precision.parse(one).is_higher(Precision.parse(other)) is strictly


@settings(deadline=None)
@given(*[st.builds(Precision, BITS, BITS)] * 3)
def test_higher_is_a_partial_order(a: Precision, b: Precision, c: Precision) -> None:
    """Reflexive, antisymmetric and transitive; the strict order is the rest of it."""
    assert a.is_higher_or_equal(a)
    assert not (a.is_higher_or_equal(b) and b.is_higher_or_equal(a)) or a == b
    assert a.is_higher_or_equal(c) or not (a.is_higher_or_equal(b) and b.is_higher_or_equal(c))
    assert a.is_higher(b) == (a.is_higher_or_equal(b) and a != b)


def test_sorting() -> None:
    """Sorted by input bits, then weight bits, then name."""
    texts = ["8b/2b", "q:8/2", "4b/8b", "4b/2b"]
    ordered = sorted(map(Precision.parse, texts))
    assert list(map(str, ordered)) == ["4b/2b", "4b/8b", "8b/2b", "q"]


def test_bits() -> None:
    """The sum of both bit-widths: 8 + 4.5."""
    assert Precision(8, 4.5).bits == 12.5


def test_copies() -> None:
    """Precisions are values: they pickle and copy to equal ones and cannot be changed."""
    precision = Precision(16, 4.5, "q4_k")
    assert pickle.loads(pickle.dumps(precision)) == precision
    assert copy.deepcopy(precision) == precision
    with pytest.raises(AttributeError):
        cast("Any", precision).b_in = 8
