"""Reading recipes."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import pytest

from mpsolve import InputError
from mpsolve.training.recipes import OptimiserSettings, Recipe, load_recipe

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
algorithm = "bayesian_bits"
epochs = 2
batch_size = 4
seed = 7
clip_norm = 1
patience = 3
[optimisers.weights]
method = "sgd"
learning_rate = 1
momentum = 0.5
milestones = [1, 2]
[optimisers.gates]
method = "adam"
learning_rate = 1e-3
[quantisation]
activation_clip = "max"
adder_clip = 4
[bayesian_bits]
strengths = [1, 0.5]
locked = true
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(WHOLE)
    return path


def test_a_file_says_everything(path: Path) -> None:
    """Whole numbers serve as numbers, lists as tuples; the name is that of the file."""
    recipe = load_recipe(str(path))
    assert (recipe.name, recipe.algorithm, recipe.source) == ("own", "bayesian_bits", "")
    assert (recipe.epochs, recipe.batch_size, recipe.seed, recipe.patience) == (2, 4, 7, 3)
    assert recipe.clip_norm == 1.0
    assert isinstance(recipe.clip_norm, float)
    assert dict(recipe.optimisers) == {
        "weights": OptimiserSettings("sgd", 1.0, 0.5, milestones=(1, 2)),
        "gates": OptimiserSettings("adam", 0.001),
    }
    assert (recipe.quantisation.activation_clip, recipe.quantisation.adder_clip) == ("max", 4.0)
    assert recipe.bayesian_bits
    assert recipe.bayesian_bits.strengths == (1.0, 0.5)
    assert recipe.bayesian_bits.locked
    assert recipe.edmips is None


def test_single_settings_are_overridden(path: Path) -> None:
    """Numbers, lists, texts with or without quotes, and settings that the file lacks."""
    recipe = load_recipe(
        str(path),
        [
            "epochs=9",
            "optimisers.weights.learning_rate = 1e-2",
            "bayesian_bits.strengths=[0.3]",
            "bayesian_bits.locked=false",
            "name=mine",
            'network="lenet"',
            "quantisation.start_epoch=1",
        ],
    )
    assert (recipe.epochs, recipe.name, recipe.network) == (9, "mine", "lenet")
    assert recipe.optimisers["weights"] == OptimiserSettings("sgd", 0.01, 0.5, milestones=(1, 2))
    assert recipe.bayesian_bits
    assert (recipe.bayesian_bits.strengths, recipe.bayesian_bits.locked) == ((0.3,), False)
    assert recipe.quantisation.start_epoch == 1


def test_a_recipe_is_a_value(path: Path) -> None:
    """It cannot be changed, and is copied and pickled with all that it says."""
    recipe = load_recipe(str(path))
    with pytest.raises(TypeError):
        recipe.optimisers["weights"] = recipe.optimisers["gates"]  # type: ignore[index]
    for other in (copy.deepcopy(recipe), pickle.loads(pickle.dumps(recipe))):
        assert repr(other) == repr(recipe)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epoch=1", "there is no setting 'epoch'; did you mean epochs?"),
        (
            "optimisers.weights.learning_rte=1",
            "[optimisers.weights]: there is no setting 'learning_rte'; did you mean learning_rate?",
        ),
        (
            "quantisation.zzz=1",
            "[quantisation]: there is no setting 'zzz'; there are start_epoch, activation_clip, "
            "adder_clip, normed_gradients, signed_input.",
        ),
        ("epochs=1.5", "epochs is a whole number, not 1.5."),
        ("epochs=true", "epochs is a whole number, not True."),
        ("epochs=-1", "epochs must not be negative."),
        ("batch_size=0", "batch_size must be positive."),
        ("clip_norm=big", "clip_norm is a number, not 'big'."),
        ("clip_norm=0", "clip_norm must be positive."),
        ("patience=0", "patience must be positive."),
        ("seed=-1", "seed must not be negative."),
        ("network=[1]", "network is a text, not [1]."),
        ("bayesian_bits.locked=1", "[bayesian_bits]: locked is true or false, not 1."),
        ("bayesian_bits.strengths=1", "[bayesian_bits]: strengths is a list, not 1; write [1]."),
        ("bayesian_bits.strengths=[]", "[bayesian_bits]: strengths are numbers that are not"),
        ("bayesian_bits.temperature=0", "[bayesian_bits]: temperature must be positive."),
        ("bayesian_bits=1", "bayesian_bits is a section; write [bayesian_bits]."),
        ("optimisers=1", "optimisers has sections; write [optimisers.NAME]."),
        ("optimisers={}", "optimisers are missing; give [optimisers.weights]."),
        ("optimisers.weights={}", "[optimisers.weights]: the setting method is missing."),
        ("optimisers.weights.method=rmsprop", "[optimisers.weights]: method is one of sgd, adam."),
        ("optimisers.gates.momentum=0.9", "[optimisers.gates]: adam has no momentum to set."),
        ("optimisers.weights.momentum=1", "[optimisers.weights]: momentum must be from 0 to"),
        ("optimisers.weights.learning_rate=0", "[optimisers.weights]: learning_rate must be"),
        ("optimisers.weights.learning_rate=inf", "[optimisers.weights]: learning_rate must be"),
        ("optimisers.weights.learning_rate=nan", "[optimisers.weights]: learning_rate must be"),
        ("optimisers.weights.milestones=[7, 4]", "[optimisers.weights]: milestones must ascend"),
        ("optimisers.weights.milestones=[0, 4]", "[optimisers.weights]: milestones must ascend"),
        ("optimisers.weights.decay=2", "[optimisers.weights]: decay must be above 0 and at most"),
        ("optimisers.weights.weight_decay=-1", "[optimisers.weights]: weight_decay must not be"),
        ("quantisation.activation_clip=-1", "[quantisation]: activation_clip is a positive"),
        ("quantisation.adder_clip=top", '[quantisation]: adder_clip is a positive number or "max"'),
        ("quantisation.start_epoch=-1", "[quantisation]: start_epoch must not be negative."),
        ("algorithm=tqt", "[bayesian_bits] belongs to the algorithm bayesian_bits."),
        ("algorithm=edmips", "[bayesian_bits] belongs to the algorithm bayesian_bits."),
        ("algorithm=bb", "algorithm is one of full_precision, bayesian_bits, edmips, tqt."),
        ("edmips.strengths=[-1]", "[edmips]: strengths are numbers that are not negative"),
    ],
)
def test_what_makes_no_sense_is_named(path: Path, override: str, message: str) -> None:
    """By file, section and setting, with what to do."""
    with pytest.raises(InputError) as caught:
        load_recipe(str(path), [override])
    separator = " " if message.startswith("[") and "]: " in message else ": "
    assert str(caught.value).startswith(f"{path}{separator}{message}")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epochs", "'epochs' overrides nothing; write setting=value, such as epochs=3."),
        ("epochs=", "'epochs=' overrides nothing; write setting=value, such as epochs=3."),
        ("epochs.x=1", "epochs.x=1: epochs is a value and has no settings of its own."),
    ],
)
def test_an_override_must_be_one(path: Path, override: str, message: str) -> None:
    """A setting and its value."""
    with pytest.raises(InputError) as caught:
        load_recipe(str(path), [override])
    assert str(caught.value) == message


def test_a_recipe_that_is_not_there_is_answered_with_similar_ones(tmp_path: Path) -> None:
    """Or with what is wrong about the file."""
    with pytest.raises(InputError, match=r"no recipe 'tqt_mobilenetv1'; try tqt_mobilenet_v1, tqt"):
        load_recipe("tqt_mobilenetv1")
    with pytest.raises(InputError, match=r"none\.toml cannot be read: No such file"):
        load_recipe(str(tmp_path / "none.toml"))
    bad = tmp_path / "bad.toml"
    bad.write_text("epochs = ")
    with pytest.raises(InputError, match=r"bad\.toml is not TOML: Invalid value"):
        load_recipe(str(bad))
    bad.write_text("epochs = 3")
    with pytest.raises(InputError, match=r"bad\.toml: the setting batch_size is missing\."):
        load_recipe(str(bad))


def test_a_recipe_that_is_made_in_python_is_checked_too() -> None:
    """In the same words."""
    with pytest.raises(InputError, match=r"^batch_size must be positive\.$"):
        Recipe(1, 0, {"weights": OptimiserSettings("sgd", 0.1)})
