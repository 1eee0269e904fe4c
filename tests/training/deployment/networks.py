"""Networks with batch statistics that do something, quantised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mpsolve import Configuration, Precision
from mpsolve.training.wrapping.fixed import FixedPrecision, Tqt
from mpsolve.training.wrapping.wrap import quantise_model
from tests.training.support import normal

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.profiles.networks.tensor_groups import Rules
    from mpsolve.training.wrapping.quantised_model import QuantisedModel


def conv(inputs: int, outputs: int, kernel: Any = 3, stride: int = 1, **more: Any) -> nn.Sequential:
    """Convolution and batch normalisation; an odd kernel keeps the size."""
    if "padding" not in more:
        more["padding"] = kernel // 2
    more = {"bias": False} | more
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, **more), nn.BatchNorm2d(outputs)
    )


class Residual(nn.Module):
    """A rectified sum, as in ResNet, and a linear bottleneck with a sum, as in MobileNetV2."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.a, self.b = conv(3, 8), conv(8, 8), conv(8, 8)
        self.narrow, self.wide = conv(8, 8, 1), conv(8, 16, 1)
        self.dw, self.project = conv(16, 16, groups=16), conv(16, 8, 1)
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        x = F.relu(x + self.b(F.relu(self.a(x))))
        x = self.narrow(x)
        y: Tensor = F.relu6(self.dw(F.relu6(self.wide(x))))
        x = x + self.project(y)
        return self.fc(x.mean((2, 3)))


class Separable(nn.Module):
    """Depthwise and pointwise convolutions, strided, with biases before batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(conv(3, 8, 3, 2, bias=True), nn.ReLU6()),
            *(conv(8, 8, 3, 1, groups=8), nn.ReLU6(), conv(8, 16, 1), nn.ReLU6()),
            *(conv(16, 16, 3, 2, groups=16, bias=True), nn.ReLU6(), conv(16, 16, 1), nn.ReLU6()),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(16, 5)),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y


class Pools(nn.Module):
    """Maxima before and after the activation, padded and not, and means of small windows."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = conv(3, 4, 5), conv(4, 8, padding="same")
        self.third, self.hidden = nn.Conv2d(8, 8, 2), nn.Linear(8, 8)
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.first(x)), 3, 2, padding=1)
        x = F.avg_pool2d(F.relu(F.max_pool2d(self.second(x), 2, stride=1)), 2, 1)
        x = self.hidden(F.max_pool2d(self.third(x).clamp(min=0, max=4), 1).flatten(1))
        y: Tensor = self.fc(F.relu(x))
        return y


class Convolutional(nn.Module):
    """Grouped convolutions, one after another without activation, and a head of maps."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = conv(3, 8, 1), conv(8, 8, (3, 1), padding=(1, 0), groups=2)
        self.head = nn.Conv2d(8, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(F.hardtanh(self.second(self.first(x)), -2.0, 2.0))
        return y


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "residual": Residual,
    "separable": Separable,
    "pools": Pools,
    "convolutional": Convolutional,
}
#: Bits of weights and of activations, as far as adders and the input do not keep 8.
MIXES = {"8": (8,), "4": (4,), "2": (2,), "mixed": (8, 2, 4, 4, 8, 2)}


def randomise(model: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights, and batch normalisation with factors that are negative or zero too."""
    with torch.no_grad():
        for number, module in enumerate(model.modules()):
            if isinstance(module, nn.BatchNorm2d):
                mean, variance, gamma, beta = normal(4, module.num_features, seed=seed + number)
                module.weight.copy_(gamma)
                module.weight[0] = 0
                module.bias.copy_(beta)
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.copy_(0.5 * mean)
                module.running_var.copy_(0.2 + variance.square())
            elif isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
                weight = normal(*module.weight.shape, seed=seed + number)
                module.weight.copy_(weight / weight[0].numel() ** 0.5)
                if module.bias is not None:
                    module.bias.copy_(0.3 * normal(len(weight), seed=seed + number + 1))
    return model.eval()


def images(number: int = 16, size: int = 8, channels: int = 3, seed: int = 0) -> Tensor:
    """``(N, C, H, W)`` inputs of either sign."""
    return normal(number, channels, size, size, seed=seed)


def quantised(
    model: nn.Module,
    inputs: Tensor,
    bits: tuple[int, ...] = (8,),
    *,
    learned: bool = True,
    last_per_tensor: bool = True,
    rules: Rules | None = None,
    signed_input: bool = True,
) -> QuantisedModel:
    """A model whose layers take bits in turn, with thresholds observed on the inputs."""
    build = (Tqt if learned else FixedPrecision)(last_per_tensor=last_per_tensor)
    wrapped = quantise_model(
        model, (inputs[:2],), build, rules, name="net", signed_input=signed_input
    )
    precisions = {}
    for group in wrapped.groups:
        for layer in group.layers:
            position = [layer.name for layer in wrapped.network.layers].index(layer)
            first = wrapped.groups.index(group)
            b_in = max(bits[first % len(bits)], group.least)
            precisions[layer] = Precision(b_in, bits[position % len(bits)])
    names = [layer.name for layer in wrapped.network.layers]
    wrapped.apply_configuration(Configuration({name: precisions[name] for name in names}))
    wrapped.observe([inputs])
    return wrapped
