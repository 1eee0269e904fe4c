"""Every parameter belongs to one group, once."""

from __future__ import annotations

from torch import nn

from mpsolve.training import (
    BayesianBitsQuantiser,
    EdmipsQuantiser,
    Gates,
    Mixture,
    TqtQuantiser,
    parameter_groups,
)


def test_shared_parameters_occur_once() -> None:
    """Two quantisers with one set of gates, and two with one threshold, name them once."""
    gates, mixture, shared = Gates(), Mixture(), TqtQuantiser(8, False, normed=True)
    tied = TqtQuantiser(8, False)
    tied.log2_threshold = shared.log2_threshold
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    model = nn.ModuleList(
        [
            network,
            shared,
            shared,
            tied,
            BayesianBitsQuantiser.for_weights(gates, 2),
            BayesianBitsQuantiser.for_activations(gates),
            EdmipsQuantiser(mixture, True),
        ]
    )
    groups = parameter_groups(model)
    assert [*map(id, groups.network)] == [*map(id, network.parameters())]
    assert [*map(id, groups.thresholds)] == [id(shared.log2_threshold)]
    assert [*map(id, groups.gates)] == [id(gates.phi), id(mixture.alpha)]
    assert len(list(model.parameters())) == sum(
        map(len, (groups.network, groups.thresholds, groups.gates))
    )
