"""The members of a network that comes in several widths and input resolutions."""

from __future__ import annotations

from pathlib import Path

from mpsolve.profiles.networks.named import named_networks

#: The resolutions of MobileNetV1 (Howard et al., 2017, table 7).
RESOLUTIONS = (224, 192, 160, 128)
#: Published width multipliers: MobileNetV1 (Howard et al., 2017, table 6), MobileNetV2 (Sandler et
#: al., 2018, with 1.4 and the reference implementation's 0.5, 0.75) and MNasNet (Tan et al., 2019,
#: figure 5).
WIDTHS = {
    "mobilenet_v1": (1.0, 0.75, 0.5, 0.25),
    "mobilenet_v2": (1.4, 1.0, 0.75, 0.5, 0.35),
    "mnasnet_a1": (1.4, 1.0, 0.75, 0.5, 0.35),
}


def family(name: str) -> tuple[str, ...]:
    """The networks that a name stands for.

    A scalable network without a width or a resolution is all of them, the largest first;
    ``mobilenet_v1_0.75_192`` is one network, ``mobilenet_v1_1.0_224`` the largest by itself, and
    so is anything else that `mpsolve.load_network` reads.
    """
    short = name.strip().lower()
    scalable = {known.name for known in named_networks() if known.scalable}
    if short not in scalable or Path(name).exists():
        return (name,)
    return tuple(
        f"{short}_{width}_{resolution}"
        for width in WIDTHS.get(short, (1.0,))
        for resolution in RESOLUTIONS
    )
