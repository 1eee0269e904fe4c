"""Whether sums of sensitivities predict joint losses, and what they miss between two layers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau, spearmanr
from torch.nn.functional import cross_entropy

from mpsolve import Configuration, InputError, Precision
from mpsolve.training import Mode, set_mode
from mpsolve.training.sensitivity import cross_terms as cross
from mpsolve.training.sensitivity import joint
from mpsolve.training.sensitivity.cross_terms import cross_terms, neighbours
from mpsolve.training.sensitivity.joint import joint_loss, joint_losses
from mpsolve.training.sensitivity.measure import measure_sensitivities
from mpsolve.training.sensitivity.predictiveness import (
    concordance,
    predicted_losses,
    predictiveness,
    random_configurations,
    rank_correlation,
)
from tests.training.sensitivity.handmade import HandMade, convolutional, examples, images, linear
from tests.training.support import normal

if TYPE_CHECKING:
    from pathlib import Path

PRECISIONS = [Precision(a, w) for a in (8, 3) for w in (8, 3, 2)]
DATA = images()


def deployed_loss(model: HandMade, configuration: Configuration) -> float:
    """All quantisers at work, set by hand."""
    set_mode(model, Mode.QUANTISE)
    model.apply_configuration(configuration)
    inputs, targets = (torch.cat(part) for part in zip(*DATA.batches, strict=True))
    with torch.no_grad():
        return float(cross_entropy(model(inputs), targets))


def test_configurations_respect_shared_activations() -> None:
    """And come from the candidates, all of which occur."""
    model = convolutional()
    table = measure_sensitivities(model, DATA, "mse", PRECISIONS)
    drawn = random_configurations(model, table, 200, seed=1)
    assert all(c["layer7"].b_in == c["branch0"].b_in for c in drawn)
    for layer in table.layers:
        assert {c[layer] for c in drawn} == set(PRECISIONS)
    assert drawn == random_configurations(model, table, 200, seed=1)
    own = {layer: PRECISIONS for layer in table.layers} | {"branch0": [Precision(5, 5)]}
    other = measure_sensitivities(model, DATA, "mse", own)
    with pytest.raises(InputError, match="layer7, branch0 need a common b_in"):
        random_configurations(model, other, 1)


def test_joint_losses_are_those_of_the_deployed_network() -> None:
    """Whose configuration comes back afterwards."""
    model = convolutional()
    table = measure_sensitivities(model, DATA, "mse", PRECISIONS)
    for configuration in random_configurations(model, table, 5):
        found = joint_loss(model, DATA, configuration)
        assert np.isclose(found, deployed_loss(convolutional(), configuration), atol=1e-6)
        assert set(map(str, model.configuration.values())) == {"8b/8b"}


def test_ranks_are_compared_with_each_other() -> None:
    """Spearman's coefficient without equal ranks: 1 - 6 sum d^2 / (n (n^2 - 1))."""
    a, b = np.array([1.0, 7.0, 3.0, 9.0, 5.0]), np.array([2.0, 30.0, 1.0, 20.0, 10.0])
    differences = np.array([1, 4, 2, 5, 3]) - np.array([2, 5, 1, 4, 3])
    assert np.isclose(rank_correlation(a, b), 1 - 6 * (differences**2).sum() / (5 * 24))
    # Of the 10 pairs, 1 and 3 as well as 7 and 9 are in the other order: (8 - 2) / 10.
    assert np.isclose(concordance(a, b), 0.6)
    for correlation in (rank_correlation, concordance):
        assert np.isnan(correlation(a, np.ones(5)))


