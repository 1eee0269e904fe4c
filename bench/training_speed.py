"""How much slower training becomes with quantisers: images per second, and factors over float."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click
import torch
from torch.nn.functional import cross_entropy

from bench import study
from mpsolve import Configuration, Precision
from mpsolve.bench.machine import description
from mpsolve.bench.report.page import Table
from mpsolve.cli.status import SOLVED
from mpsolve.training import BayesianBits, Edmips, Tqt, bop_regulariser, build_model, edmips_cost
from mpsolve.training.models.build import default_shape
from mpsolve.training.wrapping.wrap import quantise_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

EPOCH = 1_281_167
VARIANTS = ("float", "TQT", "Bayesian Bits", "EdMIPS")


@dataclass(frozen=True)
class Variant:
    """A model that is trained.

    Attributes
    ----------
    model
        The model, on the device.
    regulariser
        What is added to its loss.
    """

    model: nn.Module
    regulariser: Callable[[], Tensor] | None = None


def variant(name: str, network: str, images: Tensor) -> Variant:
    """The network as one of `VARIANTS` trains it, with thresholds that were observed."""
    model = build_model(network, seed=0)
    example = (images[:2].cpu(),)
    if name == "float":
        return Variant(model.to(images.device))
    if name == "TQT":
        plain = quantise_model(model, example, BayesianBits())
        names = [layer.name for layer in plain.network.layers]
        chosen = {n: Precision(max(4, plain.group_of(n).least), 4) for n in names}
        build = Tqt(Configuration(chosen))
        quantised = quantise_model(model, example, build)
    else:
        searched = BayesianBits() if name == "Bayesian Bits" else Edmips()
        quantised = quantise_model(model, example, searched)
    quantised.to(images.device)
    quantised.observe([images])
    quantised.initialise_weights()
    quantised.set_mode("quantise")
    price = {"Bayesian Bits": bop_regulariser, "EdMIPS": edmips_cost}.get(name)
    layers_of = quantised.layers
    return Variant(quantised, (lambda: 0.01 * price(layers_of())) if price else None)


def seconds(trained: Variant, images: Tensor, targets: Tensor, steps: int) -> float:
    """Of one step, on average."""
    trained.model.train()
    optimiser = torch.optim.SGD(trained.model.parameters(), 1e-4, momentum=0.9)
    _wait(images)
    began = time.perf_counter()
    for _ in range(steps):
        optimiser.zero_grad()
        loss = cross_entropy(trained.model(images), targets)
        if trained.regulariser:
            loss = loss + trained.regulariser()
        loss.backward()
        optimiser.step()
    _wait(images)
    return (time.perf_counter() - began) / steps


def _wait(images: Tensor) -> None:
    """Until a GPU has done what it was asked for."""
    if images.is_cuda:
        torch.cuda.synchronize(images.device)


@dataclass(frozen=True)
class Speed:
    """What a variant takes.

    Attributes
    ----------
    images_per_second
        The median over the rounds.
    factor
        How many times as long as in full precision it takes, the median over the rounds.
    """

    images_per_second: float
    factor: float


def measure(
    network: str, device: torch.device, batch: int, steps: int, repeats: int
) -> list[Speed]:
    """The speeds of all `VARIANTS`, in turn, over so many rounds after one that is not counted."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(batch, *default_shape(network), generator=generator).to(device)
    targets = torch.randint(10, (batch,), generator=generator).to(device)
    models = {name: variant(name, network, images) for name in VARIANTS}
    rounds = [
        {name: seconds(model, images, targets, steps) for name, model in models.items()}
        for _ in range(repeats + 1)
    ][1:]
    return [
        Speed(
            batch / statistics.median(r[name] for r in rounds),
            statistics.median(r[name] / r["float"] for r in rounds),
        )
        for name in VARIANTS
    ]


def table(speeds: Sequence[Speed]) -> Table:
    """One row for each of the `VARIANTS`."""
    header = ("variant", "images/s", "x float", "hours per epoch of ILSVRC2012")
    rows = (
        (name, f"{rate:.1f}", f"{own.factor:.2f}", f"{EPOCH / rate / 3600:.2f}")
        for name, own in zip(VARIANTS, speeds, strict=True)
        for rate in (own.images_per_second,)
    )
    return Table(header, tuple(rows))


@click.command("training_speed", cls=study.Study)
@click.option("--network", default="mobilenet_v1_0.75", show_default=True)
@click.option("--batch", type=click.IntRange(1), default=32, show_default=True, help="Images.")
@click.option("--steps", type=click.IntRange(1), default=8, show_default=True, help="Of a round.")
@click.option("--repeats", type=click.IntRange(1), default=5, show_default=True, help="Rounds.")
@click.option("--device", default="auto", show_default=True)
@study.results_options()
def training_speed(
    *, network: str, batch: int, steps: int, repeats: int, device: str, wanted: study.Wanted
) -> int:
    """Measure how much slower training becomes with quantisers.

    Every variant takes training steps (forward, backward, SGD) on the same random images of the
    size that the network is made for: in full precision, with trained thresholds (TQT, 4b/4b), with
    Bayesian Bits, and with EdMIPS, the last two with their regulariser. A round times all variants
    in turn; the figure is the median over the rounds, after one that is not counted. ILSVRC2012 has
    1,281,167 images.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    place = torch.device(device)
    speeds = measure(network, place, batch, steps, repeats)
    where = torch.cuda.get_device_name(place) if place.type == "cuda" else description()
    said = (
        f"{network}, batches of {batch}, {where}; {torch.get_num_threads()} CPU threads, "
        f"torch {torch.__version__}."
    )
    figures = {name: asdict(own) for name, own in zip(VARIANTS, speeds, strict=True)}
    data = {"machine": where, "figures": figures}
    study.Findings.of(data, said, table(speeds)).deliver(wanted)
    return SOLVED


if __name__ == "__main__":
    study.run(training_speed)
