"""The small network learns the digits, with the recipe that comes with mpsolve."""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression

from mpsolve.training import build_model, load_data, load_recipe, train
from mpsolve.training.data import TensorSplit
from mpsolve.training.evaluate import evaluate


def test_the_recipe_for_digits_works() -> None:
    """In 8 of 30 epochs it comes as far as scikit-learn's logistic regression on all pixels."""
    overrides = ["epochs=8", "optimisers.weights.milestones=[6]"]
    recipe = load_recipe("full_precision_digits", overrides)
    data = load_data(recipe.data)
    model = build_model(recipe.network, data.classes, data.input_shape, seed=0)
    train(model, data, recipe)
    assert isinstance(data.train, TensorSplit)
    assert isinstance(data.test, TensorSplit)
    x, test_x = (split.inputs.flatten(1).numpy() for split in (data.train, data.test))
    linear = LogisticRegression(max_iter=5000).fit(x, data.train.targets.numpy())
    reference = linear.score(test_x, data.test.targets.numpy())
    assert evaluate(model, data.test).accuracy > reference - 0.02
