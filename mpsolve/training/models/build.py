"""Building a network by its name."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import torch

from mpsolve.errors import InputError
from mpsolve.training.models.ds_cnn import ds_cnn
from mpsolve.training.models.ds_cnn_small import ds_cnn_small
from mpsolve.training.models.lenet import lenet
from mpsolve.training.models.mobilenet_v1 import mobilenet_v1
from mpsolve.training.models.mobilenet_v2 import mobilenet_v2
from mpsolve.training.models.resnet import resnet
from mpsolve.training.models.resnet8 import resnet8

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    Shape = tuple[int, int, int]

#: ``_0.75``, ``_192`` or ``_0.75_192`` after the name of a scalable network.
_SCALE = re.compile(r"(?:_(?P<width>\d+\.\d*|\d(?=_)))?(?:_(?P<resolution>\d+))?")


@dataclass(frozen=True, slots=True)
class _Model:
    """A known network, and the data that it was made for."""

    build: Callable[[int, Shape, float], nn.Module]
    classes: int
    shape: Shape
    scalable: bool = False


_MODELS = {
    "mobilenet_v1": _Model(lambda n, s, w: mobilenet_v1(n, s[0], w), 1000, (3, 224, 224), True),
    "mobilenet_v2": _Model(lambda n, s, w: mobilenet_v2(n, s[0], w), 1000, (3, 224, 224), True),
    "resnet18": _Model(lambda n, s, w: resnet(n, s[0], 18, w), 1000, (3, 224, 224), True),
    "resnet34": _Model(lambda n, s, w: resnet(n, s[0], 34, w), 1000, (3, 224, 224), True),
    "resnet50": _Model(lambda n, s, w: resnet(n, s[0], 50, w), 1000, (3, 224, 224), True),
    "resnet8": _Model(lambda n, s, w: resnet8(n, s[0]), 10, (3, 32, 32)),
    "ds_cnn": _Model(lambda n, s, w: ds_cnn(n, *s), 12, (1, 49, 10)),
    "ds_cnn_small": _Model(lambda n, s, w: ds_cnn_small(n, s[0]), 10, (1, 8, 8)),
    "lenet": _Model(lambda n, s, w: lenet(n, *s), 10, (1, 32, 32)),
}


def models() -> tuple[str, ...]:
    """The names of the networks that can be built."""
    return tuple(_MODELS)


def build_model(
    name: str,
    classes: int | None = None,
    input_shape: tuple[int, int, int] | None = None,
    *,
    seed: int | None = None,
) -> nn.Module:
    """Build a network with random weights.

    Parameters
    ----------
    name
        One of `models`; a width multiplier may follow the name of a network for ImageNet, and an
        input resolution: ``mobilenet_v1_0.75``, ``mobilenet_v2_1.0_192``.
    classes
        Outputs; by default those of the data that the network was made for.
    input_shape
        ``(channels, height, width)``; by default as above.
    seed
        Of the weights; without it they come from PyTorch's global generator.

    Raises
    ------
    InputError
        If there is no such network, or it cannot take such inputs; the message lists similar ones.
    """
    known, width, resolution = _find(name)
    shape = input_shape or default_shape(name)
    classes = known.classes if classes is None else classes
    if resolution and shape[1:] != (resolution, resolution):
        raise InputError(f"{name} takes {resolution} x {resolution} pixels, not {shape}.")
    if min(*shape, classes) < 1 or (known.build is _MODELS["lenet"].build and min(shape[1:]) < 4):
        raise InputError(f"{name} cannot map inputs of shape {shape} to {classes} classes.")
    with nullcontext() if seed is None else torch.random.fork_rng(devices=[]):
        if seed is not None:
            torch.manual_seed(seed)
        return known.build(classes, shape, width)


def default_shape(name: str) -> Shape:
    """``(channels, height, width)`` of the inputs that a network is made for."""
    known, _, resolution = _find(name)
    channels, height, width = known.shape
    return (channels, resolution or height, resolution or width)


def _find(name: str) -> tuple[_Model, float, int]:
    """The network that a name begins with, its width, and its resolution or 0."""
    for stem, known in _MODELS.items():
        scale = _SCALE.fullmatch(name.removeprefix(stem)) if name.startswith(stem) else None
        if name == stem or (known.scalable and scale):
            assert scale
            width = float(scale["width"] or 1)
            if not width > 0:
                raise InputError(f"The width of {name} must be positive.")
            return known, width, int(scale["resolution"] or 0)
    similar = ", ".join(get_close_matches(name, _MODELS, n=3, cutoff=0.5) or _MODELS)
    raise InputError(f"There is no model {name!r}; try {similar}.")
