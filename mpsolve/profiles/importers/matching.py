"""Finding the layers of a network in the names that profilers give to what they timed.

A profiler names fused operators after their parts, ``conv1 + relu1``, and adds to the names,
``conv1_quant``. A layer is found in a part that contains its name between characters that are
neither letters nor digits. Where a part contains several names, such as ``conv1`` and
``block.conv1`` in ``/block/conv1/Conv``, the longest is meant.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.profiles.networks.network import Network

#: Between the parts of a fused operator.
_JOINTS = re.compile(r" \+ | \|\| ")
_SEPARATORS = re.compile(r"[^0-9A-Za-z]+")


class Matcher:
    """Knows the names of a network's layers and of their nodes.

    Parameters
    ----------
    network
        The network.

    Raises
    ------
    InputError
        If two layers differ only in characters that are neither letters nor digits.
    """

    def __init__(self, network: Network) -> None:
        self._layers: dict[str, str] = {}
        for layer in network.layers:
            for name in (layer.name, *(node.name for node in layer.nodes)):
                other = self._layers.setdefault(_plain(name), layer.name)
                if other != layer.name:
                    raise InputError(
                        f"{network.name}: the layers {other} and {layer.name} cannot be told apart "
                        "in a profile; rename one of them."
                    )

    def layers(self, name: str) -> tuple[str, ...]:
        """The layers that an operator computes, in the order of its parts."""
        found: dict[str, None] = {}
        for part in map(_plain, _JOINTS.split(name)):
            known = [plain for plain in self._layers if plain in part]
            longest = max(map(len, known), default=0)
            found |= {self._layers[plain]: None for plain in known if len(plain) == longest}
        return tuple(found)


def _plain(name: str) -> str:
    """The name with a dot at both ends and for all that is neither letter nor digit."""
    return f".{_SEPARATORS.sub('.', name).strip('.')}."
