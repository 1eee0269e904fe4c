"""How far long pieces of work have come."""

from __future__ import annotations

import pytest

from mpsolve.training.progress import Count, HaqProgress, Progress, TrainingProgress


@pytest.mark.parametrize(
    ("state", "part", "text"),
    [
        (Count(3, 12), 0.25, "3 of 12"),
        (Count(12, 12, "conv1 weight"), 1.0, "12 of 12, conv1 weight"),
        (
            TrainingProgress(1, 4, 3, 6, 0.12345, 0.5),
            0.375,
            "epoch 2 of 4, batch 3 of 6, loss 0.123, accuracy 50.0%",
        ),
        (HaqProgress(0, 1, 1, 4, -0.5, 2.0), 0.25, "episode 1 of 4, reward -0.500, best 2.000"),
        (
            HaqProgress(1, 2, 1, 2, 0.0, 0.0),
            0.75,
            "search 2 of 2, episode 1 of 2, reward 0.000, best 0.000",
        ),
    ],
)
def test_parts_and_texts(state: Progress, part: float, text: str) -> None:
    """A part by hand calculation, and what a progress line shows."""
    assert (state.part, str(state)) == (part, text)
