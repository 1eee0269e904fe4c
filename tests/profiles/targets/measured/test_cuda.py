"""What of the GPU's target can be tested without a GPU."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from mpsolve import InputError, MissingDependencyError, Precision, Provenance
from mpsolve.profiles.targets.measured.cuda import CudaTarget
from mpsolve.profiles.targets.measured.torch_layers import (
    BFLOAT16,
    FLOAT16,
    FLOAT32,
    FP8,
    INT4,
    INT8,
    candidates,
    layer_call,
)
from mpsolve.profiles.targets.registry import load_target
from mpsolve.profiles.targets.target import MeasuredTarget
from tests.profiles.chain import conv, depthwise, linear

if TYPE_CHECKING:
    from types import ModuleType

    from mpsolve.profiles.networks import LayerType

LAYERS = (conv(3, 8, 7, stride=2), depthwise(8, 6), conv(16, 32, 5, k=1), linear(64, 32, tokens=20))


@pytest.fixture
def torch() -> ModuleType:
    """The package, where it is installed; warnings about its own parts are not ours."""
    return pytest.importorskip("torch", exc_type=ImportError)


def exact(torch: Any, layer_type: LayerType) -> Any:
    """The layer in float64, from the values that a call draws first, second and third."""
    generator = torch.Generator().manual_seed(0)
    height, width = layer_type.in_size
    fan_in = layer_type.weights // layer_type.out_channels
    rows = layer_type.kind in ("linear", "pw")
    shape = (
        (height * width, layer_type.in_channels)
        if rows
        else (1, layer_type.in_channels, height, width)
    )
    x = torch.randn(shape, generator=generator).double()
    shape = (layer_type.out_channels, layer_type.in_channels // layer_type.groups)
    w = torch.randn(shape if rows else (*shape, *layer_type.kernel), generator=generator).double()
    b = torch.randn((layer_type.out_channels,), generator=generator).double() / 10
    w = w / fan_in**0.5
    if rows:
        return x @ w.T + b
    return torch.nn.functional.conv2d(
        x, w, b, layer_type.stride, layer_type.padding, layer_type.dilation, layer_type.groups
    )


@pytest.mark.parametrize(
    ("precision", "tolerance"), [(FLOAT32, 1e-5), (FLOAT16, 1e-2), (BFLOAT16, 6e-2)], ids=str
)
@pytest.mark.parametrize("layer_type", LAYERS, ids=str)
def test_layers_in_floating_point(
    torch: Any, layer_type: LayerType, precision: Precision, tolerance: float
) -> None:
    """On a CPU, they compute what float64 computes, as exactly as their mantissas allow."""
    written = layer_call(layer_type, precision, "cpu")().double()
    expected = exact(torch, layer_type)
    assert written.shape == expected.shape
    assert (written - expected).abs().max() < tolerance * expected.abs().max()


@pytest.mark.parametrize(("precision", "tolerance"), [(INT8, 0.03), (FP8, 0.15)], ids=str)
@pytest.mark.parametrize("layer_type", LAYERS[2:], ids=str)
def test_products_of_bytes(
    torch: Any, layer_type: LayerType, precision: Precision, tolerance: float
) -> None:
    """On a CPU, if this torch has the kernel there, they are as exact as 8 bits allow."""
    call = layer_call(layer_type, precision, "cpu")
    try:
        written = call().double()
    except (RuntimeError, NotImplementedError) as error:
        pytest.skip(str(error).splitlines()[0])
    expected = exact(torch, layer_type)
    apart = (written - expected).std() / expected.std()
    assert 1e-4 < apart < tolerance


def test_what_is_tried() -> None:
    """Bytes and 4-bit weights for matrix products alone; a strided pointwise layer is none."""
    for layer_type in LAYERS[:2]:
        assert candidates(layer_type) == (FLOAT32, FLOAT16, BFLOAT16)
    assert candidates(LAYERS[2]) == candidates(LAYERS[3])
    assert {INT8, FP8, INT4} <= {*candidates(LAYERS[3])}
    assert FP8 not in candidates(conv(16, 32, 6, k=1, stride=2))
    assert (INT4.b_in, INT4.b_wt, INT4.name) == (16, 4.25, "w4g128")


def test_without_a_gpu(torch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is offered, one sentence says why, and nothing is measured."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    target = load_target("cuda:passes=1,rounds=2")
    assert isinstance(target, CudaTarget)
    assert isinstance(target, MeasuredTarget)
    assert target.provenance is Provenance.MEASURED
    assert target.unavailable == f"torch {torch.__version__} finds no GPU."
    assert target.precisions(LAYERS[0]) == ()
    assert set(target.refusals(LAYERS[0]).values()) == {target.unavailable}
    assert target.measure_all(LAYERS) == {layer_type: {} for layer_type in LAYERS}
    assert target.record.device == "no GPU"
    assert target.unsupported(LAYERS[0]) == target.unavailable
    with pytest.raises(InputError, match=r"does not offer .* at 32b/32b: torch .* finds no GPU"):
        target.latency(LAYERS[0], FLOAT32)


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra to install."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match=r"a GPU needs torch.*mpsolve\[torch\]"):
        CudaTarget().precisions(LAYERS[0])
