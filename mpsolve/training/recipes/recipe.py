"""What a recipe says."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.storage.frozen import Picklable

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHMS = ("full_precision", "bayesian_bits", "edmips", "tqt")
METHODS = ("sgd", "adam")
#: A clipping bound that is the greatest value seen when quantisation starts.
MAX = "max"


@dataclass(frozen=True, slots=True)
class OptimiserSettings:
    """How one group of parameters is trained.

    Attributes
    ----------
    method
        ``sgd`` or ``adam``.
    learning_rate
        At the beginning.
    momentum
        Of SGD.
    weight_decay
        Factor of the parameter that is added to its gradient.
    milestones
        After how many epochs the learning rate is multiplied by ``decay``, in ascending order.
    decay
        That factor.
    """

    method: str
    learning_rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    milestones: tuple[int, ...] = ()
    decay: float = 0.1

    def __post_init__(self) -> None:
        _require(self.method in METHODS, f"method is one of {', '.join(METHODS)}")
        _require(0 < self.learning_rate < inf, "learning_rate must be positive and finite")
        _require(0 <= self.momentum < 1, "momentum must be from 0 to below 1")
        _require(not self.momentum or self.method == "sgd", "adam has no momentum to set")
        _require(self.weight_decay >= 0, "weight_decay must not be negative")
        ascending = list(self.milestones) == sorted(set(self.milestones))
        _require(ascending and min(self.milestones, default=1) > 0, "milestones must ascend from 1")
        _require(0 < self.decay <= 1, "decay must be above 0 and at most 1")


@dataclass(frozen=True, slots=True)
class QuantisationSettings:
    """When quantisation starts, and where its clipping bounds begin.

    Attributes
    ----------
    start_epoch
        Activations and weights are quantised from this epoch on, counted from 0.
    activation_clip
        A number, or ``max``: the greatest value that is seen when quantisation starts, see
        `calibrate`. The papers have 6, for ReLU6; ``max`` is for networks with plain ReLU, whose
        activations may be much larger or smaller. After ReLU6 both are 6.
    adder_clip
        The same for what adders read and write.
    normed_gradients
        Whether the gradients of learned thresholds are normed (TQT, appendix B), as plain SGD
        needs it.
    signed_input
        Whether codes of the network's input have a sign; by default, if the data have.
    """

    start_epoch: int = 0
    activation_clip: float | str = 6.0
    adder_clip: float | str = MAX
    normed_gradients: bool = False
    signed_input: bool | None = None

    def __post_init__(self) -> None:
        _require(self.start_epoch >= 0, "start_epoch must not be negative")
        for name in ("activation_clip", "adder_clip"):
            value = getattr(self, name)
            good = value == MAX if isinstance(value, str) else value > 0
            _require(good, f'{name} is a positive number or "{MAX}"')


@dataclass(frozen=True, slots=True)
class BayesianBitsSettings:
    """The differentiable search of Free Bits (section 3.1).

    Attributes
    ----------
    strengths
        Values of mu_0, the weight of the regulariser; each gives one configuration.
    gate_init
        Phi_0, where the parameters of the gates begin.
    temperature
        Of the hard concrete distribution of the gates.
    locked
        Whether a layer and its input share their gates.
    """

    strengths: tuple[float, ...] = (0.01, 0.03, 0.06, 0.12)
    gate_init: float = 2.0
    temperature: float = 0.5
    locked: bool = False

    def __post_init__(self) -> None:
        _require_strengths(self.strengths)
        _require(self.temperature > 0, "temperature must be positive")


@dataclass(frozen=True, slots=True)
class EdMipsSettings:
    """The differentiable search of EdMIPS.

    Attributes
    ----------
    strengths
        Values of eta, the weight of the expected cost in the loss; each gives one configuration.
    initial_alpha
        Where the logits of all branches begin.
    """

    strengths: tuple[float, ...]
    initial_alpha: float = 0.01

    def __post_init__(self) -> None:
        _require_strengths(self.strengths)


@dataclass(frozen=True, eq=False)
class Recipe(Picklable):
    """How a network is trained.

    Attributes
    ----------
    epochs, batch_size
        How long, and how many examples make a step, on all devices together.
    optimisers
        Group of parameters -> how it is trained; ``weights`` are all that a search does not add.
    name, source
        What it is called, and where its numbers come from.
    algorithm
        One of `ALGORITHMS`.
    network, data
        The model (`mpsolve.training.build_model`) and the data (`mpsolve.training.load_data`) that
        the recipe is for, where it says so.
    seed
        Of the order of the examples and of everything random in training.
    clip_norm
        The greatest norm of all gradients together, if it is bounded.
    patience
        After how many epochs without a better validation accuracy training ends; then, and at the
        regular end too, the model gets the weights of the best epoch. None trains all epochs and
        keeps the last weights.
    quantisation, bayesian_bits, edmips
        The settings of an algorithm that has such.

    Raises
    ------
    InputError
        If a number makes no sense.
    """

    epochs: int
    batch_size: int
    optimisers: Mapping[str, OptimiserSettings]
    name: str = ""
    source: str = ""
    algorithm: str = "full_precision"
    network: str = ""
    data: str = ""
    seed: int = 0
    clip_norm: float | None = None
    patience: int | None = None
    quantisation: QuantisationSettings = field(default_factory=QuantisationSettings)
    bayesian_bits: BayesianBitsSettings | None = None
    edmips: EdMipsSettings | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "optimisers", MappingProxyType(dict(self.optimisers)))
        _require(self.epochs >= 0, "epochs must not be negative")
        _require(self.batch_size > 0, "batch_size must be positive")
        _require(bool(self.optimisers), "optimisers are missing; give [optimisers.weights]")
        known = ", ".join(ALGORITHMS)
        _require(self.algorithm in ALGORITHMS, f"algorithm is one of {known}")
        _require(self.seed >= 0, "seed must not be negative")
        _require(self.clip_norm is None or self.clip_norm > 0, "clip_norm must be positive")
        _require(self.patience is None or self.patience > 0, "patience must be positive")
        for name in ("bayesian_bits", "edmips"):
            given = getattr(self, name) is not None
            wanted = self.algorithm == name
            _require(given or not wanted, f"[{name}] is missing, which {name} needs")
            _require(wanted or not given, f"[{name}] belongs to the algorithm {name}")

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        for name, value in plain.items():
            if hasattr(value, "__dataclass_fields__"):
                plain[name] = asdict(value)
        return plain | {"optimisers": {name: asdict(own) for name, own in self.optimisers.items()}}

    @property
    def strengths(self) -> tuple[float, ...]:
        """Those of the regulariser of a search; none for other algorithms."""
        search = self.bayesian_bits or self.edmips
        return search.strengths if search else ()


def _require_strengths(strengths: tuple[float, ...]) -> None:
    good = bool(strengths) and min(strengths) >= 0
    _require(good, "strengths are numbers that are not negative, at least one")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise InputError(f"{what}.")
