"""What all quantisers have in common: modes, thresholds, integers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from mpsolve import InputError
from mpsolve.training import (
    BayesianBitsQuantiser,
    EdmipsQuantiser,
    Gates,
    Mixture,
    Mode,
    MovingThreshold,
    Quantiser,
    TqtQuantiser,
    UniformQuantiser,
    set_mode,
)
from tests.training.support import by_search, normal

if TYPE_CHECKING:
    from collections.abc import Callable

Make = dict[str, "Callable[[MovingThreshold | None], Quantiser]"]

#: Every quantiser with a constant threshold of 6 and 8 bits, for signed tensors.
CONSTANT: Make = {
    "uniform": lambda o: UniformQuantiser(8, True, threshold=6.0, observer=o),
    "tqt": lambda o: TqtQuantiser(8, True, observer=o),
    "bayesian bits": lambda o: BayesianBitsQuantiser.for_activations(Gates(), True, observer=o),
    "edmips": lambda o: EdmipsQuantiser(
        Mixture((4, 8), initial=0.0), True, threshold=6.0, observer=o
    ),
}
#: Every quantiser whose threshold is the largest weight of a channel.
FOLLOWING: Make = {
    "uniform": lambda o: UniformQuantiser(8, True, channels=3),
    "bayesian bits": lambda o: BayesianBitsQuantiser.for_weights(Gates(), 3),
    "edmips": lambda o: EdmipsQuantiser(Mixture((8,)), True, channels=3),
}


@pytest.fixture(params=CONSTANT)
def make(request: pytest.FixtureRequest) -> Callable[[MovingThreshold | None], Quantiser]:
    """Makes a quantiser with a constant threshold."""
    return CONSTANT[request.param]


def test_modes(make: Callable[[MovingThreshold | None], Quantiser]) -> None:
    """Float and observe hand the very tensor on; quantise replaces it."""
    x = normal(4, 5)
    model = nn.Sequential(make(None))
    set_mode(model, Mode.FLOAT)
    assert model(x) is x
    set_mode(model, "observe")
    assert model(x) is x
    set_mode(model, "quantise")
    assert not torch.equal(model(x), x)


def test_only_observing_moves_the_threshold(
    make: Callable[[MovingThreshold | None], Quantiser],
) -> None:
    """The average of 2 and 4 with weights 0.9 and 0.1; without an observer nothing moves."""
    observed, constant = make(MovingThreshold()), make(None)
    for quantiser in (observed, constant):
        quantiser.mode = Mode.OBSERVE
        quantiser(torch.tensor([-2.0, 1.0]))
        quantiser(torch.tensor([4.0, 1.0]))
        for mode in (Mode.FLOAT, Mode.QUANTISE):
            quantiser.mode = mode
            quantiser(torch.tensor([100.0, 1.0]))
    x = torch.ones(2)
    assert observed.threshold_for(x).item() == pytest.approx(2.2)
    assert constant.threshold_for(x).item() == pytest.approx(6.0)


def test_observations_resume(make: Callable[[MovingThreshold | None], Quantiser]) -> None:
    """A quantiser that is loaded in the middle of observing continues in every bit."""
    batches = [normal(4, 6, seed=seed) for seed in range(4)]
    whole, first, second = (make(MovingThreshold()) for _ in range(3))
    for quantiser in (whole, first, second):
        quantiser.mode = Mode.OBSERVE
    for batch in batches:
        whole(batch)
    for batch in batches[:2]:
        first(batch)
    second.load_state_dict(first.state_dict())
    for batch in batches[2:]:
        second(batch)
    for name, value in whole.state_dict().items():
        assert torch.equal(second.state_dict()[name], value)


def test_integers_are_the_deployed_codes(
    make: Callable[[MovingThreshold | None], Quantiser],
) -> None:
    """In evaluation the values are integers times scale, and the integers the nearest codes."""
    quantiser = make(None).eval()
    quantiser.set_threshold(4.0)
    x = torch.arange(-5, 5, 0.37)
    codes = quantiser.integers(x)
    assert codes.dtype == torch.int32
    assert torch.equal(quantiser(x), codes * quantiser.scale_for(x))
    bits = quantiser.grid.bits
    assert codes.tolist() == [by_search(v, 4.0, bits, True) for v in x.tolist()]


def test_evaluation_is_deterministic(
    make: Callable[[MovingThreshold | None], Quantiser],
) -> None:
    """Two evaluations agree in every bit and draw no random number."""
    quantiser = make(None).eval()
    x = normal(8, 10)
    state = torch.get_rng_state()
    assert torch.equal(quantiser(x), quantiser(x))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", FOLLOWING)
def test_following_thresholds(name: str) -> None:
    """Weights are quantised at the largest magnitude of each channel as it is now."""
    quantiser = FOLLOWING[name](None).eval()
    for seed in (1, 2):
        w = normal(3, 2, 3, 3, seed=seed)
        w[1] = 0
        expected = w.abs().amax((1, 2, 3)).clamp(min=1e-8)
        assert torch.equal(quantiser.threshold_for(w), expected)
        assert torch.equal(quantiser.scale_for(w), expected / 128)
        assert bool(quantiser(w).isfinite().all())
    assert not [key for key in quantiser.state_dict() if "threshold" in key]


def test_following_thresholds_cannot_be_set() -> None:
    """There is nothing that could keep the number."""
    with pytest.raises(InputError, match="follows every tensor"):
        UniformQuantiser(8, True).set_threshold(1.0)


def test_initialise(make: Callable[[MovingThreshold | None], Quantiser]) -> None:
    """The threshold becomes what the rule reads off a tensor: the largest magnitude."""
    quantiser = make(None)
    quantiser.initialise(torch.tensor([1.0, -5.0]))
    assert quantiser.threshold_for(torch.ones(1)).item() == pytest.approx(5.0)


@pytest.mark.parametrize("threshold", [float("nan"), float("inf")])
def test_thresholds_are_finite(
    make: Callable[[MovingThreshold | None], Quantiser], threshold: float
) -> None:
    """A threshold that is no number is refused where it enters."""
    with pytest.raises(InputError, match="finite number"):
        make(None).set_threshold(threshold)


def test_thresholds_fit_the_channels() -> None:
    """One threshold, or one per channel."""
    with pytest.raises(InputError, match=r"shape \(2,\) were given where \(3,\)"):
        TqtQuantiser(8, True, channels=3, threshold=torch.ones(2))
    with pytest.raises(InputError, match=r"shape \(2,\) were given where one"):
        UniformQuantiser(8, True, threshold=torch.ones(2))


def test_deep_copies_are_independent(
    make: Callable[[MovingThreshold | None], Quantiser],
) -> None:
    """A copy keeps its threshold when the original changes."""
    quantiser = make(None)
    twin = copy.deepcopy(quantiser)
    quantiser.set_threshold(1.0)
    assert twin.threshold_for(torch.ones(1)).item() == pytest.approx(6.0)


def test_set_bits() -> None:
    """The bit-width changes, the threshold stays."""
    for quantiser in (UniformQuantiser(8, False, threshold=6.0), TqtQuantiser(8, False)):
        quantiser.set_bits(2)
        assert quantiser.grid.bits == 2
        assert quantiser(torch.tensor([2.9, 9.0])).tolist() == pytest.approx([2.0, 6.0])
