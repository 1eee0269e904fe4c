"""Fine-tuning from end to end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from mpsolve import InputError
from mpsolve.model.precision import Precision
from mpsolve.training import (
    FixedPrecision,
    TqtQuantiser,
    finetune,
    quantise_model,
    search_precisions,
)
from mpsolve.training.evaluate import evaluate
from mpsolve.training.full_precision import train_full_precision
from mpsolve.training.outcome import Stop
from tests.training.runs import interrupt_at, kept, searching, tuning
from tests.training.small import small_data, small_model, small_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from mpsolve.training.progress import TrainingProgress

CONFIGURATION = {"0": Precision(8, 4), "5": Precision(4, 2)}


def thresholds(model: torch.nn.Module) -> dict[str, list[float]]:
    """All learned thresholds, as logarithms."""
    return {
        name: module.log2_threshold.detach().flatten().tolist()
        for name, module in model.named_modules()
        if isinstance(module, TqtQuantiser)
    }


def test_without_an_epoch_the_model_is_merely_quantised() -> None:
    """As a model of fixed precision is, with the clipping bound of the recipe."""
    model, data = small_model().eval(), small_data()
    recipe = tuning("epochs=0", "quantisation.activation_clip=2")
    tuned = finetune(model, CONFIGURATION, data, recipe)
    example = torch.zeros(2, 1, 4, 4)
    fixed = quantise_model(model, (example,), FixedPrecision(CONFIGURATION))
    inputs = next(data.train.batches([np.arange(29)]))[0]
    assert tuned.configuration == CONFIGURATION
    quantisers = tuned.model.activation_quantisers
    (first, second) = quantisers
    assert quantisers[second].threshold_for(inputs).item() == pytest.approx(2)
    observed = quantisers[first].threshold_for(inputs).item()
    assert 0.7 * inputs.abs().max() < observed <= inputs.abs().max()
    fixed.activation_quantisers[first].set_threshold(observed)
    fixed.activation_quantisers[second].set_threshold(2.0)
    assert evaluate(fixed, data.test).accuracy == tuned.accuracy
    test = next(data.test.batches([np.arange(8)]))[0]
    torch.testing.assert_close(tuned.model.eval()(test), fixed.eval()(test))


def test_thresholds_may_begin_at_the_greatest_activations() -> None:
    """Those of the model in float, in evaluation, on the examples that are learnt."""
    model, data = small_model().eval(), small_data()
    recipe = tuning("epochs=0", "quantisation.activation_clip=max", "batch_size=29")
    tuned = finetune(model, CONFIGURATION, data, recipe)
    inputs = next(data.train.batches([np.arange(29)]))[0]
    with torch.no_grad():
        greatest = float(model[:3](inputs).max())
    found = tuned.model.quantiser("5", "activation").threshold_for(inputs)
    assert found.item() == pytest.approx(greatest)


def test_thresholds_are_learned_and_the_model_is_left_alone() -> None:
    """All move, and what was given keeps its weights."""
    model, data = small_model(), small_data()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    start = thresholds(finetune(model, CONFIGURATION, data, tuning("epochs=0")).model)
    tuned = finetune(model, CONFIGURATION, data, tuning())
    end = thresholds(tuned.model)
    assert all(start[name] != end[name] for name in start)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert tuned.accuracy is not None


@pytest.mark.parametrize("normed", [True, False])
def test_normed_gradients_bound_the_steps(normed: bool) -> None:
    """With tanh, no threshold moves by more than the sum of the rates; all move."""
    setting = f"quantisation.normed_gradients={str(normed).lower()}"
    recipe = tuning("epochs=1", setting, "optimisers.thresholds.momentum=0")
    start = thresholds(
        finetune(small_model(), CONFIGURATION, small_data(), tuning("epochs=0")).model
    )
    end = thresholds(finetune(small_model(), CONFIGURATION, small_data(), recipe).model)
    moved = max(abs(a - b) for name in start for a, b in zip(start[name], end[name], strict=True))
    assert moved > 0
    assert not normed or moved <= 5 * 0.01 + 1e-6


def test_quantisation_starts_at_its_epoch() -> None:
    """Until then the model trains as in float; thresholds then begin anew."""
    data, recipe = small_data(), tuning("epochs=2", "quantisation.start_epoch=1")
    float_model = small_model()
    weights = recipe.optimisers["weights"]
    plain = small_recipe(1)
    object.__setattr__(plain, "optimisers", {"weights": weights})
    expected = train_full_precision(float_model, data, plain).trained.history[0]
    history = finetune(small_model(), CONFIGURATION, data, recipe).trained.history
    assert history[0]["loss"] == pytest.approx(expected["loss"], rel=1e-6)
    assert history[0]["validation_loss"] == pytest.approx(expected["validation_loss"], rel=1e-6)
    quantised = finetune(small_model(), CONFIGURATION, data, tuning("epochs=1")).trained.history
    assert quantised[0]["loss"] != pytest.approx(expected["loss"], rel=1e-3)


@pytest.mark.parametrize("at", [(0, 3), (1, 5), (2, 1)])
def test_an_interruption_changes_nothing(tmp_path: Path, at: tuple[int, int]) -> None:
    """Weights, thresholds, normed gradients, figures: to the last bit."""

    def run(name: str, at: tuple[int, int] = (-1, 0)) -> Any:
        torch.manual_seed(sum(name.encode()))
        return finetune(
            small_model().train(),
            CONFIGURATION,
            small_data(),
            tuning("quantisation.start_epoch=1"),
            folder=tmp_path / name,
            progress=interrupt_at(*at),
        )

    straight = run("straight")
    broken = run("broken", at)
    assert (broken.trained.stopped, broken.accuracy) == (Stop.INTERRUPTED, None)
    assert run("broken").accuracy == straight.accuracy
    assert kept(tmp_path / "broken") == kept(tmp_path / "straight")


def test_the_configuration_may_be_a_file(tmp_path: Path) -> None:
    """Such as the one that a search wrote."""
    found = search_precisions(
        small_model(), small_data(), strength=0.1, recipe=searching(), folder=tmp_path / "search"
    )
    file = tmp_path / "search" / "configuration.json"
    tuned = finetune(small_model(), file, small_data(), tuning("epochs=0"))
    assert tuned.model.configuration == found.configuration


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"recipe": "bayesian_bits_digits"}, "is a recipe for bayesian_bits, not for tqt"),
        ({"configuration": {"0": Precision(8, 8)}}, "says nothing about layer 5"),
        ({"configuration": CONFIGURATION | {"9": Precision(8, 8)}}, "has no layer '9'"),
        ({"configuration": CONFIGURATION | {"0": Precision(2, 8)}}, "at least 8"),
        ({"recipe": tuning("quantisation.start_epoch=3")}, "which never comes"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], words: str) -> None:
    """In one sentence, before anything is trained."""

    def refuse(_: TrainingProgress) -> None:
        raise AssertionError

    settings: dict[str, Any] = {"configuration": CONFIGURATION, "recipe": tuning()} | options
    with pytest.raises(InputError, match=words):
        finetune(small_model(), data=small_data(), progress=refuse, **settings)


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    """A configuration that differs in one layer makes another run, and so does the command."""
    settings: dict[str, Any] = {"recipe": tuning("epochs=1"), "folder": tmp_path / "a"}
    finetune(small_model(), CONFIGURATION, small_data(), **settings)
    other = CONFIGURATION | {"5": Precision(4, 4)}
    with pytest.raises(InputError, match=r"with configuration\.5\.b_wt 2, not 4; name"):
        finetune(small_model(), other, small_data(), **settings)
    with pytest.raises(InputError, match='holds a run with command "finetune", not "train"'):
        train_full_precision(small_model(), small_data(), small_recipe(), folder=tmp_path / "a")
    record = tmp_path / "a" / "run.json"
    assert json.loads(record.read_text())["settings"]["model"] == "Sequential"
    record.write_text("[]")
    with pytest.raises(InputError, match=r"run\.json is no record of a run"):
        finetune(small_model(), CONFIGURATION, small_data(), **settings)
    record.unlink()
    with pytest.raises(InputError, match="holds other files and no run"):
        finetune(small_model(), CONFIGURATION, small_data(), **settings)
