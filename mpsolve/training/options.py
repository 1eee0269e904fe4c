"""What runs of training are asked for, with every default: no torch, so that commands read it too.

Functions take the attributes as keywords: ``finetune(..., folder="run", device="cpu")``. What is
``...Keywords`` is for type checkers, and says no more than the class of the same name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from os import PathLike

    from torch import Tensor, nn

    from mpsolve.profiles.networks.tensor_groups import Rules
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.training.callbacks import Callback
    from mpsolve.training.metrics import Recorder
    from mpsolve.training.progress import Count, TrainingProgress

Method: TypeAlias = Literal["bayesian-bits", "edmips"]
Decomposition: TypeAlias = Literal["difference", "residual"]
Regulariser: TypeAlias = Literal["bop", "joint", "latency"]

#: Search -> the algorithm that its recipe must be for.
METHODS: dict[Method, str] = {"bayesian-bits": "bayesian_bits", "edmips": "edmips"}


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How `train` trains, besides its recipe.

    Attributes
    ----------
    groups
        Group of parameters -> its members, where the recipe has others than ``weights``.
    extra_loss
        A scalar that is added to the mean cross entropy of every batch, such as a regulariser.
    callbacks
        What else happens; in this order.
    checkpoint
        A file. If it exists, training goes on from it; it is written after every epoch, and on
        Ctrl-C after the present batch.
    checkpoint_batches
        Writes it also after every so many batches of an epoch.
    recorders
        What takes up the figures of every epoch: ``epoch`` (from 1), ``loss``, ``extra_loss``,
        ``accuracy`` (of training, as it went), ``validation_loss``, ``validation_accuracy``,
        ``learning_rate.GROUP``, ``seconds``, and what callbacks add.
    progress
        Called after every batch.
    device
        ``auto`` (CUDA where there is some), ``cpu``, ``cuda`` or ``cuda:1``.
    workers
        Processes that read examples ahead, where that is worth it.
    """

    groups: Mapping[str, Iterable[nn.Parameter]] | None = None
    extra_loss: Callable[[nn.Module], Tensor] | None = None
    callbacks: Sequence[Callback] = ()
    checkpoint: str | PathLike[str] | None = None
    checkpoint_batches: int | None = None
    recorders: Sequence[Recorder] = ()
    progress: Callable[[TrainingProgress], None] | None = None
    device: str = "auto"
    workers: int = 0


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where a run is kept and computed.

    Attributes
    ----------
    folder
        Where to keep it: its settings, checkpoint and metrics, and what it finds. If there is a run
        with the same settings, it goes on.
    seed
        Of everything random, instead of that of the recipe or the settings.
    name
        How the model is called in the records.
    device, workers
        As in `TrainOptions`.
    """

    folder: str | PathLike[str] | None = None
    seed: int | None = None
    name: str = ""
    device: str = TrainOptions.device
    workers: int = TrainOptions.workers


@dataclass(frozen=True, kw_only=True)
class RecipeOptions(RunOptions):
    """Of a run that trains by a recipe.

    Attributes
    ----------
    progress, checkpoint_batches
        As in `TrainOptions`.
    """

    progress: Callable[[TrainingProgress], None] | None = None
    checkpoint_batches: int | None = None


@dataclass(frozen=True, kw_only=True)
class SearchOptions(RecipeOptions):
    """Of `search_precisions`.

    Attributes
    ----------
    locked
        Let a layer and its input share gates; by default as the recipe says.
    decomposition
        As in `BayesianBitsQuantiser`.
    regulariser
        ``bop`` is that of the method's paper, ``joint`` `expected_bops`, and ``latency``
        `expected_latency`, which needs a table.
    table
        Latencies of every layer in every precision.
    rules
        What to ask of activations.
    """

    locked: bool | None = None
    decomposition: Decomposition = "difference"
    regulariser: Regulariser = "bop"
    table: LatencyTable | None = None
    rules: Rules | None = None


@dataclass(frozen=True, kw_only=True)
class FinetuneOptions(RecipeOptions):
    """Of `finetune`.

    Attributes
    ----------
    rules
        What to ask of activations.
    last_per_tensor
        Give the weights of the last layer a single threshold.
    """

    rules: Rules | None = None
    last_per_tensor: bool = False


class ComputeKeywords(TypedDict, total=False):
    """How a training inside something else computes."""

    progress: Callable[[TrainingProgress], None] | None
    device: str
    workers: int


class TrainKeywords(ComputeKeywords, total=False):
    """See `TrainOptions`."""

    groups: Mapping[str, Iterable[nn.Parameter]] | None
    extra_loss: Callable[[nn.Module], Tensor] | None
    callbacks: Sequence[Callback]
    checkpoint: str | PathLike[str] | None
    checkpoint_batches: int | None
    recorders: Sequence[Recorder]


class RunKeywords(TypedDict, total=False):
    """See `RunOptions`."""

    folder: str | PathLike[str] | None
    seed: int | None
    name: str
    device: str
    workers: int


class RecipeKeywords(RunKeywords, total=False):
    """See `RecipeOptions`."""

    progress: Callable[[TrainingProgress], None] | None
    checkpoint_batches: int | None


class SearchKeywords(RecipeKeywords, total=False):
    """See `SearchOptions`."""

    locked: bool | None
    decomposition: Decomposition
    regulariser: Regulariser
    table: LatencyTable | None
    rules: Rules | None


class FinetuneKeywords(RecipeKeywords, total=False):
    """See `FinetuneOptions`."""

    rules: Rules | None
    last_per_tensor: bool


class JournalKeywords(TypedDict, total=False):
    """Of measurements that are taken up one by one; see `joint_losses`."""

    checkpoint: str | PathLike[str] | None
    progress: Callable[[Count], None] | None
