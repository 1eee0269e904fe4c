"""Numbers as int64 with a power-of-two scale."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve.model.evaluation import keeps
from mpsolve.presolve.fixed_point import FixedPoint, fixed_capacity, fixed_point

OFFSETS = np.array([0, 2, 4])
FINITE = st.floats(-1e30, 1e30, allow_nan=False, allow_subnormal=False)
NORMAL = FINITE.filter(lambda x: x == 0 or abs(x) > 1e-200)  # so that scaled ones are normal too


def test_integers_keep_their_differences_and_lose_common_powers_of_two() -> None:
    """12, 8, 40, 20 share the factor 4, and nothing is rounded."""
    scaled = fixed_point(np.array([12, 8, 40, 20]), OFFSETS)
    assert scaled.integers.tolist() == [3, 2, 10, 5]
    assert scaled.exact
    assert scaled.original(10) == 40


def test_dyadic_floats_are_exact() -> None:
    """0.5, 0.25, 1.5 and 3 are 2, 1, 6 and 12 quarters."""
    scaled = fixed_point(np.array([0.5, 0.25, 1.5, 3.0]), OFFSETS)
    assert scaled.integers.tolist() == [2, 1, 6, 12]
    assert scaled.exact


def test_large_integers_are_no_floats() -> None:
    """Neighbours beyond 2^53 stay apart."""
    values = np.array([2**57 + 1, 2**57, 3, 5])
    assert fixed_point(values, OFFSETS).integers.tolist() == values.tolist()


def test_the_scale_is_as_fine_as_the_sums_allow() -> None:
    """Beside 1, which takes two of 60 bits, 2^-58 is exact, and 2^-60 is rounded to nothing."""
    one = np.array([0, 2])
    fine = fixed_point(np.array([1.0, 2.0**-58]), one)
    assert (fine.integers.tolist(), fine.exact) == ([2**58, 1], True)
    coarse = fixed_point(np.array([1.0, 2.0**-60]), one)
    assert (coarse.original(int(coarse.integers[0])), coarse.integers[1]) == (1.0, 0)
    assert not coarse.exact


def test_all_groups_count() -> None:
    """Sixteen times 1.9 fit beside a number that would need a scale of 2^57 to be seen."""
    values = np.array([1.9] * 16 + [2.0**-57])
    assert sum(fixed_point(values, np.arange(18)).integers.tolist()) < 2**60


@given(st.lists(NORMAL, min_size=4, max_size=4), st.integers(-60, 60))
def test_a_power_of_two_changes_nothing_but_the_exponent(values: list[float], k: int) -> None:
    """Multiplying all numbers by 2^k gives the same integers."""
    plain = fixed_point(np.array(values), OFFSETS)
    shifted = fixed_point(np.ldexp(np.array(values), k), OFFSETS)
    assert (plain.integers == shifted.integers).all()
    assert plain.exponent - shifted.exponent == k or not plain.integers.any()


@given(st.lists(FINITE, min_size=4, max_size=4), st.booleans())
def test_rounding_is_less_than_one_unit_and_sums_fit(values: list[float], up: bool) -> None:
    """Every integer lies within a unit of its number, above it if rounded up."""
    scaled = fixed_point(np.array(values), OFFSETS, round_up=up)
    for value, integer in zip(values, scaled.integers.tolist(), strict=True):
        error = integer - Fraction(value) * Fraction(2) ** scaled.exponent
        assert 0 <= error < 1 if up else abs(error) <= Fraction(1, 2)
    largest = np.maximum.reduceat(np.abs(scaled.integers), OFFSETS[:-1])
    assert sum(largest.tolist()) < 2**60


def scale(exponent: int, exact: bool) -> FixedPoint:
    """A scale without numbers."""
    return FixedPoint(np.zeros(0, np.int64), exponent, exact)


def test_capacity_of_an_integer_budget_has_no_slack() -> None:
    """A budget of 7 admits 7 whole units, 3 pairs, or 56 eighths; 2^55 admits no more than that."""
    assert fixed_capacity(7, scale(3, True), 5) == 56
    assert fixed_capacity(2**55, scale(0, True), 64) == 2**55
    assert fixed_capacity(7, scale(0, True), 5) == 7
    assert fixed_capacity(7, scale(-1, True), 5) == 3


def test_capacity_of_a_float_budget_admits_its_own_rounding() -> None:
    """0.1 + 0.2 exceeds the double 0.3 by less than the slack of two terms."""
    scaled = fixed_point(np.array([0.1, 0.2]), np.array([0, 1, 2]), bits=62, round_up=True)
    assert scaled.integers.sum() <= fixed_capacity(0.3, scaled, 2)
    assert scaled.integers.sum() > fixed_capacity(0.3 - 1e-15, scaled, 2)


@settings(max_examples=1000)
@given(
    st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=6),
    st.integers(-30, 30),
    st.integers(-12, 12),
    st.booleans(),
)
def test_capacity_and_keeps_are_one_rule(
    integers: list[int], exponent: int, ulps: int, slack: bool
) -> None:
    """At limits some doubles from where the slack begins or ends, both say the same of a sum."""
    values = np.ldexp(np.array(integers, np.float64), exponent)
    scaled = fixed_point(values, np.arange(len(values) + 1), bits=62, round_up=True)
    assert scaled.exact
    limit, terms = float(sum(map(Fraction, values.tolist()))), len(values)
    if slack:
        limit -= terms * 2.0**-52 * abs(limit)
    for _ in range(abs(ulps)):
        limit = math.nextafter(limit, math.copysign(math.inf, ulps))
    admitted = int(scaled.integers.sum()) <= fixed_capacity(limit, scaled, terms)
    assert admitted == keeps(math.fsum(values), limit, terms)


def test_capacities_beyond_int64_and_beyond_doubles() -> None:
    """The largest double widened is none any more; what exceeds every sum is not rounded."""
    assert fixed_capacity(sys.float_info.max, scale(0, True), 9) == int(sys.float_info.max)
    assert fixed_capacity(-1e300, scale(900, True), 1) < -(2**1000)
    assert fixed_capacity(-1e-300, scale(0, True), 1) == -1


def test_capacity_admits_what_coarse_integers_round_up() -> None:
    """Three numbers that cancel may each be rounded up by a unit; exact numbers are not."""
    assert fixed_capacity(0.75, scale(0, False), 3) == 3
    assert fixed_capacity(0.75, scale(0, True), 3) == 0
    assert fixed_capacity(-0.75, scale(0, False), 3) == 2


def test_every_term_widens_a_float_budget() -> None:
    """By half a unit in the last place on either side: 2^52 admits 8 more for eight terms."""
    assert fixed_capacity(2.0**52, scale(0, True), 8) == 2**52 + 8
