"""Candidate precisions: bits, text, named formats, and contradictions between them."""

from __future__ import annotations

import pytest

from mpsolve import Precision
from tests.profiles.helpers import read, refusal


def test_precisions_may_be_written_as_text() -> None:
    """The column ``precision`` understands whatever Precision.parse does."""
    table = read("layer,precision,latency\na,8b/4b,1\na,w2a8,2\na,q4_k:4.5,3\n")
    assert table.precisions == (Precision(8, 4), Precision(8, 2), Precision(16, 4.5, "q4_k"))


def test_a_named_format_has_16_bit_inputs_unless_b_in_says_otherwise() -> None:
    """Weight-only formats leave the inputs in half precision."""
    table = read("layer,b_wt,precision_name,latency\na,4.5,q4_k,1\na,8.5,q8_0,2\n")
    assert table.precisions == (Precision(16, 4.5, "q4_k"), Precision(16, 8.5, "q8_0"))
    table = read("layer,b_in,b_wt,precision_name,latency\na,8,4.5,q4_k,1\na,8,8,,2\n")
    assert table.precisions == (Precision(8, 4.5, "q4_k"), Precision(8, 8))


def test_bits_and_text_may_say_the_same() -> None:
    """A convenience column beside the bits is fine as long as it agrees."""
    table = read("layer,b_in,b_wt,precision,latency\na,8,4,w4a8,1\na,16,4.5,q4_k:4.5,2\n")
    assert table.precisions == (Precision(8, 4), Precision(16, 4.5, "q4_k"))


def test_empty_columns_do_not_count() -> None:
    """Bits serve where the text column is empty, and text where the bits are."""
    assert read("layer,b_in,b_wt,precision,latency\na,8,4,,1\n").precisions == (Precision(8, 4),)
    assert read("layer,b_in,b_wt,precision,latency\na,,,8/4,1\n").precisions == (Precision(8, 4),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "layer,precision,latency\na,8/8,1\na,int4,2\n",
            "t.csv: line 3, column precision: 'int4' is not a precision: write 8b/4b "
            "(input/weight bits), w4a8, or name:bits for a named format such as q4_k:4.5.",
        ),
        (
            "layer,b_in,b_wt,precision,latency\na,8,8,8/8,1\na,8,2,8/4,2\n",
            "t.csv: line 3, column precision: '8/4' contradicts the columns of bits, "
            "which say 8b/2b; correct one of them.",
        ),
        (
            "layer,b_in,b_wt,latency\na,8,8,1\na,8,-4,2\n",
            "t.csv: line 3, column b_wt: -4 is negative; write a number of bits.",
        ),
        (
            "layer,b_in,b_wt,latency\na,8,8,1\na,,4,2\n",
            "t.csv: line 3, column b_in is empty; fill in a number.",
        ),
        (
            "layer,b_in,b_wt,latency\na,,8,1\na,,4,2\n",
            "t.csv: line 2, column b_in is empty; fill in a number.",
        ),
        (
            "layer,b_in,b_wt,latency\na,8,8,1\na,8,four,2\n",
            "t.csv: line 3, column b_wt: 'four' is not a number; write digits and a decimal "
            "point only, such as 12.5.",
        ),
        (
            "layer,b_wt,precision_name,latency\na,4.5,q4_k,1\na,8,,2\n",
            "t.csv: line 3, column precision_name is empty; name the format, "
            "or add the column b_in.",
        ),
    ],
)
def test_refusals(text: str, message: str) -> None:
    """A precision that cannot be known is refused at its cell."""
    assert refusal(text) == message
