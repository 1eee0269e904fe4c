"""The networks that are known by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.profiles.networks.architectures import (
    mlperf_tiny,
    mnasnet_a1,
    mobilenet_v1,
    mobilenet_v2,
    resnet,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.profiles.networks.network import Network

#: ``_0.75``, ``_192`` or ``_0.75_192`` after the name of a scalable network.
_SCALE = re.compile(r"(?:_(?P<width>\d+\.\d*|\d(?=_)))?(?:_(?P<resolution>\d+))?")


@dataclass(frozen=True, slots=True)
class NamedNetwork:
    """What is to know about a network before building it.

    Attributes
    ----------
    name
        Its name.
    description
        A few words for people.
    source
        The publication that describes it.
    build
        Builds it, given its name and, if it is scalable, ``width`` and ``resolution``.
    scalable
        Whether a width multiplier and an input resolution may follow the name:
        ``mobilenet_v1_0.75_192``.
    """

    name: str
    description: str
    source: str
    build: Callable[..., Network]
    scalable: bool = True


_IMAGENET = "1000 classes, 224 x 224 pixels"
_NETWORKS = (
    NamedNetwork(
        "mobilenet_v1",
        f"MobileNetV1, {_IMAGENET}",
        mobilenet_v1.PAPER,
        mobilenet_v1.mobilenet_v1,
    ),
    NamedNetwork(
        "mobilenet_v2",
        f"MobileNetV2, {_IMAGENET}",
        mobilenet_v2.PAPER,
        mobilenet_v2.mobilenet_v2,
    ),
    NamedNetwork(
        "mnasnet_a1",
        f"MNasNet-A1 with squeeze and excitation, {_IMAGENET}",
        mnasnet_a1.PAPER,
        mnasnet_a1.mnasnet_a1,
    ),
    *(
        NamedNetwork(
            f"resnet{depth}",
            f"ResNet{depth}{' v1.5' if depth >= resnet.BOTTLENECK_DEPTH else ''}, {_IMAGENET}",
            resnet.PAPER,
            partial(resnet.resnet, depth=depth),
        )
        for depth in resnet.BLOCKS
    ),
    NamedNetwork(
        "resnet8",
        "ResNet8 for image classification, 10 classes, 32 x 32 pixels",
        mlperf_tiny.PAPER,
        mlperf_tiny.resnet8,
        scalable=False,
    ),
    NamedNetwork(
        "ds_cnn",
        "DS-CNN for keyword spotting, 12 words, 49 x 10 spectrogram",
        mlperf_tiny.PAPER,
        mlperf_tiny.ds_cnn,
        scalable=False,
    ),
    NamedNetwork(
        "vww_mobilenet",
        "MobileNetV1 of width 0.25 for visual wake words, 2 classes, 96 x 96 pixels",
        mlperf_tiny.PAPER,
        mlperf_tiny.vww_mobilenet,
        scalable=False,
    ),
    NamedNetwork(
        "autoencoder",
        "Autoencoder for anomaly detection, 640 spectral values",
        mlperf_tiny.PAPER,
        mlperf_tiny.autoencoder,
        scalable=False,
    ),
)


def named_networks() -> tuple[NamedNetwork, ...]:
    """All networks that are known by name."""
    return _NETWORKS


def named_network(name: str) -> Network:
    """Build a network that is known by name.

    Parameters
    ----------
    name
        One of `named_networks`; ImageNet's may be followed by a width multiplier, an input
        resolution, or both: ``mobilenet_v1_0.75``, ``resnet18_192``, ``mobilenet_v2_0.35_96``.
        Without them they are 1 and 224.

    Raises
    ------
    InputError
        If there is no such network; the message lists similar names.
    """
    found = _find(name)
    if found is None:
        raise InputError(f"There is no network {name!r}; try {similar_networks(name)}.")
    known, width, resolution = found
    if not known.scalable:
        return known.build(name=known.name)
    if not (width > 0 and resolution > 0):
        raise InputError(f"The width and the resolution of {known.name} must be positive.")
    short = known.name  # without what goes without saying
    short += "" if width == 1 else f"_{width}"
    short += "" if resolution == 224 else f"_{resolution}"
    return known.build(name=short, width=width, resolution=resolution)


def is_named_network(name: str) -> bool:
    """Whether `named_network` knows this name."""
    return _find(name) is not None


def similar_networks(name: str) -> str:
    """The names that a person may have meant, or all of them."""
    from difflib import get_close_matches

    names = [known.name for known in _NETWORKS]
    return ", ".join(get_close_matches(name.strip().lower(), names, n=3, cutoff=0.5) or names)


def _find(name: str) -> tuple[NamedNetwork, float, int] | None:
    """The network that a name begins with, its width and its resolution."""
    text = name.strip().lower()
    for known in _NETWORKS:
        scale = _SCALE.fullmatch(text.removeprefix(known.name))
        if text == known.name or (known.scalable and text.startswith(known.name) and scale):
            assert scale
            return known, float(scale["width"] or 1), int(scale["resolution"] or 224)
    return None
