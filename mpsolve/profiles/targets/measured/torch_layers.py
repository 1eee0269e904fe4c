"""Layers as calls of torch, on the device and in the precision that is asked for.

Convolutions are in the layout of a GPU's kernels, channels last, in which a pointwise convolution
is a matrix product. The int8, fp8 and 4-bit products are functions of torch that are not
documented: where the installed version, the device or the shape does not have one, it fails, and
the precision is not offered.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from mpsolve.model.precision import Precision
from mpsolve.storage.optional import importing

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.profiles.networks.layer_type import LayerType

#: Weights that share a scale and a zero, both in bfloat16, in the 4-bit format.
GROUP = 128
FLOAT32, FLOAT16 = Precision(32, 32), Precision(16, 16)
BFLOAT16 = Precision(16, 16, "bf16")
INT8 = Precision(8, 8)
#: Eight bits with four of exponent, one scale per tensor.
FP8 = Precision(8, 8, "fp8")
INT4 = Precision(16, 4 + 32 / GROUP, f"w4g{GROUP}")


def import_torch() -> Any:
    """The package torch.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    with importing("torch", "torch", "Measuring a GPU"):
        import torch
    return torch


def candidates(layer_type: LayerType) -> tuple[Precision, ...]:
    """What is tried for a layer type."""
    floats = (FLOAT32, FLOAT16, BFLOAT16)
    return (*floats, INT8, FP8, INT4) if is_product(layer_type) else floats


def is_product(layer_type: LayerType) -> bool:
    """Whether the layer is a matrix product of rows and weights."""
    return layer_type.kind == "linear" or (
        layer_type.kind == "pw" and layer_type.groups == 1 and layer_type.stride == (1, 1)
    )


def layer_call(layer_type: LayerType, precision: Precision, device: str) -> Callable[[], Any]:
    """A call that computes a layer on random values and returns its output.

    Raises
    ------
    Exception
        If torch has no such kernel for this shape on this device; it raises what it likes.
    """
    torch = import_torch()
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Any:
        return torch.randn(shape, generator=generator).to(device)

    fan_in = layer_type.weights // layer_type.out_channels
    if is_product(layer_type):
        rows = random(prod(layer_type.in_size), layer_type.in_channels)
        weights = random(layer_type.out_channels, layer_type.in_channels) / fan_in**0.5
        return PRODUCTS[precision](torch, rows, weights, random(layer_type.out_channels) / 10)
    kind = {FLOAT32: torch.float32, FLOAT16: torch.float16, BFLOAT16: torch.bfloat16}[precision]
    last = torch.channels_last
    image = random(1, layer_type.in_channels, *layer_type.in_size)
    shape = (layer_type.out_channels, layer_type.in_channels // layer_type.groups)
    filters = random(*shape, *layer_type.kernel) / fan_in**0.5
    image, filters = (x.to(kind).contiguous(memory_format=last) for x in (image, filters))
    bias = (random(layer_type.out_channels) / 10).to(kind)
    options = {
        name: getattr(layer_type, name) for name in ("stride", "padding", "dilation", "groups")
    }
    return lambda: torch.nn.functional.conv2d(image, filters, bias, **options)


def float_product(kind: str) -> Callable[..., Callable[[], Any]]:
    """Products in one of torch's floating point types."""

    def product(torch: Any, rows: Any, weights: Any, bias: Any) -> Callable[[], Any]:
        x, w, b = (tensor.to(getattr(torch, kind)) for tensor in (rows, weights, bias))
        return lambda: torch.nn.functional.linear(x, w, b)

    return product


def int8_product(torch: Any, rows: Any, weights: Any, bias: Any) -> Callable[[], Any]:
    """int8 rows with one scale and weights with one per output, summed in int32, to float16."""
    x_scale, w_scale = rows.abs().max() / 127, weights.abs().amax(dim=1) / 127
    x = (rows / x_scale).round().to(torch.int8)
    w = (weights / w_scale[:, None]).round().to(torch.int8).t()
    scale = x_scale * w_scale

    def call() -> Any:
        sums = torch._int_mm(x, w)  # noqa: SLF001
        return torch.addcmul(bias, sums, scale).to(torch.float16)

    return call


def fp8_product(torch: Any, rows: Any, weights: Any, bias: Any) -> Callable[[], Any]:
    """Rows and weights of four exponent and three mantissa bits, to bfloat16."""
    kind = torch.float8_e4m3fn
    largest = torch.finfo(kind).max
    scales = [tensor.abs().max() / largest for tensor in (rows, weights)]
    x, w = (tensor / s for tensor, s in zip((rows, weights), scales, strict=True))
    x, w, b = x.to(kind), w.to(kind).t(), bias.to(torch.bfloat16)

    def call() -> Any:
        return torch._scaled_mm(  # noqa: SLF001
            x, w, scale_a=scales[0], scale_b=scales[1], bias=b, out_dtype=torch.bfloat16
        )

    return call


def int4_product(torch: Any, rows: Any, weights: Any, bias: Any) -> Callable[[], Any]:
    """bfloat16 rows and 4-bit weights: code - 8 times a scale per group, and no offset."""
    groups = weights.reshape(len(weights), -1, GROUP)
    scales = groups.abs().amax(dim=2) / 7
    codes = ((groups / scales[..., None]).round() + 8).to(torch.uint8).reshape(weights.shape)
    pairs = codes[:, ::2] << 4 | codes[:, 1::2]
    packed = torch._convert_weight_to_int4pack(pairs, 8)  # noqa: SLF001
    zeros = torch.zeros_like(scales)
    scales_and_zeros = torch.stack((scales, zeros), dim=2).transpose(0, 1).contiguous()
    parts = (scales_and_zeros, rows, bias)
    scales_and_zeros, x, b = (tensor.to(torch.bfloat16) for tensor in parts)
    product = torch._weight_int4pack_mm  # noqa: SLF001
    return lambda: product(x, packed, GROUP, scales_and_zeros) + b


PRODUCTS: dict[Precision, Callable[..., Callable[[], Any]]] = {
    FLOAT32: float_product("float32"),
    FLOAT16: float_product("float16"),
    BFLOAT16: float_product("bfloat16"),
    INT8: int8_product,
    FP8: fp8_product,
    INT4: int4_product,
}
