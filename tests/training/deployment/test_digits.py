"""A network that was trained classifies as well with integers."""

from __future__ import annotations

import numpy as np

from mpsolve import Configuration
from mpsolve.training import (
    agreement,
    build_model,
    integerise,
    load_data,
    load_recipe,
    parameter_groups,
    train,
)
from mpsolve.training.data import TensorSplit
from mpsolve.training.evaluate import evaluate
from mpsolve.training.wrapping.fixed import Tqt
from mpsolve.training.wrapping.wrap import quantise_model


def test_the_accuracy_of_a_trained_network_is_kept() -> None:
    """Digits, weights of 8, 4 and 2 bits: within half a percentage point of the fake-quantised."""
    recipe = load_recipe("full_precision_digits", ["epochs=6", "optimisers.weights.milestones=[5]"])
    data = load_data(recipe.data)
    assert isinstance(data.train, TensorSplit)
    assert isinstance(data.test, TensorSplit)
    model = build_model(recipe.network, data.classes, data.input_shape, seed=0)
    train(model, data, recipe)
    wrapped = quantise_model(
        model, (data.train.inputs[:2],), Tqt(last_per_tensor=True), name="digits"
    )
    mix = {layer.name: "8b/4b" for layer in wrapped.network.layers}
    mix |= {"b1.dw": "4b/8b", "b1.pw": "8b/2b", "b2.pw": "4b/4b", "fc": "8b/8b"}
    wrapped.apply_configuration(Configuration(mix))  # type: ignore[arg-type]
    wrapped.observe([data.train.inputs])
    groups = parameter_groups(wrapped)
    train(
        wrapped,
        data,
        load_recipe("tqt_digits", ["epochs=2"]),
        groups={"weights": groups.network, "thresholds": groups.thresholds},
    )
    network = integerise(wrapped)
    assert network.comparable
    fake = evaluate(wrapped, data.test).accuracy
    integer = float(np.mean(network.classify(data.test.inputs) == data.test.targets.numpy()))
    assert fake > 0.8
    assert abs(integer - fake) <= 0.005
    found = agreement(network, wrapped, data.test.inputs)
    assert found.images == len(data.test)
    assert found.class_rate >= 0.99
