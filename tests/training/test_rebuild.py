"""The model that fine-tuning left is taken back from its folder."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from mpsolve import Configuration, InputError, Precision
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.training import finetune, load_data, load_run, search_precisions
from mpsolve.training.full_precision import train_full_precision
from mpsolve.training.models.load import make_model
from tests.training.runs import interrupt_at, searching, tuning
from tests.training.small import small_data, small_model, small_recipe
from tests.training.support import normal

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = {"0": Precision(8, 4), "5": Precision(4, 2)}
X = normal(16, 1, 4, 4, seed=3)


def tuned(folder: Path, **options: Any) -> torch.Tensor:
    """Scores for `X` of a model that was fine-tuned into a folder."""
    found = finetune(small_model(), CONFIGURATION, small_data(), tuning(), folder=folder, **options)
    with torch.no_grad():
        scores: torch.Tensor = found.model.eval()(X)
    return scores


@pytest.mark.parametrize("normed", ["true", "false"])
@pytest.mark.parametrize(
    "options", [{}, {"last_per_tensor": True, "rules": Rules(input_bits=None, adder_bits=None)}]
)
def test_it_computes_the_same(tmp_path: Path, options: dict[str, Any], normed: str) -> None:
    """To the last bit, from another model of the kind with other weights."""
    recipe = tuning(f"quantisation.normed_gradients={normed}")
    tuned = finetune(small_model(), CONFIGURATION, small_data(), recipe, folder=tmp_path, **options)
    run = load_run(tmp_path, model=small_model(seed=7))
    assert (run.name, run.data) == ("Sequential", "")
    assert run.configuration == Configuration(CONFIGURATION)
    assert not run.model.training
    with torch.no_grad():
        assert torch.equal(run.model(X), tuned.model.eval()(X))
    theirs = tuned.model.state_dict()
    assert all(torch.equal(theirs[name], own) for name, own in run.model.state_dict().items())


@pytest.mark.parametrize("at", [(-1, 0), (1, 2)])
def test_the_sign_of_the_input_is_kept(tmp_path: Path, at: tuple[int, int]) -> None:
    """Also in a run that was interrupted, and whoever overrides it gets another run."""
    data = small_data()
    parts = {
        name: replace(getattr(data, name), inputs=getattr(data, name).inputs.abs())
        for name in ("train", "validation", "test")
    }
    data = replace(data, **parts)
    settings: dict[str, Any] = {"folder": tmp_path, "progress": interrupt_at(*at)}
    finetune(small_model(), CONFIGURATION, data, tuning(), **settings)
    tuned = finetune(small_model(), CONFIGURATION, data, tuning(), folder=tmp_path).model.eval()
    x = X.abs()
    run = load_run(tmp_path, model=small_model())
    for model in (tuned, run.model):
        quantiser = model.quantiser("0", "activation")
        assert not quantiser.signed
        assert int(quantiser.integers(x).max()) > 127
    with torch.no_grad():
        assert torch.equal(run.model(x), tuned(x))
    other = tuning("quantisation.signed_input=true")
    with pytest.raises(InputError, match="with signed_input false, not true"):
        finetune(small_model(), CONFIGURATION, data, other, folder=tmp_path)


def test_a_known_network_is_built_by_its_name(tmp_path: Path) -> None:
    """And the data set is the one that was named."""
    data = load_data("synthetic:gratings,size=8,count=60")
    model = make_model("lenet", data.classes, data.input_shape)
    bits = dict.fromkeys(("conv0", "conv1", "fc0", "fc1", "fc"), Precision(8, 4))
    recipe = tuning("epochs=0")
    found = finetune(model, bits, data, recipe, folder=tmp_path, name="lenet").model.eval()
    run = load_run(tmp_path)
    assert (run.name, run.data) == ("lenet", "synthetic:gratings,size=8,count=60")
    x = torch.rand(4, *data.input_shape)
    with torch.no_grad():
        assert torch.equal(run.model(x), found(x))


def test_a_file_is_found_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it was, if the run named it relative to its own folder; the present one goes first."""
    (tmp_path / "net.py").write_text("from tests.training.small import small_model as make\n")
    monkeypatch.chdir(tmp_path)
    expected = tuned(tmp_path / "run", name="net.py:make")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with torch.no_grad():
        assert torch.equal(load_run("../run").model(X), expected)
    (tmp_path / "elsewhere" / "net.py").write_text("def make(): raise ValueError('another')\n")
    with pytest.raises(InputError, match=r"which cannot be made anew: net\.py: make\(\) failed"):
        load_run("../run")


