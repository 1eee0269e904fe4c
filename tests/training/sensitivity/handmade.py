"""A quantisable model that is written by hand, layer after layer, with a formula for everything."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mpsolve.model.configuration import Configuration
from mpsolve.model.precision import Precision
from mpsolve.training import Mode, Quantiser, UniformQuantiser, set_mode
from mpsolve.training.sensitivity.examples import Examples
from tests.training.support import normal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class HandMade(nn.Module):
    """Quantises what every linear layer or convolution of a sequence reads, and its weights.

    ``branches`` are further linear layers that read the input of the last one and are added to it.
    """

    def __init__(self, modules: Sequence[nn.Module], branches: Sequence[nn.Module] = ()) -> None:
        super().__init__()
        self.steps = nn.ModuleList(modules)
        self.branches = nn.ModuleList(branches)
        named = {f"layer{i}": m for i, m in enumerate(self.steps) if hasattr(m, "kernel_size")}
        named |= {f"layer{i}": m for i, m in enumerate(self.steps) if isinstance(m, nn.Linear)}
        last = max(named, key=lambda name: int(name.removeprefix("layer")))
        shared = [last, *(f"branch{i}" for i in range(len(branches)))]
        named |= {f"branch{i}": m for i, m in enumerate(self.branches)}
        self.named = named
        self.groups = {name: tuple(shared) if name in shared else (name,) for name in named}
        self.network = SimpleNamespace(layers=[SimpleNamespace(name=name) for name in named])
        self.weight_quantisers = nn.ModuleDict(
            {name: UniformQuantiser(8, True, channels=len(m.weight)) for name, m in named.items()}  # type: ignore[arg-type]
        )
        firsts = dict.fromkeys(group[0] for group in self.groups.values())
        self.activation_quantisers = nn.ModuleDict(
            {name: UniformQuantiser(8, True, threshold=4.0) for name in firsts}
        )
        set_mode(self, Mode.QUANTISE)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """As the sequence; the branches go beside its last layer."""
        for i, module in enumerate(self.steps):
            name = f"layer{i}"
            if name not in self.named:
                x = module(x)
                continue
            group = self.groups[name]
            x = self.activation_quantisers[group[0]](x)
            x = torch.stack([self._layer(member, x) for member in group]).sum(0)
        return x

    def _layer(self, name: str, x: Tensor) -> Tensor:
        module: Any = self.named[name]
        weight = self.weight_quantisers[name](module.weight)
        if isinstance(module, nn.Linear):
            return F.linear(x, weight, module.bias)
        return F.conv2d(x, weight, module.bias, module.stride, module.padding)

    def group_of(self, layer: str) -> Any:
        """See `QuantisableModel`."""
        return SimpleNamespace(layers=self.groups[layer])

    def quantiser(self, layer: str, operand: str) -> Quantiser:
        """See `QuantisableModel`."""
        found = (
            self.weight_quantisers[layer]
            if operand == "weight"
            else self.activation_quantisers[self.groups[layer][0]]
        )
        assert isinstance(found, Quantiser)
        return found

    @contextmanager
    def mode(self, mode: Mode | str) -> Iterator[None]:
        """See `QuantisableModel`."""
        was = {m: m.mode for m in self.modules() if isinstance(m, Quantiser)}
        set_mode(self, mode)
        try:
            yield
        finally:
            for module, own in was.items():
                module.mode = own

    @contextmanager
    def quantise_only(self, layer: str, operand: str, bits: int) -> Iterator[None]:
        """See `QuantisableModel`."""
        quantiser = self.quantiser(layer, operand)
        assert isinstance(quantiser, UniformQuantiser)
        was = quantiser.grid.bits
        quantiser.set_bits(bits)
        try:
            with self.mode(Mode.FLOAT):
                quantiser.mode = Mode.QUANTISE
                yield
        finally:
            quantiser.set_bits(was)

    @property
    def configuration(self) -> Configuration:
        """See `QuantisableModel`."""
        return Configuration(
            {
                name: Precision(
                    self.quantiser(name, "activation").grid.bits,
                    self.quantiser(name, "weight").grid.bits,
                )
                for name in self.named
            }
        )

    def apply_configuration(self, configuration: Mapping[str, Precision]) -> None:
        """See `QuantisableModel`."""
        for name, precision in configuration.items():
            for kind, bits in (("activation", precision.b_in), ("weight", precision.b_wt)):
                quantiser = self.quantiser(name, kind)
                assert isinstance(quantiser, UniformQuantiser)
                quantiser.set_bits(int(bits))


def convolutional(seed: int = 0) -> HandMade:
    """Convolutions with batch statistics, dropout and two layers that read one activation."""
    torch.manual_seed(seed)
    norm = nn.BatchNorm2d(4)
    model = HandMade(
        [
            nn.Conv2d(1, 4, 3, padding=1),
            norm,
            nn.ReLU(),
            nn.Conv2d(4, 4, 3),
            nn.Tanh(),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(16, 3),
        ],
        [nn.Linear(16, 3, bias=False)],
    )
    with torch.no_grad():
        norm.running_mean.copy_(normal(4, seed=1))  # type: ignore[union-attr]
        norm.running_var.copy_(1 + normal(4, seed=2).square())  # type: ignore[union-attr]
    return model


def images(count: int = 12, seed: int = 3, batch: int = 5) -> Examples:
    """Random images in batches of different sizes."""
    inputs = normal(count, 1, 4, 4, seed=seed)
    targets = torch.arange(count) % 3
    return Examples(tuple(zip(inputs.split(batch), targets.split(batch), strict=True)))


def linear(weight: Tensor, bias: Tensor | None = None) -> HandMade:
    """A single linear layer in float64, called ``layer0``."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias is not None, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None:
            layer.bias.copy_(bias)
    return HandMade([layer]).double()


def examples(
    inputs: Tensor, targets: Tensor, losses: Callable[[Tensor, Tensor], Tensor] | None = None
) -> Examples:
    """Two batches, of a third and the rest."""
    third = max(1, len(inputs) // 3)
    batches = [(inputs[part], targets[part]) for part in (slice(third), slice(third, None))]
    return Examples(tuple(batches), *([losses] if losses else []))


def rounded(x: Tensor, threshold: Tensor | float, bits: int) -> Tensor:
    """Signed quantisation, written out; thresholds go over axis 0."""
    scale = torch.as_tensor(threshold, dtype=x.dtype) / 2 ** (bits - 1)
    scale = scale.reshape(-1, *[1] * (x.ndim - 1)) if scale.ndim else scale
    codes = (x / scale).round()
    return codes.clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) * scale


def rounded_weight(weight: Tensor, bits: int) -> Tensor:
    """Weights with their largest magnitude per output channel as threshold."""
    return rounded(weight, weight.abs().flatten(1).amax(1), bits)
