"""How many channels fill whole bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve.training.integer import (
    AccumulatorRange,
    Affine,
    Conv,
    Graph,
    Tensor,
    requantise,
)
from mpsolve.training.integer.packing import fills_bytes, packing_problems, padded
from tests.training.integer.networks import random_graph


def depthwise(channels: int, bits: int, weight_bits: int) -> Graph:
    """One depthwise convolution between tensors of so many channels and bits."""
    weights = np.ones((channels, 1, 4, 4), np.int64)
    tensors = (Tensor("x", (channels, 4, 4), bits), Tensor("y", (channels, 1, 1), bits))
    accumulators = AccumulatorRange.worst_case(weights, tensors[0])
    zero = np.zeros(channels)
    requant = requantise(Affine(zero, zero), accumulators, bits=bits)
    layer = Conv("dw", "x", "y", weights, weight_bits, requant, groups=channels)
    return Graph("net", tensors, (layer,), "x", "y")


@given(channels=st.integers(1, 100), bits=st.sampled_from([2, 4, 8]))
def test_padded_channels_are_the_next_that_fill_bytes(channels: int, bits: int) -> None:
    """By trying one after the other."""
    enough = next(c for c in range(channels, channels + 8) if (c * bits) % 8 == 0)
    assert padded(channels, bits) == enough
    assert fills_bytes(channels, bits) == (enough == channels)


@pytest.mark.parametrize(
    ("channels", "bits", "weight_bits", "messages"),
    [
        (4, 2, 2, []),
        (2, 4, 4, []),
        (3, 8, 8, []),
        (
            3,
            4,
            8,
            [
                "Tensor x: 3 channels of 4 bits do not fill bytes; add channels of zeros up to 4",
                "Tensor y: 3 channels of 4 bits do not fill bytes",
            ],
        ),
        (
            3,
            8,
            4,
            ["Layer dw: depthwise kernels of 4 bits take channels in pairs, but there are 3"],
        ),
        (2, 8, 3, ["Layer dw has weights of 3 bits; kernels know 2, 4, 8"]),
        (2, 5, 8, ["Tensor x has 5 bits", "Tensor y has 5 bits"]),
    ],
)
def test_what_kernels_cannot_run_is_said(
    channels: int, bits: int, weight_bits: int, messages: list[str]
) -> None:
    """One sentence per tensor and layer."""
    problems = packing_problems(depthwise(channels, bits, weight_bits))
    assert len(problems) == len(messages)
    for problem, message in zip(problems, messages, strict=True):
        assert problem.startswith(message)


def test_odd_kernels_of_few_channels_may_leave_a_byte_open() -> None:
    """3 x 3 x 1 weights of 4 bits are 36 bits."""
    weights = np.ones((1, 1, 3, 3), np.int64)
    tensors = (Tensor("x", (1, 3, 3), 8), Tensor("y", (1, 1, 1), 32, True))
    graph = Graph("net", tensors, (Conv("c", "x", "y", weights, 4),), "x", "y")
    (problem,) = packing_problems(graph)
    assert problem.startswith("Layer c: 9 weights of 4 bits do not fill bytes")


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_networks_made_for_kernels_have_no_problem(seed: int) -> None:
    """Those that DORY's rules accept."""
    assert packing_problems(random_graph(seed, deployable=True)) == ()