def test_what_is_no_complete_run_is_refused(tmp_path: Path) -> None:
    """One sentence that says what to do."""
    with pytest.raises(InputError, match=r"holds no run: it has no run\.json\."):
        load_run(tmp_path)
    train_full_precision(small_model(), small_data(), small_recipe(1), folder=tmp_path / "float")
    with pytest.raises(InputError, match=r"a run of mpsolve train, not of mpsolve finetune; fine"):
        load_run(tmp_path / "float")
    found = tmp_path / "search"
    search_precisions(small_model(), small_data(), strength=0.1, recipe=searching(), folder=found)
    with pytest.raises(InputError, match=r"holds a search.*--configuration .*configuration\.json"):
        load_run(found)
    tuned_until = tmp_path / "tuned"
    finetune(
        small_model(),
        CONFIGURATION,
        small_data(),
        tuning(),
        folder=tuned_until,
        progress=interrupt_at(1, 2),
    )
    with pytest.raises(InputError, match="holds a run that is not complete"):
        load_run(tuned_until)


def test_a_model_without_a_name_must_be_given(tmp_path: Path) -> None:
    """And be the same."""
    tuned(tmp_path)
    with pytest.raises(InputError, match=r"cannot be made anew: .*load_run\(folder, model="):
        load_run(tmp_path)
    other = small_model()
    other[0] = torch.nn.Conv2d(1, 4, 3, bias=False)
    with pytest.raises(InputError, match="belongs to another model: Unexpected key"):
        load_run(tmp_path, model=other)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("origin",), None, "does not say how the model is made, as older releases did not"),
        (("origin", "input_shape"), [1, 4], "is damaged"),
        (("origin", "classes"), "many", "is damaged"),
        (("settings", "configuration"), 3, "is damaged"),
        (("settings", "rules"), {"bits": 3}, "is damaged"),
        (("settings", "recipe"), None, "is damaged"),
    ],
)
def test_damaged_records_are_refused(
    tmp_path: Path, place: tuple[str, ...], value: Any, words: str
) -> None:
    """In one sentence that names the file."""
    tuned(tmp_path)
    file = tmp_path / "run.json"
    record = json.loads(file.read_text())
    entry = record
    for key in place[:-1]:
        entry = entry[key]
    entry[place[-1]] = value
    file.write_text(json.dumps(record))
    with pytest.raises(InputError, match=rf"run\.json.*{words}"):
        load_run(tmp_path, model=small_model())


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    """Those of another run too."""
    tuned(tmp_path)
    weights = tmp_path / "weights.pt"
    content = weights.read_bytes()
    torch.save([1], weights)
    with pytest.raises(InputError, match=r"weights\.pt holds no weights"):
        load_run(tmp_path, model=small_model())
    torch.save({"0.weight": torch.zeros(1)}, weights)
    with pytest.raises(InputError, match=r"weights\.pt belongs to another model"):
        load_run(tmp_path, model=small_model())
    weights.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"weights\.pt is no checkpoint, or a damaged one"):
        load_run(tmp_path, model=small_model())


def test_a_run_goes_on_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a run was begun is no setting of it; the record follows."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    first = tuned(tmp_path / "run")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert torch.equal(tuned(tmp_path / "run"), first)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["origin"]["directory"] == str(tmp_path / "elsewhere")
