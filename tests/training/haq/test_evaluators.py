"""What judges configurations: sums of sensitivities, short trainings, and clusters of weights."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from torch import nn

from mpsolve import Configuration, TableError
from mpsolve.training.evaluate import evaluate
from mpsolve.training.haq.evaluator.clusters import ClusteredWeights, average, cluster
from mpsolve.training.haq.evaluator.proxy import Part
from mpsolve.training.haq.evaluator.table import SensitivityTable
from mpsolve.training.haq.evaluator.training import ShortTraining
from mpsolve.training.haq.settings import HaqSettings
from mpsolve.training.wrapping.fixed import FixedPrecision
from tests.training.haq.toy import eight, sensitivities, toy_losses
from tests.training.small import CLASSES, SHAPE, small_data
from tests.training.support import normal

if TYPE_CHECKING:
    from mpsolve.training import DataSet

FAST = HaqSettings(batch_size=6, learning_rate=0.01)
LAYERS = ("0", "3", "7")


def model() -> nn.Sequential:
    """Three layers, of which the second reads activations of any width."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU6(),
        nn.Conv2d(4, 6, 1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24, CLASSES),
    )


def configuration(*texts: str) -> Configuration:
    """The precisions of the three layers."""
    return Configuration.from_json(dict(zip(LAYERS, texts, strict=True)))


@pytest.fixture(scope="module")
def data() -> DataSet:
    """45 inputs."""
    return small_data()


def test_rewards_of_a_table_by_hand() -> None:
    """From 0 at the least loss to -10 at the greatest."""
    net = eight()
    losses = toy_losses()
    judge = SensitivityTable(sensitivities(net, losses), net)
    layers = [layer.name for layer in net.layers]
    greatest = sum(own[0] for own in losses.values())
    for text, loss in (("8b/8b", 0), ("2b/4b", 0.3 * greatest), ("4b/2b", greatest)):
        found = Configuration.homogeneous(layers, text)
        assert judge.loss(found) == pytest.approx(loss)
        assert judge.reward(found, float_activations=False) == pytest.approx(-10 * loss / greatest)


def test_float_activations_count_as_the_widest() -> None:
    """Of those that the table has with these weights."""
    net = eight()
    table = sensitivities(net, toy_losses())
    missing = np.array([8 - precision.b_in for precision in table.precisions])
    column = table.columns["sensitivity"] + missing
    judge = SensitivityTable(replace(table, columns={"sensitivity": column}), net)
    found = Configuration.homogeneous((layer.name for layer in net.layers), "2b/8b")
    assert judge.loss(found) == pytest.approx(8 * 6)
    assert judge.loss(found, float_activations=True) == pytest.approx(0)


def test_tables_that_do_not_fit() -> None:
    """The message names the layer and what to do."""
    net = eight()
    table = sensitivities(net, toy_losses())
    judge = SensitivityTable(table, net)
    with pytest.raises(TableError, match="no sensitivity of layer l0 at 8b/3b; measure it"):
        judge.loss(Configuration.homogeneous((layer.name for layer in net.layers), "8b/3b"))
    part = replace(table, layers=("x", *table.layers[1:]))
    with pytest.raises(TableError, match="no layer l0, which eight has"):
        SensitivityTable(part, net)


def test_a_training_is_a_function_of_the_configuration(data: DataSet) -> None:
    """Whatever was judged before, and the float model stays as it is."""
    net = model()
    before = copy.deepcopy(net.state_dict())
    judge = ShortTraining(net, data, FAST)
    low, high = configuration("8b/2b", "2b/2b", "2b/2b"), configuration("8b/8b", "8b/8b", "8b/8b")
    rewards = [judge.reward(c, float_activations=False) for c in (low, high, low, high)]
    assert rewards[:2] == rewards[2:]
    states = judge.model.state_dict()
    judge.reward(low, float_activations=False)
    judge.reward(high, float_activations=False)
    for name, value in judge.model.state_dict().items():
        assert torch.equal(value, states[name]), name
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name])
    with judge.model.mode("float"):
        assert judge.float_accuracy == evaluate(net, data.validation).accuracy


def test_the_reward_is_a_tenth_of_the_points_lost(data: DataSet) -> None:
    """0.1 (accuracy - float accuracy) in percentage points."""
    judge = ShortTraining(model(), data, FAST)
    one = configuration("8b/4b", "4b/4b", "4b/4b")
    accuracy = judge.accuracy(one, float_activations=False)
    assert accuracy is not None
    expected = 0.1 * (100 * accuracy - 100 * judge.float_accuracy)
    assert judge.reward(one, float_activations=False) == pytest.approx(expected)


