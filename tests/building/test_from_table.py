"""One posing: what Python and the command line make of the same texts is the same."""

from __future__ import annotations

import itertools
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import (
    InputError,
    PairwiseTerm,
    Problem,
    load_table,
    read_table,
    write_csv,
    write_pairs,
)
from mpsolve.building.from_table import Request, posed
from mpsolve.cli.problem import pose
from mpsolve.mcu.setting import Setting, mcu_table
from mpsolve.model.evaluation import evaluate
from mpsolve.profiles.memory import rom_total
from mpsolve.profiles.networks import named_network
from tests.cli.support import SMALL
from tests.profiles.networks.graphs import layer, network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TABLE = "mobilenet_v1_0.75/pulp8-xpulpnnv1"
NETWORK = "mobilenet_v1_0.75"

#: What people write, and what nobody should.
LIMITS = st.one_of(
    st.sampled_from(["0.7x", "50%", "1e400x", "1e400%", "1e400", "2MB", "3ms", "8b", "x", "-1"]),
    st.integers(0, 10**9).map(str),
    st.floats(0, 2).map(lambda part: f"{part:.3f}x"),
    st.integers(0, 100).map(lambda part: f"{part}%"),
    st.integers(1, 900).map(lambda size: f"{size}kB"),
)


def outcome(build: Callable[[], Problem]) -> object:
    """The fields of a problem in a form that can be compared, or the sentence that refuses it."""
    try:
        return plain(build())
    except InputError as error:
        return str(error)


def plain(value: Any) -> Any:
    """Arrays as lists with their type, dataclasses as their fields, maps in their order."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.tolist()
    if hasattr(value, "__dataclass_fields__"):
        return [plain(getattr(value, part.name)) for part in fields(value)]
    if hasattr(value, "items"):
        return [(key, plain(own)) for key, own in value.items()]
    return [plain(own) for own in value] if isinstance(value, tuple) else value


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["latency", "rom", "ram", "bops", "cycles"]), LIMITS),
    st.sampled_from([None, "8b/8b", "4b/4b", "16b/16b"]),
    st.booleans(),
)
def test_texts_mean_the_same_everywhere(
    budgets: dict[str, str], reference: str | None, with_network: bool
) -> None:
    """The same problem, or the same sentence, with and without a network."""
    graph = named_network(NETWORK) if with_network else None
    from_python = outcome(
        lambda: Problem.from_table(
            load_table(TABLE), budgets=budgets, reference=reference, network=graph
        )
    )
    texts = tuple(f"{name}={limit}" for name, limit in budgets.items())
    from_command = outcome(
        lambda: (
            pose(
                TABLE, budgets=texts, reference=reference, network=NETWORK if with_network else None
            ).problem
        )
    )
    assert from_python == from_command


@pytest.mark.parametrize("text", ["1e400x", "1e400%", "-1e400x"])
def test_a_factor_that_no_float_holds_is_refused(text: str) -> None:
    """In Python as on the command line, whether costs are integers or not."""
    sentence = f"The budget latency={text} exceeds every float; leave it out."
    with pytest.raises(InputError) as caught:
        Problem.from_table(load_table(TABLE), budgets={"latency": text})
    assert str(caught.value) == sentence
    with pytest.raises(InputError) as caught:
        pose(TABLE, budgets=(f"latency={text}",))
    assert str(caught.value) == sentence


def test_a_part_of_the_reference_by_hand(tmp_path: Path) -> None:
    """All in 8b/8b take 190 cycles, so 0.7x are 133, and 50 % of 120 to 190 are 155."""
    file = tmp_path / "small.csv"
    file.write_text(SMALL)
    for text, limit in (("0.7x", 133), ("50%", 155)):
        assert Problem.from_table(read_table(file), budgets={"latency": text}).budgets == {
            "latency": limit
        }
        assert pose(str(file), budgets=(f"latency={text}",)).problem.budgets == {"latency": limit}


def test_pairs_count_in_what_a_budget_is_relative_to(tmp_path: Path) -> None:
    """With 10 cycles between conv0 and fc in 8b/8b, 0.5x are half of 200."""
    file, pairs = tmp_path / "small.csv", tmp_path / "pairs.csv"
    file.write_text(SMALL)
    table = read_table(file)
    between = PairwiseTerm("conv0", "fc", np.array([[10, 0], [0, 0]]), "latency")
    write_pairs([between], table, pairs)
    problem, ram = posed(Request(table, budgets={"latency": "0.5x"}, pairs=pairs))
    assert (problem.budgets, ram) == ({"latency": 100}, None)
    told = pose(str(file), budgets=("latency=0.5x",), pairs=str(pairs)).problem
    assert plain(told) == plain(problem)


def test_sensitivities_join_the_table(tmp_path: Path) -> None:
    """They become the loss, whether they are a table or its file."""
    table = mcu_table(network(layer("a", "x", 8, 8), layer("b", "a", 8, 8)))
    columns = {"sensitivity": np.arange(len(table.precisions))}
    measured = type(table)(table.layers, table.offsets, table.precisions, columns)
    file = tmp_path / "sensitivities.csv"
    write_csv(measured, file)
    for sensitivities in (measured, file):
        problem = posed(Request(table, costs=("rom",), sensitivities=sensitivities))[0]
        assert problem.loss_name == "sensitivity"
        assert problem.loss.tolist() == columns["sensitivity"].tolist()


def test_rom_is_exact_where_the_scheme_is_named() -> None:
    """Tables of the mixed scheme depend on two layers; every choice costs what is stored."""
    net = network(layer("a", "x", 8, 8), layer("b", "a", 8, 8), layer("c", "b", 8, 8))
    setting = Setting((4, 8), "folding-icn")
    request = Request(mcu_table(net, setting), costs=("rom",), network=net, scheme=setting.scheme)
    problem, ram = posed(request)
    assert ram is not None
    assert ram.limit is None
    for picks in itertools.product(*(range(len(problem.candidates(i))) for i in range(3))):
        choice = np.array(picks)
        stored = rom_total(net, problem.configuration(choice), setting.scheme)
        assert evaluate(problem, choice).costs["rom"] == stored
