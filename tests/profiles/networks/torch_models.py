"""Models written in PyTorch from their papers, independently of `mpsolve.profiles.networks`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

torch.set_num_threads(1)


def conv_bn(
    i: int, o: int, k: int = 3, s: int = 1, g: int = 1, act: Any = nn.ReLU6, bias: bool = False
) -> nn.Sequential:
    """A convolution, batch normalisation and activation."""
    conv = nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=bias)
    return nn.Sequential(conv, nn.BatchNorm2d(o), *([act()] if act else []))


class SqueezeExcite(nn.Module):
    """Channels times a function of their means."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))))


class InvertedResidual(nn.Module):
    """The block of MobileNetV2 and MNasNet."""

    def __init__(self, i: int, o: int, s: int, t: int, k: int = 3, se: bool = False) -> None:
        super().__init__()
        h = i * t
        layers: list[nn.Module] = [] if t == 1 else [conv_bn(i, h, 1)]
        layers += [conv_bn(h, h, k, s, h)]
        layers += [SqueezeExcite(h, i // 4)] if se else []
        self.layers = nn.Sequential(*layers, conv_bn(h, o, 1, act=None))
        self.residual = s == 1 and i == o

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class MobileNet(nn.Module):
    """MobileNetV2 or MNasNet-A1 by their settings ``(t, k, c, n, s, se)``."""

    def __init__(self, settings: tuple[tuple[int, int, int, int, int, bool], ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv_bn(3, 32, 3, 2)]
        i = 32
        for t, k, c, n, s, se in settings:
            for j in range(n):
                layers.append(InvertedResidual(i, c, 1 if j else s, t, k, se))
                i = c
        self.features = nn.Sequential(*layers, conv_bn(i, 1280, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.classifier(torch.flatten(F.adaptive_avg_pool2d(self.features(x), 1), 1))
        return y


def mobilenet_v2() -> nn.Module:
    """MobileNetV2, table 2."""
    return MobileNet(
        (
            (1, 3, 16, 1, 1, False),
            (6, 3, 24, 2, 2, False),
            (6, 3, 32, 3, 2, False),
            (6, 3, 64, 4, 2, False),
            (6, 3, 96, 3, 1, False),
            (6, 3, 160, 3, 2, False),
            (6, 3, 320, 1, 1, False),
        )
    )


def mnasnet_a1() -> nn.Module:
    """MNasNet-A1, figure 7."""
    return MobileNet(
        (
            (1, 3, 16, 1, 1, False),
            (6, 3, 24, 2, 2, False),
            (3, 5, 40, 3, 2, True),
            (6, 3, 80, 4, 2, False),
            (6, 3, 112, 2, 1, True),
            (6, 5, 160, 3, 2, True),
            (6, 3, 320, 1, 1, False),
        )
    )


class ResNet8(nn.Module):
    """The image classifier of MLPerf Tiny."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_bn(3, 16, act=nn.ReLU, bias=True)
        sizes = ((16, 16, 1), (16, 32, 2), (32, 64, 2))
        self.first = nn.ModuleList(conv_bn(i, o, 3, s, act=nn.ReLU, bias=True) for i, o, s in sizes)
        self.second = nn.ModuleList(conv_bn(o, o, act=None, bias=True) for _, o, _ in sizes)
        self.shortcuts = nn.ModuleList(nn.Conv2d(i, o, 1, s) for i, o, s in sizes[1:])
        self.fc = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for i in range(3):
            y = self.second[i](self.first[i](x))
            x = F.relu((self.shortcuts[i - 1](x) if i else x) + y)
        scores: Tensor = self.fc(F.avg_pool2d(x, 8).flatten(1))
        return scores


class TransformerBlock(nn.Module):
    """A decoder block with grouped keys and a gated feed-forward network."""

    def __init__(self, size: int = 32, heads: int = 4, groups: int = 2, hidden: int = 48) -> None:
        super().__init__()
        self.heads, self.groups, head = heads, groups, size // heads
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.q = nn.Linear(size, size, bias=False)
        self.k = nn.Linear(size, groups * head, bias=False)
        self.v = nn.Linear(size, groups * head, bias=False)
        self.o = nn.Linear(size, size, bias=False)
        self.gate = nn.Linear(size, hidden, bias=False)
        self.up = nn.Linear(size, hidden, bias=False)
        self.down = nn.Linear(hidden, size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        q, k, v = (
            layer(y).unflatten(-1, (heads, -1)).transpose(1, 2)
            for layer, heads in ((self.q, self.heads), (self.k, self.groups), (self.v, self.groups))
        )
        k, v = (x.repeat_interleave(self.heads // self.groups, 1) for x in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(y.transpose(1, 2).flatten(2))
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))
