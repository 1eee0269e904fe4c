"""Models as people name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from mpsolve import InputError
from mpsolve.training import build_model, finetune, load_data, load_model
from mpsolve.training.naming import model_name
from mpsolve.training.recipes import load_recipe, recipe_for
from tests.training.runs import tuning
from tests.training.small import small_data, small_model

if TYPE_CHECKING:
    from pathlib import Path

NET = """
from torch import nn
from neighbour import HIDDEN
count = 3
def make():
    return nn.Sequential(nn.Flatten(), nn.Linear(16, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 3))
def large(): return nn.Sequential(nn.Flatten(), nn.Linear(99, 3))
def few(): return nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
def needs(width): return nn.Linear(width, 3)
def text(): return "net"
class Net(nn.Sequential):
    def __init__(self): super().__init__(nn.Flatten(), nn.Linear(16, 3))
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A file with models, and one that it imports."""
    (tmp_path / "neighbour.py").write_text("HIDDEN = 5\n")
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "broken.py").write_text("import torch\nx = = 1\n")
    return tmp_path / "net.py"


def test_a_known_network_fits_the_data() -> None:
    """With random weights of the seed."""
    data = load_data("digits")
    same = build_model("lenet", 10, (1, 8, 8), seed=4).state_dict()
    for name, value in load_model("lenet", data, seed=4).state_dict().items():
        assert torch.equal(same[name], value)


def test_a_function_or_class_of_a_file(net: Path) -> None:
    """The file may import its neighbours; the seed decides about random weights."""
    one, two, other = (load_model(f"{net}:make", small_data(), seed=s) for s in (0, 0, 1))
    assert torch.equal(one.get_parameter("1.weight"), two.get_parameter("1.weight"))
    assert not torch.equal(one.get_parameter("1.weight"), other.get_parameter("1.weight"))
    assert type(load_model(f"{net}:Net", small_data())).__name__ == "Net"
    assert model_name(f"{net}:Net:w.pt") == f"{net}:Net"
    assert model_name("lenet:w.pt") == "lenet"


def test_weights(net: Path, tmp_path: Path) -> None:
    """A state dictionary, one of data parallel training, a checkpoint, the folder of a run."""
    model = load_model(f"{net}:make", small_data(), seed=7)
    state = model.state_dict()
    parallel = {f"module.{name}": value for name, value in state.items()}
    for content in (state, parallel, {"state_dict": state, "epoch": 3}, {"model": state}):
        torch.save(content, tmp_path / "w.pt")
        found = load_model(f"{net}:make:{tmp_path / 'w.pt'}", small_data())
        for name, value in found.state_dict().items():
            assert torch.equal(value, state[name])
    run = tmp_path / "run"
    configuration = {"1": "8b/8b", "3": "8b/8b"}
    tuned = finetune(model, configuration, small_data(), tuning("epochs=1"), folder=run)  # type: ignore[arg-type]
    for path in (run, run / "checkpoint.pt"):
        found = load_model(f"{net}:make:{path}", small_data())
        assert torch.equal(found.get_parameter("1.weight"), tuned.model.weight("1"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("resnet19", "There is no model 'resnet19'; try resnet18"),
        ("nowhere.py:make", r"There is no file nowhere\.py"),
        ("{}/net.py", r"net\.py lacks a function; write .*net\.py:FUNCTION"),
        ("{}/net.py:mak", "has no function 'mak'; did you mean make"),
        ("{}/net.py:count", "count is no function"),
        ("{}/net.py:needs", "failed: TypeError: needs.. missing 1 required positional argument"),
        ("{}/net.py:text", r"returned str; it must be a torch\.nn\.Module"),
        ("{}/net.py:large", "cannot take inputs of 1 x 4 x 4: RuntimeError: mat1 and mat2"),
        ("{}/net.py:few", r"scores of shape \(2, 3\) for small; it returns \(2, 2\)"),
        ("{}/broken.py:make", "cannot be imported: SyntaxError: invalid syntax"),
        ("{}/net.py:make:none.pt", r"none\.pt cannot be read"),
        ("{}/net.py:make:{}/net.py", r"net\.py is no checkpoint"),
        ("{}/net.py:make:{}/small.pt", r"small\.pt belongs to another model: Missing key"),
        ("{}/net.py:make:{}/list.pt", r"list\.pt holds no weights"),
    ],
)
def test_what_goes_wrong_is_said(net: Path, tmp_path: Path, text: str, words: str) -> None:
    """In one sentence."""
    torch.save(small_model().state_dict(), tmp_path / "small.pt")
    torch.save([1], tmp_path / "list.pt")
    with pytest.raises(InputError, match=words) as caught:
        load_model(text.replace("{}", str(tmp_path)), small_data())
    assert "\n" not in str(caught.value)


def test_the_recipe_of_a_network() -> None:
    """The one that names it, else the one of the data, else a sentence."""
    assert recipe_for("tqt", "mobilenet_v1_0.75", "imagefolder:/data") == "tqt_mobilenet_v1"
    assert recipe_for("bayesian_bits", "ds_cnn_small", "digits:seed=1") == "bayesian_bits_digits"
    assert recipe_for("edmips", "lenet", "digits") == "edmips_digits"
    assert load_recipe(recipe_for("edmips", "resnet18", "imagefolder:/x")).batch_size == 256
    with pytest.raises(InputError, match="No tqt recipe is for resnet18 on cifar10; name one of"):
        recipe_for("tqt", "resnet18", "cifar10:/data")
