"""The benchmark of training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch

from bench.__main__ import bench
from bench.training_speed import VARIANTS, seconds, variant

if TYPE_CHECKING:
    from pathlib import Path

torch.set_num_threads(1)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_learns_what_it_should(name: str) -> None:
    """A step moves the weights, and what the variant has beside them."""
    images, targets = torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 3])
    trained = variant(name, "ds_cnn_small", images)
    before = {n: p.detach().clone() for n, p in trained.model.named_parameters()}
    assert seconds(trained, images, targets, 1) > 0
    moved = {n for n, p in trained.model.named_parameters() if not torch.equal(p, before[n])}
    own = {n for n in before if "quantisers" in n}
    assert moved - own
    assert bool(own) == (name != "float")
    assert bool(moved & own) == (name != "float")
    assert (trained.regulariser is not None) == (name in ("Bayesian Bits", "EdMIPS"))


def test_the_figures_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON and as a table; float is the measure."""
    file = tmp_path / "speed.json"
    short = ["--network", "ds_cnn_small", "--batch", "4", "--steps", "1", "--repeats", "1"]
    words = ["training_speed", *short, "--device", "cpu", "-o", str(file)]
    assert bench.main(words, standalone_mode=False) == 0
    figures = json.loads(file.read_text())["figures"]
    assert tuple(figures) == VARIANTS
    assert figures["float"]["factor"] == 1
    assert all(own["images_per_second"] > 0 for own in figures.values())
    assert "ds_cnn_small, batches of 4" in capsys.readouterr().out