def test_equal_values_share_a_rank() -> None:
    """As scipy has it, row by row."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(5, size=(2, 20, 12)).astype(float)
    expected = [spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(rank_correlation(a, b), expected)
    expected = [kendalltau(x, y).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(concordance(a, b), expected)


def test_a_single_layer_is_predicted_perfectly() -> None:
    """The sum of one measured pair is the joint loss up to a constant; the interval is narrow."""
    inputs = normal(40, 6, dtype=torch.float64)
    weight = 2 * normal(3, 6, seed=1, dtype=torch.float64)
    model = linear(weight)
    targets = (inputs @ weight.T).argmax(1)  # quantisation only makes it worse
    data = examples(inputs, targets)
    table = measure_sensitivities(model, data, "loss-pairs", PRECISIONS[1:])
    own = [Configuration({"layer0": p}) for p in PRECISIONS[1:]]
    report = predictiveness(model, data, table, own)
    offset = report.measured - table.columns["sensitivity_measured"]
    assert np.ptp(offset) < 1e-12
    assert (table.columns["sensitivity_measured"] > 0).all()
    for found in (report.spearman, report.kendall):
        assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))
    assert str(report) == (
        "Rank correlation between predicted and measured loss of 5 configurations: Spearman 1.000 "
        "(1.000 to 1.000), Kendall 1.000 (1.000 to 1.000), with 95% bootstrap intervals"
    )


def test_the_interval_holds_the_correlation() -> None:
    """And is the same for a seed."""
    model = convolutional()
    table = measure_sensitivities(model, DATA, "loss", PRECISIONS)
    report, again = (predictiveness(model, DATA, table, 20, seed=3) for _ in range(2))
    for found in (report.spearman, report.kendall):
        assert -1 <= found.low <= found.value <= found.high <= 1
    assert (report.spearman, report.kendall) == (again.spearman, again.kendall)
    predicted = [
        sum(
            float(table.columns["sensitivity"][6 * i + PRECISIONS.index(c[layer])])
            for i, layer in enumerate(table.layers)
        )
        for c in report.configurations
    ]
    np.testing.assert_allclose(report.predicted, predicted)


def test_what_cannot_be_ranked_is_refused() -> None:
    """Too few configurations, equal ones, or ones without sensitivities."""
    model = convolutional()
    table = measure_sensitivities(model, DATA, "mse", PRECISIONS)
    with pytest.raises(InputError, match="at least three"):
        predictiveness(model, DATA, table, 2)
    same = Configuration.homogeneous(table.layers, "8b/8b")
    with pytest.raises(InputError, match="equal"):
        predictiveness(model, DATA, table, [same] * 3)
    other = Configuration.homogeneous(table.layers, "5b/5b")
    with pytest.raises(InputError, match="no sensitivity of layer layer0"):
        predictiveness(model, DATA, table, [other] * 3)


def test_cross_terms_complete_the_sum() -> None:
    """Two single sensitivities and their term are the loss of both layers quantised."""
    model = convolutional()
    table = measure_sensitivities(model, DATA, "loss-pairs", PRECISIONS)
    pairs = [("layer0", "layer3"), ("layer7", "branch0")]
    terms = cross_terms(model, DATA, table, pairs)
    assert [(term.first, term.second) for term in terms] == pairs
    inputs, targets = (torch.cat(part) for part in zip(*DATA.batches, strict=True))

    def loss(precisions: dict[str, Precision]) -> float:
        other = convolutional()
        set_mode(other, Mode.FLOAT)
        for layer, precision in precisions.items():
            for kind, bits in (("activation", precision.b_in), ("weight", precision.b_wt)):
                quantiser = other.quantiser(layer, kind)
                quantiser.set_bits(int(bits))  # type: ignore[operator]
                quantiser.mode = Mode.QUANTISE
        with torch.no_grad():
            return float(cross_entropy(other(inputs), targets))

    measured = table.columns["sensitivity_measured"].reshape(4, 6)
    for term, (first, second) in zip(terms, pairs, strict=True):
        one, two = (measured[table.layers.index(layer)] for layer in (first, second))
        for i, p in enumerate(PRECISIONS):
            for j, q in enumerate(PRECISIONS):
                if first == "layer7" and p.b_in != q.b_in:
                    assert term.values[i, j] == 0
                    continue
                total = one[i] + two[j] + term.values[i, j]
                assert np.isclose(total, loss({first: p, second: q}) - loss({}), atol=1e-6)


def test_predictions_take_pairwise_terms() -> None:
    """Of two layers: both single sensitivities and their term are the joint loss."""
    torch.manual_seed(0)
    model = HandMade([torch.nn.Linear(6, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3)]).double()
    data = examples(normal(30, 6, dtype=torch.float64), torch.arange(30) % 3)
    table = measure_sensitivities(model, data, "loss-pairs", PRECISIONS)
    table = replace(table, columns={"sensitivity": table.columns["sensitivity_measured"]})
    terms = cross_terms(model, data, table, neighbours(table))
    configurations = random_configurations(model, table, 12)
    measured = joint_losses(model, data, configurations)
    whole = predicted_losses(table, configurations, terms)
    assert np.ptp(measured - whole) < 1e-12
    assert np.ptp(measured - predicted_losses(table, configurations)) > 1e-4
    report = predictiveness(model, data, table, configurations, pairwise=terms)
    assert (report.spearman.value, report.kendall.value) == pytest.approx((1, 1))
    latency = [replace(term, cost="latency") for term in terms]  # is no loss
    np.testing.assert_array_equal(
        predicted_losses(table, configurations, latency), predicted_losses(table, configurations)
    )


def test_neighbours_are_a_few_places_apart() -> None:
    """Each pair once."""
    table = measure_sensitivities(convolutional(), DATA, "mse", PRECISIONS)
    a, b, c, d = table.layers
    assert neighbours(table) == [(a, b), (b, c), (c, d)]
    assert neighbours(table, 2) == [(a, b), (a, c), (b, c), (b, d), (c, d)]


class Killed(Exception):
    """Stands for the end of a process."""


def test_killed_runs_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is evaluated twice, be it a configuration or a pair of layers."""
    model = convolutional()
    table = measure_sensitivities(model, DATA, "loss-pairs", PRECISIONS)
    configurations, pairs = random_configurations(model, table, 6), neighbours(table)
    whole = joint_losses(model, DATA, configurations)
    terms = cross_terms(model, DATA, table, pairs)

    def killed(done: object, _: object = None) -> None:
        if getattr(done, "done", done) == 2:
            raise Killed

    for run in (joint_losses, cross_terms):
        file = tmp_path / run.__name__
        with pytest.raises(Killed):
            if run is joint_losses:
                joint_losses(model, DATA, configurations, checkpoint=file, progress=killed)
            else:
                cross_terms(model, DATA, table, pairs, checkpoint=file, progress=killed)
    calls = []
    counted = joint.joint_loss

    def count(*arguments: Any) -> float:
        calls.append(arguments)
        return counted(*arguments)

    monkeypatch.setattr(joint, "joint_loss", count)
    again = joint_losses(model, DATA, configurations, checkpoint=tmp_path / "joint_losses")
    np.testing.assert_array_equal(again, whole)
    assert len(calls) == 4
    file = tmp_path / "cross_terms"
    for _ in range(2):
        found = cross_terms(model, DATA, table, pairs, checkpoint=file)
        for one, other in zip(found, terms, strict=True):
            np.testing.assert_array_equal(one.values, other.values)
        # All is in the file now, so that nothing is evaluated any more.
        monkeypatch.setattr(cross, "_loss", None)


