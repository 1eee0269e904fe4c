"""How many channels fill whole bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mpsolve.deploy.packing import fills_bytes, padded


@given(channels=st.integers(1, 100), bits=st.sampled_from([2, 4, 8]))
def test_padded_channels_are_the_next_that_fill_bytes(channels: int, bits: int) -> None:
    """By trying one after the other."""
    enough = next(c for c in range(channels, channels + 8) if (c * bits) % 8 == 0)
    assert padded(channels, bits) == enough
    assert fills_bytes(channels, bits) == (enough == channels)
