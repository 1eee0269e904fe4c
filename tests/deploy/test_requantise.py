"""Requantisation: against exact fractions, complete enumeration and the real formula."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mpsolve import InputError
from mpsolve.deploy import (
    AccumulatorRange,
    Affine,
    BatchNorm,
    Requant,
    Tensor,
    fold_batch_norm,
    fold_bias,
    integer_bias,
    requantise,
    rescale,
)
from mpsolve.deploy.interpreter import requantise_array

if TYPE_CHECKING:
    from mpsolve.typing import FloatArray, IntArray

HALF = Fraction(1, 2)


def round_half_even(number: Fraction) -> int:
    """What np.rint does, exactly."""
    return round(number)


def exact_requant(slope: float, offset: float, low: int, high: int, width: int) -> tuple[int, ...]:
    """k, l and d by their definition, in fractions: the largest shift that does not overflow."""
    for d in range(31, -1, -1):
        k = round_half_even(Fraction(slope) * 2**d)
        addend = floor(Fraction(offset) * 2**d + HALF * 2**d)
        sizes = [k, addend, *(k * a + b for a in (low, high) for b in (0, addend))]
        if max(map(abs, sizes)) < 2 ** (width - 1):
            return k, addend, d
    return ()


numbers = st.floats(-1e6, 1e6, allow_subnormal=False)


@settings(max_examples=400, deadline=None)
@given(
    slope=st.one_of(numbers, st.floats(-1e-3, 1e-3, allow_subnormal=False)),
    offset=st.one_of(numbers, st.floats(-300, 300), st.integers(-8, 8).map(lambda n: n + 0.5)),
    low=st.integers(-(2**24), 0),
    high=st.integers(0, 2**24),
    width=st.sampled_from([32, 64]),
)
def test_multiplier_addend_and_shift_are_those_of_the_definition(
    slope: float, offset: float, low: int, high: int, width: int
) -> None:
    """In exact fractions; 64 bits always suffice here, 32 bits may not."""
    expected = exact_requant(slope, offset, low, high, width)
    accumulators = AccumulatorRange(np.array([low]), np.array([high]))
    affine = Affine(np.array([slope]), np.array([offset]))
    if not expected:
        with pytest.raises(InputError, match="does not fit into 32 bits with any shift"):
            requantise(affine, accumulators, bits=8, width=width)
        return
    found = requantise(affine, accumulators, bits=8, width=width)
    assert (found.multiplier[0], found.addend[0], found.shift) == expected


def test_the_worst_channel_decides_the_shift_of_all() -> None:
    """One shift per layer: a channel with a large slope costs the others precision."""
    accumulators = AccumulatorRange(np.array([0, 0]), np.array([1000, 1000]))
    both = requantise(Affine(np.array([0.01, 9.0]), np.zeros(2)), accumulators, bits=8)
    one = accumulators.low[:1], accumulators.high[:1]
    alone = requantise(Affine(np.array([9.0]), np.zeros(1)), AccumulatorRange(*one), bits=8)
    # 9 x 1000 x 2^17 + 2^16 < 2^31 <= 9 x 1000 x 2^18
    assert both.shift == alone.shift == 17


weights_of_tiny_layers = st.lists(
    st.lists(st.integers(-8, 7), min_size=3, max_size=3), min_size=1, max_size=3
)


@settings(max_examples=60, deadline=None)
@given(
    weights=weights_of_tiny_layers,
    bits=st.sampled_from([1, 2, 3]),
    signed=st.booleans(),
    bias=st.integers(-50, 50),
)
def test_the_worst_case_is_the_largest_and_least_accumulator_of_all_inputs(
    weights: list[list[int]], bits: int, signed: bool, bias: int
) -> None:
    """All inputs enumerated: the range is attained, and no partial sum leaves it."""
    tensor = Tensor("x", (3,), bits, signed)
    rows, start = np.array(weights), np.full(len(weights), bias)
    proven = AccumulatorRange.worst_case(rows, tensor, start)
    inputs = np.array(list(itertools.product(range(tensor.low, tensor.high + 1), repeat=3)))
    products = inputs[:, None, :] * rows
    for order in itertools.permutations(range(3)):
        partial = bias + np.cumsum(products[..., order], -1)
        assert (partial >= proven.low[:, None]).all()
        assert (partial <= proven.high[:, None]).all()
    accumulators = bias + products.sum(-1)
    np.testing.assert_array_equal(accumulators.min(0), proven.low)
    np.testing.assert_array_equal(accumulators.max(0), proven.high)


@settings(max_examples=60, deadline=None)
@given(weights=weights_of_tiny_layers, data=st.data())
def test_no_input_of_a_tiny_layer_overflows_and_one_more_shift_would(
    weights: list[list[int]], data: st.DataObject
) -> None:
    """|k acc| and |k acc + l| of every input stay below 2^31; with shift d + 1 some do not."""
    rows, tensor = np.array(weights), Tensor("x", (3,), 2)
    reals = st.lists(st.floats(-99, 99), min_size=len(rows), max_size=len(rows))
    affine = Affine(np.array(data.draw(reals)), np.array(data.draw(reals)))
    found = requantise(affine, AccumulatorRange.worst_case(rows, tensor), bits=4)
    inputs = np.array(list(itertools.product(range(4), repeat=3)))
    accumulators = inputs @ rows.T
    attained = largest(accumulators, found.multiplier, found.addend)
    assert attained < 2**31
    assert attained == found.largest
    if found.shift < 31:
        d = found.shift + 1
        k = np.rint(affine.slope * 2.0**d).astype(np.int64)
        addend = np.floor(affine.offset * 2.0**d + 2.0 ** (d - 1)).astype(np.int64)
        assert largest(accumulators, k, addend) >= 2**31


def largest(accumulators: IntArray, k: IntArray, addend: IntArray) -> int:
    """The largest magnitude on the way, of all inputs."""
    sizes = (k + 0 * accumulators, addend, k * accumulators, k * accumulators + addend)
    return max(int(np.abs(size).max()) for size in sizes)


def quantised_layer(
    bits: int, inputs: int, rng: np.random.Generator
) -> tuple[Affine, IntArray, AccumulatorRange]:
    """A layer of normal weights, per-channel scales, rectified inputs and batch normalisation."""
    real = rng.normal(0, 1, (64, inputs))
    scales = 2 * np.abs(real).max(1) / 2**bits
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    weights = np.clip(np.rint(real / scales[:, None]), low, high).astype(np.int64)
    scale = 6 / (2**bits - 1)
    codes = np.clip(np.rint(rng.normal(0, 2, (2000, inputs)) / scale), 0, 2**bits - 1)
    accumulators = codes.astype(np.int64) @ weights.T
    normalised = accumulators * scale * scales
    affine = fold_batch_norm(
        BatchNorm(
            gamma=rng.normal(1, 0.3, 64),
            beta=rng.normal(0, 1, 64),
            mean=normalised.mean(0),
            variance=normalised.var(0),
        ),
        input_scale=scale,
        weight_scale=scales,
        output_scale=scale,
    )
    return affine, accumulators, AccumulatorRange.worst_case(weights, Tensor("x", (inputs,), bits))


def fake_quantised(affine: Affine, accumulators: IntArray, bits: int) -> FloatArray:
    """What training computes: rounded half to even, in real numbers."""
    rounded: FloatArray = np.rint(affine.slope * accumulators + affine.offset)
    return np.clip(rounded, 0, 2**bits - 1)


@pytest.mark.parametrize(
    ("bits", "shift", "percent"),
    [(8, 16, 8.9), (8, 19, 1.5), (8, 22, 0.15), (4, 16, 0.05), (2, 12, 0.05), (2, 16, 0.0)],
)
def test_how_many_outputs_differ_from_fake_quantisation(
    bits: int, shift: int, percent: float
) -> None:
    """Of a 3x3 convolution of 32 channels, fewer than was measured elsewhere, and by one step."""
    rng = np.random.default_rng(0)
    affine, accumulators, worst = quantised_layer(bits, 288, rng)
    requant = requantise(affine, worst, bits=bits, shift=shift, width=64)
    codes = requantise_array("layer", accumulators, requant)
    difference = np.abs(codes - fake_quantised(affine, accumulators, bits))
    assert 100 * (difference > 0).mean() <= percent
    assert difference.max() <= 1


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    bits=st.sampled_from([2, 4, 8]),
    inputs=st.sampled_from([9, 64, 288]),
)
def test_outputs_differ_by_at_most_one_step(seed: int, bits: int, inputs: int) -> None:
    """Where accumulators stay below 2^(d+1): the error of k times acc, and of l, is below one."""
    affine, accumulators, worst = quantised_layer(bits, inputs, np.random.default_rng(seed))
    try:
        requant = requantise(affine, worst, bits=bits)
    except InputError:  # a channel without variance
        assume(False)
    assume(np.abs(accumulators).max() < 2 ** (requant.shift + 1) - 2)
    codes = requantise_array("layer", accumulators, requant)
    assert np.abs(codes - fake_quantised(affine, accumulators, bits)).max() <= 1


def test_the_half_is_added_once() -> None:
    """Adding it in the shift again makes a quarter to a half of all codes one too large."""
    affine, accumulators, worst = quantised_layer(8, 288, np.random.default_rng(0))
    requant = requantise(affine, worst, bits=8)
    expected = fake_quantised(affine, accumulators, 8)
    codes = requantise_array("layer", accumulators, requant)
    total = requant.multiplier * accumulators + requant.addend
    twice = np.clip(np.floor(total / 2.0**requant.shift + 0.5), 0, 255)
    assert (codes != expected).mean() < 0.02
    assert 0.25 < (twice != expected).mean() < 0.5


def test_batch_normalisation_is_folded_by_its_formula() -> None:
    """Hand calculation: (0.5 (3 acc - 1 + 2) / 2 + 1) / 0.25 = 3 acc + 5; see the docstring."""
    affine = fold_batch_norm(
        BatchNorm(
            gamma=np.array([0.5]),
            beta=np.array([1.0]),
            mean=np.array([1.0]),
            variance=np.array([3.0]),
            epsilon=1.0,
        ),
        input_scale=1.5,
        weight_scale=np.array([2.0]),
        output_scale=0.25,
        bias=np.array([2.0]),
    )
    np.testing.assert_allclose(affine.slope, [3.0])
    np.testing.assert_allclose(affine.offset, [5.0])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_folding_equals_normalising_real_numbers(seed: int) -> None:
    """With gamma of either sign or zero; the running variance may be tiny."""
    rng = np.random.default_rng(seed)
    gamma = rng.normal(0, 1, 8) * rng.integers(0, 2, 8)
    beta, mean, bias = rng.normal(0, 1, (3, 8))
    variance, scales = rng.uniform(0, 2, 8), rng.uniform(0.01, 1, 8)
    accumulators = rng.integers(-1000, 1000, (5, 8))
    real = accumulators * 0.1 * scales + bias
    expected = ((real - mean) / np.sqrt(variance + 1e-5) * gamma + beta) / 0.3
    affine = fold_batch_norm(
        BatchNorm(gamma, beta, mean, variance),
        input_scale=0.1,
        weight_scale=scales,
        output_scale=0.3,
        bias=bias,
    )
    np.testing.assert_allclose(affine.slope * accumulators + affine.offset, expected, atol=1e-9)


def test_a_channel_that_is_switched_off_keeps_its_shift() -> None:
    """gamma = 0 leaves the rounded beta, whatever the input."""
    affine = fold_batch_norm(
        BatchNorm(
            gamma=np.array([0.0, -1.0]),
            beta=np.array([2.6, 0.0]),
            mean=np.array([5.0, 0.0]),
            variance=np.array([0.0, 1.0]),
        ),
        input_scale=1.0,
        weight_scale=np.ones(2),
        output_scale=1.0,
    )
    accumulators = np.arange(-9, 10)[:, None].repeat(2, 1)
    ranges = AccumulatorRange(np.array([-9, -9]), np.array([9, 9]))
    codes = requantise_array("layer", accumulators, requantise(affine, ranges, bits=4))
    np.testing.assert_array_equal(codes[:, 0], 3)
    np.testing.assert_array_equal(codes[:, 1], np.maximum(-accumulators[:, 1], 0))


def test_layers_without_batch_normalisation_and_adders() -> None:
    """y = (acc s_x s_w + bias) / s_y, and the bias of a final layer is rounded to s_x s_w."""
    scales = np.array([0.5, 0.25])
    affine = fold_bias(
        input_scale=0.1, weight_scale=scales, output_scale=0.2, bias=np.array([1.0, -1.0])
    )
    np.testing.assert_allclose(affine.slope, [0.25, 0.125])
    np.testing.assert_allclose(affine.offset, [5.0, -5.0])
    assert not fold_bias(input_scale=1.0, weight_scale=scales, output_scale=1.0).offset.any()
    np.testing.assert_array_equal(integer_bias(np.array([1.0, -1.0]), 0.1, scales), [20, -40])
    scaled = requantise(rescale(0.3, 0.2), AccumulatorRange.between(0, 255), bits=8)
    codes = requantise_array("add", np.arange(256)[:, None], scaled)[:, 0]
    np.testing.assert_array_equal(codes, np.minimum(np.floor(np.arange(256) * 1.5 + 0.5), 255))


def test_64_bits_hold_what_32_bits_do_not() -> None:
    """The message says what is too large, and where."""
    accumulators = AccumulatorRange(np.array([0]), np.array([2**24]))
    affine = Affine(np.array([300.0]), np.array([0.0]))
    with pytest.raises(InputError, match=r"Layer head: k acc \+ l does not fit into 32 bits"):
        requantise(affine, accumulators, bits=8, layer="head")
    assert requantise(affine, accumulators, bits=8, width=64).shift == 30


def test_what_contradicts_itself_is_refused() -> None:
    """One sentence each."""
    one, fine = np.array([1]), AccumulatorRange(np.array([0]), np.array([9]))
    with pytest.raises(InputError, match="one finite slope and offset per channel"):
        Affine(np.array([np.inf]), np.array([0.0]))
    with pytest.raises(InputError, match="low <= high"):
        AccumulatorRange(np.array([1]), np.array([0]))
    with pytest.raises(InputError, match="must be integers, not float64"):
        AccumulatorRange(np.array([0.0]), np.array([1]))
    with pytest.raises(InputError, match=r"reaches 2415919104 in channel 0, which 32 bits"):
        Requant(np.array([2**28]), np.array([0]), 9, 8, False, fine)
    with pytest.raises(InputError, match=r"one number per channel, or one each"):
        Requant(np.array(1), one, 9, 8, False, fine)
    with pytest.raises(InputError, match="between 0 and 31: 32"):
        Requant(one, one, 32, 8, False, fine)
    with pytest.raises(InputError, match="in 32 or 64 bits, not in 16"):
        Requant(one, one, 9, 8, False, fine, 16)
    with pytest.raises(InputError, match="1 to 8 bits, not 32"):
        Requant(one, one, 9, 32, False, fine)
    with pytest.raises(InputError, match=r"Layer a: \(2,\) slopes for the ranges of \(1,\)"):
        requantise(Affine(np.ones(2), np.ones(2)), fine, bits=8, layer="a")
    with pytest.raises(InputError, match="Layer a: the shift must lie between 0 and 31: -1"):
        requantise(Affine(np.ones(1), np.ones(1)), fine, bits=8, shift=-1, layer="a")
    with pytest.raises(InputError, match="with the shift 30: slopes reach 1, offsets 1"):
        requantise(Affine(np.ones(1), np.ones(1)), fine, bits=8, shift=30, layer="a")
