"""What a layer stores beside its weights: schemes of requantisation, each by a name.

Per output channel, tables turn the int32 accumulator into the next layer's activations: a bias and
a multiplier of 32 bits, a shift of 8 bits, and zero points where weights have them. How many bytes
that takes depends on the scheme (Rusci, Capotondi and Benini, "Memory-driven mixed low precision
quantization for enabling deep network inference on microcontrollers", MLSys 2020, as the authors'
code counts them).
"""

from __future__ import annotations

from dataclasses import dataclass

from mpsolve.errors import InputError

#: Weights and outputs of fewer bits cannot be requantised by folded batch normalisation.
FOLDED_BITS = 8


@dataclass(frozen=True, slots=True)
class Tables:
    """Bytes of a layer's tables: so many per output channel, and so many for the layer."""

    per_channel: int
    per_layer: int

    def bytes(self, channels: int) -> int:
        """The bytes of a layer of so many output channels."""
        return self.per_channel * channels + self.per_layer


@dataclass(frozen=True, slots=True)
class Scheme:
    """What is stored beside the weights.

    Attributes
    ----------
    description
        One sentence for people.
    inner
        The tables of a layer, its bias included.
    last
        Those of a layer behind which no other comes.
    narrow
        Those of an inner layer whose weights or outputs have less than eight bits, where they
        differ.
    biases
        Whether a bias is stored by itself, in 32 bits per channel, for layers that have one.
    """

    description: str
    inner: Tables
    last: Tables
    narrow: Tables | None = None
    biases: bool = False

    def table_bytes(
        self, channels: int, b_wt: float, out_bits: float | None, last: bool = False
    ) -> int:
        """Bytes of the tables of a layer; where the output's bits decide, unknown ones the most."""
        if last:
            return self.last.bytes(channels)
        if self.narrow is None:
            return self.inner.bytes(channels)
        folded, normalised = self.inner.bytes(channels), self.narrow.bytes(channels)
        if b_wt < FOLDED_BITS:
            return normalised
        if out_bits is None:
            return max(folded, normalised)
        return folded if out_bits >= FOLDED_BITS else normalised


_FOLDING, _ICN = Tables(4, 20), Tables(9, 12)

SCHEMES: dict[str, Scheme] = {
    "weights": Scheme("weights and biases alone", Tables(0, 0), Tables(0, 0), biases=True),
    "folding": Scheme("per layer, batch normalisation folded into the weights", _FOLDING, _FOLDING),
    "icn": Scheme("per layer, integer channel normalisation", _ICN, _FOLDING),
    "folding-icn": Scheme(
        "per layer, folded where weights and outputs have 8 bits, else integer channel "
        "normalisation",
        _FOLDING,
        _FOLDING,
        narrow=_ICN,
    ),
    "icn-channel": Scheme(
        "per channel, integer channel normalisation", Tables(10, 8), Tables(7, 4)
    ),
    "quantlib": Scheme("as quantlib counts a layer", Tables(11, 2), Tables(11, 2)),
}


def scheme_named(name: str) -> Scheme:
    """The scheme of this name; unknown names are refused."""
    if name not in SCHEMES:
        raise InputError(f"There is no scheme {name!r} of tables; there are {', '.join(SCHEMES)}.")
    return SCHEMES[name]
