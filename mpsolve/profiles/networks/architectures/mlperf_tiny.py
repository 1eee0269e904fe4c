"""The reference networks of MLPerf Tiny: Banbury et al., MLPerf Tiny Benchmark, NeurIPS 2021,
arXiv:2106.07597, and its repository mlcommons/tiny, folder ``benchmark/training``.

Their convolutions and linear layers have biases beside the batch normalisation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mpsolve.profiles.networks.architectures.mobilenet_v1 import mobilenet_v1
from mpsolve.profiles.networks.builder import NetworkBuilder

if TYPE_CHECKING:
    from mpsolve.profiles.networks.network import Network

PAPER = "Banbury et al., MLPerf Tiny Benchmark, arXiv:2106.07597, 2021"


def resnet8(name: str = "resnet8") -> Network:
    """Image classification on CIFAR-10: ``image_classification/keras_model.py``."""
    net = NetworkBuilder(name, f"{PAPER}, image classification")
    x = net.input(3, 32, 32)
    x = net.conv("conv0", x, 16, bias=True)
    for i, (channels, stride) in enumerate(((16, 1), (32, 2), (64, 2))):
        y = net.conv(f"b{i}.conv0", x, channels, 3, stride, bias=True)
        y = net.conv(f"b{i}.conv1", y, channels, bias=True)
        if stride != 1:
            x = net.pw(f"b{i}.shortcut", x, channels, stride, bias=True)
        x = net.add(f"b{i}.add", x, y)
    x = net.global_pool("pool", x)
    x = net.linear("fc", x, 10, bias=True)
    return net.build(x)


def ds_cnn(name: str = "ds_cnn") -> Network:
    """Keyword spotting: ``keyword_spotting/keras_model.py``, after Zhang et al., Hello Edge,
    arXiv:1711.07128. 49 spectra of 10 coefficients, 12 words."""
    net = NetworkBuilder(name, f"{PAPER}, keyword spotting")
    x = net.input(1, 49, 10)
    x = net.conv("conv0", x, 64, kernel=(10, 4), stride=2, bias=True)
    for i in range(4):
        x = net.dw(f"b{i}.dw", x, bias=True)
        x = net.pw(f"b{i}.pw", x, 64, bias=True)
    x = net.global_pool("pool", x)
    x = net.linear("fc", x, 12, bias=True)
    return net.build(x)


def vww_mobilenet(name: str = "vww_mobilenet") -> Network:
    """Visual wake words: MobileNetV1 of width 0.25 on 96 x 96 pixels, person or none:
    ``visual_wake_words/vww_model.py``."""
    network = mobilenet_v1(name, 0.25, 96, classes=2, bias=True)
    return replace(network, source=f"{PAPER}, visual wake words")


def autoencoder(name: str = "autoencoder") -> Network:
    """Anomaly detection: ``anomaly_detection/keras_model.py``, 5 spectra of 128 mel bands."""
    net = NetworkBuilder(name, f"{PAPER}, anomaly detection")
    x = net.input(640)
    for i, features in enumerate((128, 128, 128, 128, 8, 128, 128, 128, 128, 640)):
        x = net.linear(f"fc{i}", x, features, bias=True)
    return net.build(x)
