"""Targets by name, with their options."""

from __future__ import annotations

import pytest

from mpsolve.errors import InputError, MissingDependencyError
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.targets.registry import TARGETS, load_target, target_options


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_can_be_made_and_says_what_it_is(name: str) -> None:
    """A model's name ends in -model; every target states source, unit and provenance."""
    try:
        target = load_target(name)
    except MissingDependencyError as error:
        pytest.skip(str(error))
    assert target.name == name
    assert name.endswith("-model") == (target.provenance is Provenance.MODELLED)
    assert all((target.description, target.source, target.unit))


def test_the_end_of_a_model_may_be_left_out() -> None:
    """mpic is short for mpic-model."""
    assert load_target("mpic").name == "mpic-model"


def test_options_follow_a_colon() -> None:
    """The a-priori parameters give other latencies than the calibrated ones."""
    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.layer_type import LayerType

    point = LayerType("pw", 64, 64, (16, 16), (16, 16))
    plain, prior = (
        load_target(f"pulp8-xpulpv2-model{options}").latency(point, Precision(8, 4)).value
        for options in ("", ":parameters=prior")
    )
    assert plain != prior
    assert target_options("pulp8-xpulpv2")["parameters"] == "calibrated"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pulp9", "There is no target 'pulp9'; try pulp8-"),
        ("mpic-model:threads=2", "mpic-model takes no options"),
        ("pulp8-xpulpv2:paramters=prior", "'paramters=prior' is not understood"),
        ("pulp8-xpulpv2:parameters", "'parameters' is not understood"),
    ],
)
def test_what_is_not_understood_is_answered_with_what_there_is(text: str, message: str) -> None:
    """One sentence names the part and the alternatives."""
    with pytest.raises(InputError, match=message):
        load_target(text)
