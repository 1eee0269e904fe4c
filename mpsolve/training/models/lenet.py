"""A network like LeNet-5: LeCun et al., Gradient-Based Learning Applied to Document Recognition,
1998, with ReLU, maximum pooling and padding. It has no batch normalisation."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


def lenet(classes: int, channels: int, height: int, width: int) -> nn.Sequential:
    """``conv0``, ``conv1``, ``fc0``, ``fc1``, ``fc``; images have at least 4 x 4 pixels."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for i, (before, after) in enumerate(((channels, 6), (6, 16))):
        parts[f"conv{i}"] = nn.Conv2d(before, after, 5, padding=2)
        parts[f"conv{i}_activation"] = nn.ReLU()
        parts[f"pool{i}"] = nn.MaxPool2d(2)
    parts["flatten"] = nn.Flatten()
    features = 16 * (height // 4) * (width // 4)
    for name, before, after in (("fc0", features, 120), ("fc1", 120, 84)):
        parts[name] = nn.Linear(before, after)
        parts[f"{name}_activation"] = nn.ReLU()
    parts["fc"] = nn.Linear(84, classes)
    return nn.Sequential(parts)
