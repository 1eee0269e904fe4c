"""DS-CNN of MLPerf Tiny: Banbury et al., MLPerf Tiny Benchmark, arXiv:2106.07597, keyword
spotting. Its convolutions have biases beside the batch normalisation.

The first convolution is made for spectra, which are longer than wide. The reference pads it by four
rows above and five below; here there are five on either side, which gives as many outputs. Images,
which are square, get a kernel that is square too.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from mpsolve.training.models.blocks import classifier, depthwise_separable

CHANNELS = 64
BLOCKS = 4


def ds_cnn(classes: int, channels: int, height: int, width: int) -> nn.Sequential:
    """``conv0``, ``b0.dw``, ``b0.pw`` to ``b3.pw``, ``fc``: ten layers."""
    kernel, padding = ((3, 3), (1, 1)) if height == width else ((10, 4), (5, 1))
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    parts["conv0"] = nn.Conv2d(channels, CHANNELS, kernel, 2, padding)
    parts["conv0_norm"] = nn.BatchNorm2d(CHANNELS)
    parts["conv0_activation"] = nn.ReLU()
    for i in range(BLOCKS):
        parts[f"b{i}"] = depthwise_separable(CHANNELS, CHANNELS, 1, nn.ReLU, bias=True)
    return nn.Sequential(parts | classifier(CHANNELS, classes))
