"""Layer types and how convolutions become them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpsolve.errors import InputError
from mpsolve.profiles.networks import LayerType, NetworkBuilder
from mpsolve.profiles.networks.convolution import Window, convolution, least_padding


def positions(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Where a kernel fits into a padded line, counted one by one."""
    ends = (at + dilation * (kernel - 1) for at in range(0, size + 2 * padding, stride))
    return sum(end < size + 2 * padding for end in ends)


@given(
    size=st.integers(1, 20),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    out=st.integers(1, 12),
)
def test_the_least_padding_is_enough_and_no_larger(
    size: int, kernel: int, stride: int, dilation: int, out: int
) -> None:
    """With it, at least ``out`` positions fit; with one less, fewer do."""
    pairs = ((value, value) for value in (size, out, kernel, stride, dilation))
    padding, same = least_padding(*pairs)
    assert padding == same
    assert positions(size, kernel, stride, padding, dilation) >= out
    assert padding == 0 or positions(size, kernel, stride, padding - 1, dilation) < out


@pytest.mark.parametrize("size", [7, 8, 49, 224])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(("kernel", "padding"), [(1, 0), (3, 1), (5, 2), (7, 3)])
def test_odd_kernels_are_padded_by_half(size: int, stride: int, kernel: int, padding: int) -> None:
    """At strides 1 and 2, as all frameworks write it; a larger stride may need less."""
    layer_type = convolution(3, 8, (size, size), Window(kernel, stride))
    assert layer_type.out_size == (-(-size // stride),) * 2
    assert layer_type.padding[0] <= padding
    if stride < 3:
        assert layer_type.padding == (padding, padding)


@pytest.mark.parametrize(
    ("in_channels", "kernel", "groups", "kind"),
    [
        (8, 3, 8, "dw"),
        (8, 1, 8, "dw"),
        (8, 1, 1, "pw"),
        (8, 1, 2, "conv"),
        (8, 3, 1, "conv"),
        (8, (1, 3), 1, "conv"),
        (1, 3, 1, "conv"),
        (1, 1, 1, "pw"),
    ],
)
def test_kinds(in_channels: int, kernel: int | tuple[int, int], groups: int, kind: str) -> None:
    """Depthwise has one channel per group, pointwise one position; a single channel is neither."""
    assert convolution(in_channels, 16, (9, 9), Window(kernel), groups=groups).kind == kind


@pytest.mark.parametrize(
    ("kind", "more", "message"),
    [
        ("dw", {"kernel": (3, 3)}, "is depthwise, so it needs 8 groups"),
        ("dw", {"groups": 4}, "is depthwise, so it needs 8 groups"),
        ("pw", {"kernel": (1, 3)}, "A pw layer has one group and kernel 1 x 1"),
        ("linear", {"groups": 2}, "A linear layer has one group and kernel 1 x 1"),
        ("conv", {"stride": (0, 1)}, "must be positive"),
        ("conv", {"groups": 3}, "3 groups do not divide the channels"),
        ("pool", {}, "A layer type is one of conv, dw, pw, linear, not 'pool'"),
    ],
)
def test_a_type_is_what_its_kind_says(kind: str, more: dict[str, object], message: str) -> None:
    """Otherwise its name would stand for several types."""
    with pytest.raises(InputError, match=message):
        LayerType(kind, 8, 8, **more)  # type: ignore[arg-type]


def test_the_builder_names_tensors_after_operators() -> None:
    """Pools round up, flattening one position adds nothing, and layers may share weights."""
    net = NetworkBuilder("mine", "by hand")
    x = net.input(3, 7, 9)
    x = net.pool("pool", net.dw("dw", x), (2, 3))
    assert net.shape(x) == (3, 4, 3)
    assert net.shape(net.flatten("flat", x)) == (36, 1, 1)
    y = net.global_pool("mean", x)
    assert net.flatten("nothing", y) == "mean"
    y = net.linear("fc", y, 3)
    y = net.linear("again", y, 3, layer="fc")
    x = net.mul("mul", net.concat("cat", x), y)
    network = net.build(x, y)
    assert [layer.name for layer in network.layers] == ["dw", "fc"]
    assert network.outputs == ("mul", "again")
    assert (network.name, network.source) == ("mine", "by hand")
