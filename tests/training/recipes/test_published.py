"""The recipes say what the papers say."""

from __future__ import annotations

import pytest

from mpsolve.training.recipes import OptimiserSettings, load_recipe, recipe_for, recipes


def test_every_recipe_can_be_read() -> None:
    """Its name is that of its file, and it says where it comes from."""
    for name in recipes():
        recipe = load_recipe(name)
        assert recipe.name == name
        assert name.startswith(recipe.algorithm)
        assert recipe.source
    assert len(recipes()) == 10


# Free Bits (extended form), Table 2; the columns are MobileNetV1 and MobileNetV2.
@pytest.mark.parametrize(
    ("name", "network", "epochs", "batch_size", "rate", "milestones", "start"),
    [
        ("tqt_mobilenet_v1", "mobilenet_v1_0.75", 11, 256, 0.001, (4, 7), 0),
        ("tqt_mobilenet_v2", "mobilenet_v2", 13, 340, 0.00075, (5, 8), 1),
    ],
)
def test_tqt_has_the_numbers_of_table_2(
    name: str,
    network: str,
    epochs: int,
    batch_size: int,
    rate: float,
    milestones: tuple[int, ...],
    start: int,
) -> None:
    """SGD with momentum 0.9 for weights and thresholds, decreased by 0.1 at two epochs."""
    recipe = load_recipe(name)
    assert (recipe.network, recipe.epochs, recipe.batch_size) == (network, epochs, batch_size)
    sgd = OptimiserSettings("sgd", rate, 0.9, 0.0, milestones, 0.1)
    assert dict(recipe.optimisers) == {"weights": sgd, "thresholds": sgd}
    assert recipe.quantisation.start_epoch == start
    assert recipe.quantisation.activation_clip == 6.0
    assert recipe.quantisation.adder_clip == "max"


# Free Bits (extended form), Table 3.
@pytest.mark.parametrize(
    ("name", "network", "epochs", "batch_size", "rate", "gate_rate"),
    [
        ("bayesian_bits_mobilenet_v1", "mobilenet_v1_0.75", 11, 256, 0.001, 0.0001),
        ("bayesian_bits_mobilenet_v2", "mobilenet_v2", 12, 150, 0.00075, 0.0002),
    ],
)
def test_bayesian_bits_has_the_numbers_of_table_3(
    name: str, network: str, epochs: int, batch_size: int, rate: float, gate_rate: float
) -> None:
    """Adam for the gates, at a rate that is not decreased; four strengths of the regulariser."""
    recipe = load_recipe(name)
    assert (recipe.network, recipe.epochs, recipe.batch_size) == (network, epochs, batch_size)
    assert dict(recipe.optimisers) == {
        "weights": OptimiserSettings("sgd", rate, 0.9, 0.0, (4, 7), 0.1),
        "gates": OptimiserSettings("adam", gate_rate),
    }
    assert recipe.quantisation.start_epoch == 0
    assert recipe.quantisation.activation_clip == 6.0
    assert recipe.bayesian_bits
    assert recipe.bayesian_bits.gate_init == 2.0
    assert recipe.bayesian_bits.strengths == (0.01, 0.03, 0.06, 0.12)


def test_edmips_has_the_numbers_of_its_authors() -> None:
    """The command in their repository, with its defaults: batches of 256 and decay 0.0001."""
    recipe = load_recipe("edmips_resnet18")
    assert (recipe.network, recipe.epochs, recipe.batch_size) == ("resnet18", 25, 256)
    assert dict(recipe.optimisers) == {
        "weights": OptimiserSettings("sgd", 0.1, 0.9, 1e-4, (10, 20), 0.1),
        "alphas": OptimiserSettings("sgd", 0.01, 0.9, 1e-4, (10, 20), 0.1),
    }
    assert recipe.edmips
    assert (recipe.edmips.strengths, recipe.edmips.initial_alpha) == ((0.00335,), 0.01)


def test_fine_tuning_after_haq_has_the_numbers_of_its_paper() -> None:
    """ITEM 2020: 15 epochs of Adam at 0.0001; nobody gets it without asking."""
    recipe = load_recipe("tqt_haq_mcu")
    rates = dict.fromkeys(("weights", "thresholds"), OptimiserSettings("adam", 1e-4))
    assert (recipe.epochs, dict(recipe.optimisers)) == (15, rates)
    assert recipe_for("tqt", "mobilenet_v2", "imagefolder:/data") == "tqt_mobilenet_v2"
    assert recipe_for("tqt", "lenet", "digits") == "tqt_digits"


@pytest.mark.parametrize("network", ["mobilenet_v1", "mobilenet_v2"])
def test_the_gates_can_close(network: str) -> None:
    """Adam moves a parameter by at most its rate per step, and 2.54 lie before the threshold."""
    recipe = load_recipe(f"bayesian_bits_{network}")
    steps = recipe.epochs * (1_281_167 // recipe.batch_size)
    assert steps * recipe.optimisers["gates"].learning_rate > 2 * 2.54


def test_the_gates_can_close_on_a_small_data_set() -> None:
    """1,257 examples make 20 steps an epoch."""
    recipe = load_recipe("bayesian_bits_digits")
    assert recipe.epochs * 20 * recipe.optimisers["gates"].learning_rate > 2 * 2.54
