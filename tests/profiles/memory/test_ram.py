"""The peak of the activations: published sizes, and layers that a configuration lacks."""

from __future__ import annotations

import pytest

from mpsolve import Configuration, InputError, Precision
from mpsolve.profiles.memory import Peak, peak_ram
from mpsolve.profiles.networks import named_network
from tests.profiles.networks.graphs import layer, network


@pytest.mark.parametrize(
    ("width", "size", "expected"),
    [(1.0, 224, 1_204_224), (0.75, 224, 903_168), (1.0, 160, 614_400), (0.25, 128, 98_304)],
)
def test_mobilenet_v1_in_8_bits(width: float, size: int, expected: int) -> None:
    """The first pointwise layer reads c channels of (size / 2)^2 and writes 2c."""
    net = named_network(f"mobilenet_v1_{width}_{size}")
    whole = Configuration.homogeneous([one.name for one in net.layers], "8b/8b")
    assert peak_ram(net, whole) == Peak(expected, "b0.pw", ("b0.dw", "b0.pw"))
    assert expected == 3 * int(32 * width) * (size // 2) ** 2


def test_a_layer_that_the_configuration_lacks_is_named() -> None:
    """The message names the network, too."""
    net = network(layer("a", "x"), layer("b", "a"))
    with pytest.raises(InputError, match="says nothing about layer b of net"):
        peak_ram(net, {"a": Precision(8, 8)})
