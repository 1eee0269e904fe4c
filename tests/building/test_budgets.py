"""Budgets as people write them, worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.enumeration import brute_force
from bench.random_problems import random_problem
from mpsolve import Configuration, InputError, Precision, Problem, Restriction, Tie
from mpsolve.building.budgets import parse_budgets, resolve_budgets

HIGH, LOW = Precision(8, 8), Precision(4, 4)


def problem(costs: dict[str, Any], units: dict[str, str] | None = None, **more: Any) -> Problem:
    """Two layers with the candidates 8b/8b and 4b/4b."""
    return Problem.from_arrays(
        np.zeros((2, 2)),
        costs,
        layers=["a", "b"],
        precisions=[HIGH, LOW],
        units=units or {},
        **more,
    )


#: 8b/8b costs 100 + 60 = 160 cycles and 4b/4b 50 + 40 = 90; the least is 90.
CYCLES = problem({"latency": [[100, 50], [60, 40]]}, {"latency": "cycles"})
#: b is faster at 8b/8b, so the least is 50 + 30 = 80.
UPSIDE_DOWN = problem({"latency": [[100, 50], [30, 40]]})
SIZES = problem({"size": [[800, 400], [80, 40]]}, {"size": "bit"})
BYTES = problem({"size": [[100, 50], [10, 5]]}, {"size": "byte"})
TIMES = problem({"latency": [[1.5, 0.5], [0.25, 0.125]]}, {"latency": "ms (measured)"})


def resolved(of: Problem, text: str, reference: Any = None) -> int | float:
    """The limit that a text stands for, on the only cost of a problem."""
    (name,) = of.costs
    return resolve_budgets(of, {name: text}, reference)[name]


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("3200000", 3_200_000),
        ("3.2e6", 3_200_000),
        ("3.2E+6", 3_200_000),
        ("3.2M", 3_200_000),
        ("1.5k", 1500),
        ("2 K", 2000),
        ("0.5G", 500_000_000),
        (" 12 ", 12),
        ("+12", 12),
        (".5k", 500),
        ("12.", 12),
        ("12.9", 12),
        ("0", 0),
        ("-1", -1),
        ("-0.5", -1),
        ("9007199254740993", 2**53 + 1),
        ("1e400", 10**400),
        ("0.29e2", 29),  # in floats 0.29 * 100 is below 29
    ],
)
def test_absolute(text: str, limit: int) -> None:
    """Numbers with and without a multiple; on integer costs they are rounded down, exactly."""
    assert resolved(CYCLES, text) == limit
    assert type(resolved(CYCLES, text)) is int


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("2MB", 16_000_000),
        ("2MiB", 2 * 8 * 2**20),
        ("512KiB", 512 * 8 * 1024),
        ("1kB", 8000),
        ("1GB", 8 * 10**9),
        ("1TiB", 8 * 2**40),
        ("3B", 24),
        ("3 bytes", 24),
        ("1byte", 8),
        ("17bit", 17),
        ("17 bits", 17),
        ("16Mbit", 16_000_000),
        ("2Kibit", 2048),
        ("2M", 2_000_000),
        ("100", 100),
    ],
)
def test_sizes(text: str, bits: int) -> None:
    """Sizes in bytes and bits, on a cost counted in bits; a bare number counts bits."""
    assert resolved(SIZES, text) == bits


def test_sizes_on_bytes() -> None:
    """On a cost counted in bytes, 20 bits are two whole bytes."""
    assert resolved(BYTES, "2kB") == 2000
    assert resolved(BYTES, "20bit") == 2
    assert resolved(BYTES, "2k") == 2000


@pytest.mark.parametrize("text", ["16Mb", "16mb", "512Kib", "512b", "1kb"])
def test_ambiguous_sizes(text: str) -> None:
    """A small b is a bit to some and a byte to others: eight times as much is not guessed."""
    with pytest.raises(InputError, match=f"^The budget size={text} may mean bits or bytes; write"):
        resolved(SIZES, text)


def test_ambiguous_sizes_say_what_to_write() -> None:
    """Both readings are spelt out."""
    with pytest.raises(InputError, match="write 16MB for bytes or 16Mbit for bits"):
        resolved(SIZES, "16Mb")
    with pytest.raises(InputError, match="write 512KiB for bytes or 512Kibit for bits"):
        resolved(SIZES, "512Kib")


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1.5ms", 1.5),
        ("1500us", 1.5),
        ("1500\u00b5s", 1.5),
        ("1500\u03bcs", 1.5),
        ("0.002s", 2.0),
        ("250000 ns", 0.25),
        ("1.5", 1.5),
    ],
)
def test_times(text: str, milliseconds: float) -> None:
    """Times on a cost counted in milliseconds; the micro sign and the Greek letter are one."""
    assert resolved(TIMES, text) == milliseconds
    assert type(resolved(TIMES, text)) is float


@pytest.mark.parametrize(
    ("of", "text", "complaint"),
    [
        (CYCLES, "2MB", "has the unit MB, but latency is counted in cycles; write the number in"),
        (CYCLES, "1.5ms", "has the unit ms, but latency is counted in cycles"),
        (UPSIDE_DOWN, "1.5ms", "has the unit ms, but latency is counted in an unstated unit"),
        (TIMES, "1.5MB", "has the unit MB, but latency is counted in ms"),
        (TIMES, "5m", "has the unit m, but latency is counted in ms"),
        (SIZES, "5s", "has the unit s, but size is counted in bit"),
        (CYCLES, "50%x", "has the unit %x, but latency is counted in cycles"),
        (CYCLES, "1e", "has the unit e, but latency is counted in cycles"),
        (CYCLES, "3T", "has the unit T, but latency is counted in cycles"),
    ],
)
def test_units_that_do_not_fit(of: Problem, text: str, complaint: str) -> None:
    """The message quotes the budget and names the unit of the cost."""
    with pytest.raises(InputError) as caught:
        resolved(of, text)
    (name,) = of.costs
    assert str(caught.value).startswith(f"The budget {name}={text} {complaint}")


@pytest.mark.parametrize(
    "text",
    ["", "x", "%", "much", "1,000", "1_000", "0x10", "1e9999999999", "nan", "inf", "5 5", "<= 5"],
)
def test_texts_that_are_no_budget(text: str) -> None:
    """The message quotes the budget and shows every way to write one."""
    with pytest.raises(InputError) as caught:
        resolved(CYCLES, text)
    assert str(caught.value) == (
        f"The budget latency={text} is not understood: write a number with or without a unit "
        "(3.2e6, 2MB, 512KiB), 0.7x of the reference, or 50% of the achievable range."
    )


def test_text_beyond_floats() -> None:
    """On a float cost, a limit that no float can hold is refused."""
    with pytest.raises(InputError, match="latency=1e400 exceeds every float; leave it out"):
        resolved(TIMES, "1e400")


def test_an_unknown_cost() -> None:
    """The message lists the costs."""
    with pytest.raises(InputError, match="no cost rom to put a budget on; the costs are: latency"):
        resolve_budgets(CYCLES, {"rom": "0.7x"})
    with pytest.raises(InputError, match="no cost rom to put a budget on; the costs are: none"):
        resolve_budgets(problem({}), {"rom": "5"})


def test_numbers_pass_unchanged() -> None:
    """Only text is interpreted; numbers are checked by the problem."""
    assert resolve_budgets(CYCLES, {"latency": 7.5}) == {"latency": 7.5}


@pytest.mark.parametrize(
    ("text", "limit"),
    [("0.7x", 112), ("1x", 160), ("0.001x", 0), ("0x", 0), ("2X", 320), ("0.7 x", 112)],
)
def test_parts_of_the_reference(text: str, limit: int) -> None:
    """8b/8b costs 160 cycles, 0.7 of which are 112."""
    assert resolved(CYCLES, text) == limit


@pytest.mark.parametrize(
    ("text", "limit"), [("0%", 90), ("50%", 125), ("100%", 160), ("1%", 90), ("150%", 195)]
)
def test_parts_of_the_range(text: str, limit: int) -> None:
    """From the least 90 to 160 cycles of 8b/8b: 50% is 90 + 35, as HAWQ-V3 sets budgets."""
    assert resolved(CYCLES, text) == limit


def test_the_least_may_lie_above_low_precision() -> None:
    """The range begins at the cheapest assignment, not at 4b/4b: 80 + (130 - 80) / 2."""
    assert resolved(UPSIDE_DOWN, "0%") == 80
    assert resolved(UPSIDE_DOWN, "50%") == 105


@pytest.mark.parametrize("reference", ["4b/4b", {"a": LOW, "b": LOW}])
def test_another_reference(reference: Any) -> None:
    """4b/4b, as text or as a configuration, costs 90 cycles."""
    assert resolved(CYCLES, "2x", reference) == 180


def test_a_mixed_reference() -> None:
    """8b/8b in a and 4b/4b in b cost 140 cycles: half the range is 90 + 25."""
    reference = Configuration({"a": HIGH, "b": LOW})
    assert resolved(CYCLES, "1x", reference) == 140
    assert resolved(CYCLES, "50%", reference) == 115


def test_restrictions_and_ties_narrow_the_range() -> None:
    """Tied layers of UPSIDE_DOWN need 90 together, and a fixed 8b/8b in a needs 130."""
    tied = UPSIDE_DOWN.replace(ties=[Tie(("a", "b"))])
    assert resolved(tied, "0%") == 90
    fixed = UPSIDE_DOWN.replace(restrictions=[Restriction("a", "fixed", HIGH)])
    assert resolved(fixed, "0%") == 130


def test_nothing_achievable() -> None:
    """Without an assignment there is no range, and the message names the layer."""
    empty = CYCLES.replace(restrictions=[Restriction("b", "fixed", Precision(2, 2))])
    with pytest.raises(InputError) as caught:
        resolved(empty, "50%")
    assert str(caught.value) == (
        "The budget latency=50% is part of a range, but nothing is achievable: no candidate is "
        "left for b."
    )


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        ("16b/16b", "Layer a has no precision at or above 16b/16b; it can take 8b/8b, 4b/4b."),
        ({"a": HIGH}, "The configuration says nothing about layer b."),
        ({"a": HIGH, "b": Precision(2, 2)}, "Layer b has no candidate 2b/2b"),
        ("eight", "'eight' is not a precision"),
    ],
)
def test_references_that_do_not_fit(reference: Any, complaint: str) -> None:
    """The message quotes the budget, says what is wrong and asks for another reference."""
    with pytest.raises(InputError) as caught:
        resolved(CYCLES, "0.70x", reference)
    begin = "The budget latency=0.7x is relative to the reference configuration, which does not fit"
    assert str(caught.value).startswith(f"{begin}: {complaint}")
    assert str(caught.value).endswith("Name another reference.")


def test_relative_budgets_are_not_lost_to_rounding() -> None:
    """A tenth of 30 is 3, although 0.1 * 30 is a little more in floats, and 0.7x of 10 is 7."""
    of = problem({"latency": [[10, 1], [20, 2]]})
    assert resolved(of, "0.1x") == 3
    assert resolved(problem({"latency": [[5, 1], [5, 2]]}), "0.7x") == 7


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**32), st.integers(0, 100))
def test_budgets_inside_the_range_are_achievable(seed: int, percent: int) -> None:
    """From 0% to 100% of the range there is always an assignment, by complete enumeration."""
    rng = np.random.default_rng(seed)
    of = random_problem(rng, max_layers=4, relations=("precision", "b_in"), restrictions=True)
    of = of.replace(budgets={})
    if brute_force(of).least is None:
        return
    least = brute_force(of.replace(loss=of.costs["cost0"])).least
    choice = rng.integers(0, np.diff(of.offsets))
    reference = of.configuration(choice)
    highest = sum(of.costs["cost0"][of.flat(choice)].tolist())
    assert least is not None
    limited = of.with_budgets({"cost0": f"{percent}%"}, reference=reference)
    if highest >= least:
        assert brute_force(limited).least is not None
        slack = 1e-9 * (abs(least) + abs(highest))
        assert least - slack - 1 <= limited.budgets["cost0"] <= highest + slack


@given(st.lists(st.tuples(st.from_regex(r"[a-z_]+", fullmatch=True), st.just("0.7x")), unique=True))
@settings(deadline=None)
def test_parse_budgets(pairs: list[tuple[str, str]]) -> None:
    """COST=LIMIT texts become a map, with or without spaces."""
    texts = [f" {name} = {limit}" for name, limit in pairs]
    assert parse_budgets(texts) == dict(pairs)


@pytest.mark.parametrize("text", ["latency", "latency=", "=0.7x", "= ", ""])
def test_parse_budgets_refuses(text: str) -> None:
    """The message quotes the text and shows how to write it."""
    with pytest.raises(
        InputError, match=r"is not a budget: write COST=LIMIT, such as latency=0\.7x"
    ):
        parse_budgets([text])


def test_parse_budgets_twice() -> None:
    """Two limits on one cost contradict each other."""
    with pytest.raises(InputError, match="two budgets on latency; give one"):
        parse_budgets(("latency=0.7x", "latency=3M"))