def test_checkpoints_of_something_else_are_refused(tmp_path: Path) -> None:
    """With what differs, or with the line that is no loss."""
    model = convolutional()
    table = measure_sensitivities(model, DATA, "mse", PRECISIONS)
    configurations = random_configurations(model, table, 3)
    file = tmp_path / "losses.jsonl"
    joint_losses(model, DATA, configurations, checkpoint=file)
    with pytest.raises(InputError, match="was measured with another data; name another file"):
        joint_losses(model, images(seed=8), configurations, checkpoint=file)
    with pytest.raises(InputError, match="is not a checkpoint of sensitivities"):
        cross_terms(model, DATA, table, neighbours(table), checkpoint=file)
    with file.open("a") as lines:
        lines.write('{"configuration": {}}\n')
    with pytest.raises(InputError, match="is no part of a checkpoint of joint losses"):
        joint_losses(model, DATA, configurations, checkpoint=file)


def test_a_plot_is_drawn(tmp_path: Path) -> None:
    """A point per configuration, and both correlations in the legend."""
    model = convolutional()
    report = predictiveness(
        model, DATA, measure_sensitivities(model, DATA, "mse", PRECISIONS), 7, seed=2
    )
    axes = report.plot(tmp_path / "plot.png")
    (line,) = axes.get_lines()
    np.testing.assert_array_equal(line.get_xdata(), report.predicted)
    np.testing.assert_array_equal(line.get_ydata(), report.measured)
    assert f"Kendall {report.kendall}" in axes.get_legend().get_texts()[0].get_text()  # type: ignore[union-attr]
    assert (tmp_path / "plot.png").stat().st_size > 1000
