"""Hard concrete gates, one per precision above the lowest (van Baalen et al., 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

import torch
from torch import nn

from mpsolve.errors import InputError
from mpsolve.training.search.choice import checked_precisions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@dataclass(frozen=True, slots=True)
class HardConcrete:
    """The distribution of a gate z with parameter phi (Louizos et al., ICLR 2018).

    z = clip(sigmoid((logit(u) + phi) / T) (zeta - gamma) + gamma, 0, 1) for uniform u.

    Attributes
    ----------
    temperature
        T: 0.5 in the code behind Free Bits, 2/3 in that of Bayesian Bits.
    gamma, zeta
        The ends of the stretched interval, below 0 and above 1.
    off
        A gate is off in the end unless P(z = 0) is smaller than this (Bayesian Bits: 0.34).
    """

    temperature: float = 0.5
    gamma: float = -0.1
    zeta: float = 1.1
    off: float = 0.34

    def __post_init__(self) -> None:
        if not (self.temperature > 0 and self.gamma < 0 and self.zeta > 1 and 0 < self.off < 1):
            raise InputError(
                f"{self} needs a temperature above 0, gamma below 0, zeta above 1, off in (0, 1)."
            )

    @property
    def shift(self) -> float:
        """The parameter at which P(z > 0) = 1/2."""
        return self.temperature * log(-self.gamma / self.zeta)

    @property
    def least_on(self) -> float:
        """The parameter above which a gate is on in the end."""
        return self.shift + log((1 - self.off) / self.off)

    def sample(self, phi: Tensor, uniform: Tensor) -> Tensor:
        """z for uniform numbers in [0, 1], which are kept off the ends."""
        edge = torch.finfo(uniform.dtype).eps
        logit = torch.logit(uniform, eps=edge)
        stretched = torch.sigmoid((logit + phi) / self.temperature)
        return (stretched * (self.zeta - self.gamma) + self.gamma).clamp(0, 1)

    def probability(self, phi: Tensor) -> Tensor:
        """P(z > 0)."""
        return torch.sigmoid(phi - self.shift)


#: The constants of Bayesian Bits; those of Free Bits are the defaults of `HardConcrete`.
QUALCOMM = HardConcrete(temperature=2 / 3)


class Gates(nn.Module):
    """Decides among precisions: each gate admits the next one, the lowest is always on.

    Quantisers that are given the same object decide alike: an activation and the weights of its
    consumers in the locked variant of Free Bits (section 3.1).

    Parameters
    ----------
    precisions
        ``K`` increasing bit-widths.
    initial
        The first parameter of every gate (Free Bits, Table 3).
    law
        The distribution of a gate.

    Attributes
    ----------
    phi
        ``(K - 1,)``. Weight decay must not touch it; see `parameter_groups`.

    Examples
    --------
    >>> Gates((2, 4, 8)).bits()
    8
    """

    def __init__(
        self,
        precisions: Sequence[int] = (2, 4, 8),
        *,
        initial: float = 2.0,
        law: HardConcrete | None = None,
    ) -> None:
        super().__init__()
        self._precisions = checked_precisions(tuple(precisions))
        self.law = law or HardConcrete()
        self.phi = nn.Parameter(torch.full((len(self._precisions) - 1,), float(initial)))

    @property
    def precisions(self) -> tuple[int, ...]:
        """The bit-widths, increasing."""
        return self._precisions

    def sample(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """``(K - 1, *shape)`` independent draws of every gate, differentiable in phi.

        Parameters
        ----------
        shape
            How many draws, as they broadcast with the tensor that is gated.
        generator
            Where the uniform numbers come from; None for torch's own.
        """
        device = generator.device if generator is not None else self.phi.device
        size = (len(self.phi), *shape)
        uniform = torch.rand(size, generator=generator, device=device, dtype=self.phi.dtype)
        phi = self.phi.reshape(-1, *[1] * len(shape))
        return self.law.sample(phi, uniform.to(self.phi.device))

    def reach(self) -> Tensor:
        """``(K - 1,)`` probabilities that all gates up to this one are on."""
        return self.law.probability(self.phi).cumprod(0)

    def probabilities(self) -> Tensor:
        """``(K,)`` probabilities of every precision: that this and no higher one is reached."""
        reach = self.reach()
        one, none = reach.new_ones(1), reach.new_zeros(1)
        return torch.cat([one, reach]) - torch.cat([reach, none])

    def mean(self, values: Tensor) -> Tensor:
        """The expectation of ``(K, ...)`` values, one for every precision: ``(...)``."""
        probabilities = self.probabilities()
        return torch.tensordot(probabilities, values.to(probabilities), 1)

    def bits(self) -> int:
        """The precision that would be taken now: the first gate that is off ends the chain."""
        on = (self.phi.detach() > self.law.least_on).cumprod(0)
        return self._precisions[int(on.sum())]
