"""How much slower training becomes with quantisers: images per second, and factors over float.

    python -m bench.training_speed [--network mobilenet_v1_0.75] [--batch 32] [--steps 8]
        [--repeats 5] [--device auto] [--json FILE]

Every variant takes training steps (forward, backward, SGD) on the same random images of the size
that the network is made for: in full precision, with trained thresholds (TQT, 4b/4b), with Bayesian
Bits, and with EdMIPS, the last two with their regulariser. A round times all variants in turn; the
figure is the median over the rounds, after one that is not counted. ILSVRC2012 has 1,281,167
images.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from rich.console import Console
from rich.table import Table
from torch.nn.functional import cross_entropy

from mpsolve import Configuration, Precision
from mpsolve.bench.machine import description
from mpsolve.training import BayesianBits, Edmips, Tqt, bop_regulariser, build_model, edmips_cost
from mpsolve.training.models.build import default_shape
from mpsolve.training.wrapping.wrap import quantise_model

if TYPE_CHECKING:
    from collections.abc import Callable

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


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="bench.training_speed", description=__doc__)
    parser.add_argument("--network", default="mobilenet_v1_0.75")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    name = asked.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    shape = default_shape(asked.network)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(asked.batch, *shape, generator=generator).to(device)
    targets = torch.randint(10, (asked.batch,), generator=generator).to(device)
    models = {name: variant(name, asked.network, images) for name in VARIANTS}
    rounds = [
        {name: seconds(model, images, targets, asked.steps) for name, model in models.items()}
        for _ in range(asked.repeats + 1)
    ][1:]
    figures = {
        name: {
            "images_per_second": asked.batch / statistics.median(r[name] for r in rounds),
            "factor": statistics.median(r[name] / r["float"] for r in rounds),
        }
        for name in VARIANTS
    }
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else description()
    table = Table("variant", "images/s", "x float", "hours per epoch of ILSVRC2012", box=None)
    for name, own in figures.items():
        rate = own["images_per_second"]
        hours = EPOCH / rate / 3600
        table.add_row(name, f"{rate:.1f}", f"{own['factor']:.2f}", f"{hours:.2f}")
    print(
        f"{asked.network}, batches of {asked.batch}, {where}; {torch.get_num_threads()} CPU "
        f"threads, torch {torch.__version__}"
    )
    Console().print(table)
    if asked.json:
        asked.json.write_text(json.dumps({"machine": where, "figures": figures}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