def test_a_training_that_diverges_is_as_bad_as_can_be(data: DataSet) -> None:
    """No example counts as correct, and the next configuration is judged as ever."""
    judge = ShortTraining(model(), data, HaqSettings(batch_size=6, learning_rate=1e30))
    one = configuration("8b/4b", "4b/4b", "4b/4b")
    assert judge.accuracy(one, float_activations=False) == 0
    assert judge.reward(one, float_activations=False) == -10 * judge.float_accuracy


def test_activations_may_stay_in_float(data: DataSet) -> None:
    """Then their bit-widths change nothing, and those of the weights do."""
    judge = ShortTraining(model(), data, FAST)

    def trained(*texts: str) -> list[float]:
        judge.accuracy(configuration(*texts), float_activations=True)
        return [float(v) for v in judge.model.weight("7").detach().flatten()]

    narrow = trained("8b/4b", "2b/4b", "2b/4b")
    assert narrow == trained("8b/4b", "8b/4b", "8b/4b")
    assert narrow != trained("8b/2b", "8b/2b", "8b/2b")


def test_validation_is_in_the_precision_of_the_configuration(data: DataSet) -> None:
    """The accuracy is that of a model of fixed precision with the same weights and thresholds."""
    from mpsolve.training import quantise_model

    judge = ShortTraining(model(), data, FAST)
    one = configuration("8b/2b", "4b/8b", "2b/4b")
    accuracy = judge.accuracy(one, float_activations=False)
    example = torch.zeros(2, *SHAPE)
    fixed = quantise_model(model(), (example,), FixedPrecision(one), signed_input=True)
    state = judge.model.state_dict()
    fixed.load_float({k: v for k, v in state.items() if not k.startswith("quantisers.")})
    for name, quantiser in fixed.activation_quantisers.items():
        own = judge.model.activation_quantisers[name]
        quantiser.set_threshold(own.threshold_for(torch.zeros(())).detach())
    assert evaluate(fixed, data.validation).accuracy == accuracy


def test_a_part_of_a_split_is_a_split(data: DataSet) -> None:
    """Distinct examples with their own labels, the same for the same seed."""
    part = Part.draw(data.train, 5, seed=1)
    assert len(part) == len(set(part.chosen.tolist())) == 5
    assert part.chosen.tolist() == Part.draw(data.train, 5, seed=1).chosen.tolist()
    ((inputs, targets),) = part.batches([np.array([4, 0])])
    ((own, labels),) = data.train.batches([part.chosen[[4, 0]]])
    assert torch.equal(inputs, own)
    assert torch.equal(targets, labels)
    assert len(Part.draw(data.train, 10**6, seed=1)) == len(data.train)


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_clusters_are_those_of_scikit_learn(bits: int) -> None:
    """k-means++ begun once; then the mean of a cluster stands for all of its weights."""
    weight = normal(8, 4, 3, 3, seed=bits)
    labels = cluster(weight, bits, 300)
    values = weight.double().reshape(-1, 1).numpy()
    kmeans = KMeans(2**bits, n_init=1, max_iter=300, random_state=0).fit(values)
    assert labels.flatten().tolist() == kmeans.labels_.tolist()
    averaged = weight.clone()
    average(averaged, labels)
    means = [values[kmeans.labels_ == k].mean() for k in kmeans.labels_]
    assert np.allclose(averaged.flatten().numpy(), means, atol=1e-6)
    assert len(averaged.unique()) == 2**bits


def test_fewer_weights_than_clusters() -> None:
    """Every different weight is a cluster by itself."""
    weight = torch.tensor([1.0, -1.0, 1.0, 0.0])
    averaged = weight.clone()
    average(averaged, cluster(weight, 4))
    assert torch.equal(averaged, weight)


def test_weights_stay_in_their_clusters(data: DataSet) -> None:
    """They are at most 2^b different ones after training; those of more than six bits are free."""
    judge = ShortTraining(model(), data, HaqSettings(weights="kmeans", batch_size=6))
    one = configuration("8b/2b", "8b/8b", "8b/4b")
    assert judge.reward(one, float_activations=False) is not None
    distinct = {name: len(judge.model.weight(name).detach().unique()) for name in LAYERS}
    assert distinct["0"] == 4
    assert distinct["7"] <= 16
    assert distinct["3"] == 24


def test_a_cluster_moves_by_the_mean_of_its_gradients(data: DataSet) -> None:
    """One step of SGD on all weights, averaged, is one on the cluster with the mean gradient."""
    judge = ShortTraining(model(), data, HaqSettings(weights="kmeans", batch_size=6))
    labels = cluster(judge.model.weight("7"), 2)
    weight = judge.model.weight("7").detach().clone()
    average(weight, labels)
    gradient = normal(*weight.shape, seed=3)
    stepped = weight - 0.1 * gradient
    average(stepped, labels)
    for k in range(4):
        own = labels == k
        expected = weight[own][0] - 0.1 * gradient[own].mean()
        assert torch.allclose(stepped[own], expected.expand(int(own.sum())), atol=1e-6)
    assert ClusteredWeights().state_dict() == {}
