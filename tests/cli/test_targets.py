"""``mpsolve targets``: what a network can be profiled on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mpsolve.profiles.targets.registry import TARGETS

if TYPE_CHECKING:
    from tests.cli.support import Run


def test_every_target_is_listed_with_its_provenance(run: Run) -> None:
    """Models are called modelled."""
    listed = json.loads(run("targets", "--json").stdout)
    assert [entry["name"] for entry in listed] == list(TARGETS)
    for entry in listed:
        if entry["name"].endswith("-model"):
            assert entry["provenance"] == "modelled"
    shown = run("targets").stdout
    assert all(name in shown for name in TARGETS)


def test_one_target_says_where_it_comes_from_and_what_it_can_be_told(run: Run) -> None:
    """The PULP model names its parameters, its error, and that nothing was measured."""
    shown = run("targets", "pulp8-xpulpv2").stdout
    assert "no layer was measured" in shown
    assert "options: parameters=calibrated, l2=" in shown


def test_an_unknown_target(run: Run) -> None:
    """A similar name is suggested."""
    result = run("targets", "pulp8-xpulpv3")
    assert result.exit_code == 2
    assert "try pulp8-xpulpv2-model" in result.stderr
