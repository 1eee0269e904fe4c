"""Small models, written as people write them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.training.support import normal


def randomise(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give batch normalisation statistics and parameters that do something."""
    with torch.no_grad():
        for number, module in enumerate(model.modules()):
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
                size = module.num_features
                module.weight.copy_(1 + 0.2 * normal(size, seed=seed + number))
                module.bias.copy_(0.3 * normal(size, seed=seed + number + 1))
                module.running_mean.copy_(0.2 * normal(size, seed=seed + number + 2))  # type: ignore[union-attr]
                module.running_var.copy_(0.5 + normal(size, seed=seed + number + 3).square())  # type: ignore[union-attr]
    return model.eval()


def images(batch: int = 2, channels: int = 3, size: int = 8, seed: int = 0) -> Tensor:
    """``(batch, channels, size, size)`` inputs."""
    return normal(batch, channels, size, size, seed=seed)


class Small(nn.Module):
    """Convolution, depthwise and pointwise convolution, adder, pool and classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.dw = nn.Conv2d(4, 4, 3, 1, 1, groups=4, bias=False)
        self.bn2 = nn.BatchNorm2d(4)
        self.pw = nn.Conv2d(4, 4, 1)
        self.bn3 = nn.BatchNorm2d(4)
        self.act = nn.ReLU6()
        self.fc = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.stem(x)))
        y = self.act(self.bn2(self.dw(x)))
        x = x + self.bn3(self.pw(y))
        x = F.adaptive_avg_pool2d(x, 1)
        scores: Tensor = self.fc(x.flatten(1))
        return scores


class InPlace(nn.Module):
    """The block of torchvision's ResNet, with activations and additions in place."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, 2, 1, bias=False)
        self.bn = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2)
        self.conv1 = nn.Conv2d(4, 8, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(8)
        self.downsample = nn.Sequential(nn.Conv2d(4, 8, 1, bias=False), nn.BatchNorm2d(8))
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.bn(self.stem(x))))
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.downsample(x)
        out = self.relu(out)
        scores: Tensor = self.fc(torch.flatten(out.mean((2, 3)), 1))
        return scores


class Inverted(nn.Module):
    """Two inverted residual blocks of MobileNetV2, the second one with an adder, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                *(nn.Conv2d(i, 8, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6()),
                *(nn.Conv2d(8, 8, 3, 1, 1, groups=8, bias=False), nn.BatchNorm2d(8), nn.ReLU6()),
                *(nn.Conv2d(8, 4, 1, bias=False), nn.BatchNorm2d(4)),
            )
            for i in (3, 4)
        )
        self.head = nn.Conv2d(4, 6, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers[0](x)
        y: Tensor = self.head(torch.add(x, self.layers[1](x)))
        return y


class Shared(nn.Module):
    """One module is called twice; dropout follows the mode."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.fc = nn.Linear(6, 6)
        self.last = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x))
        x = F.relu(self.fc(x))
        x = F.dropout(F.relu(self.fc(x)), 0.5, training=self.training)
        y: Tensor = self.last(x)
        return y


class Branches(nn.Module):
    """Two layers read one tensor, and their outputs are concatenated."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU6())
        self.left = nn.Sequential(nn.Conv2d(4, 2, 1), nn.Sigmoid())
        self.right = nn.Sequential(nn.Conv2d(4, 2, 3, padding=1, padding_mode="reflect"), nn.ReLU())
        self.end = nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y: Tensor = self.end(torch.cat([self.left(x), self.right(x)], dim=1))
        return y


class Signal(nn.Module):
    """One dimension, uneven circular padding, and outputs of two kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 4, 4, padding="same", padding_mode="circular")
        self.bn = nn.BatchNorm1d(4)
        self.pool = nn.AvgPool1d(2)
        self.next = nn.Conv1d(4, 3, 3, padding=1)
        self.unused = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.bn(self.conv(x)).clamp(min=0)
        return self.next(self.pool(y)), y.mean()


MODELS = {
    "small": (Small, images()),
    "in place": (InPlace, images(size=16)),
    "inverted": (Inverted, images()),
    "shared": (Shared, normal(4, 6)),
    "branches": (Branches, images()),
    "signal": (Signal, normal(2, 2, 10)),
}
