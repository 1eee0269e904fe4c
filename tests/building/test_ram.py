"""The budget on RAM: limits as people write them, rows in the problem, and who shares inputs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mpsolve import (
    Configuration,
    InputError,
    LatencyTable,
    Precision,
    Problem,
    Provenance,
    Tie,
    load_table,
    solve,
)
from mpsolve.building.ram import ram_budget
from mpsolve.profiles.memory import peak_ram
from mpsolve.profiles.networks import named_network
from mpsolve.profiles.networks.tensor_groups import Rules, input_labels
from tests.profiles.networks.graphs import layer, network

#: b and c read a, so they share b_in where the table says so.
FORK = network(
    layer("a", "x", 1, 40), layer("b", "a", 40, 8), layer("c", "a", 40, 4), outputs=("b", "c")
)
PRECISIONS = tuple(Precision(b_in, 8) for b_in in (2, 4, 8))


def table(labels: tuple[str, ...] = ()) -> LatencyTable:
    """The layers of `FORK` in 2, 4 and 8 bits; fewer bits lose more."""
    loss = [0, 0, 0, 9, 4, 0, 7, 3, 0]
    return LatencyTable(
        ("a", "b", "c"),
        np.array([0, 3, 6, 9]),
        PRECISIONS * 3,
        {"latency": np.ones(9, int), "sensitivity": np.array(loss)},
        b_in_groups=labels,
        provenance=Provenance.MODELLED,
        source="fork.csv",
    )


#: In 8 bits the nodes need 1 + 40, 40 + 8 and 40 + 8 + 4 bytes.
TIED = table(tuple(input_labels(FORK).values()))


def limit_of(text: str | float, **more: object) -> int | None:
    """What a limit on `FORK` stands for."""
    problem = Problem.from_table(TIED)
    return ram_budget(problem, FORK, text, **more).limit  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("512kB", 512_000),
        ("512KiB", 524_288),
        ("0.5MB", 500_000),
        ("4096bit", 512),
        ("100", 100),
        (100, 100),
        (99.5, 99),
        ("0.7x", 36),  # of 52 bytes
        ("1x", 52),
    ],
)
def test_limits(text: str | float, expected: int) -> None:
    """Sizes, plain bytes, and parts of the peak of 8b/8b, rounded down."""
    assert limit_of(text) == expected


def test_a_relative_limit_has_a_reference() -> None:
    """In 4 bits, 20 bytes are read and the 12 bytes of both outputs, which nobody chooses, kept."""
    four = Configuration.homogeneous("abc", "4b/8b")
    assert limit_of("1x", reference=four) == 20 + 12
    with pytest.raises(InputError, match=r"budget ram=0\.5x is relative to the reference.*16b/8b"):
        limit_of("0.5x", reference="16b/8b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("50%", "ram is a peak; write a size such as 512kB"),
        ("5 apples", "has the unit apples, but ram is counted in byte"),
        ("much", "The budget ram=much is not understood"),
        (float("inf"), "The budget on ram must be a finite number, not inf"),
    ],
)
def test_limits_that_mean_nothing(text: str, message: str) -> None:
    """One sentence says what to write."""
    with pytest.raises(InputError, match=message):
        limit_of(text)


def test_rows_become_constraints_of_the_problem() -> None:
    """A table with labels has one row for what both readers need, and the tie between them."""
    problem = Problem.from_table(TIED, budgets={"ram": 40, "latency": 3}, network=FORK)
    assert [constraint.name for constraint in problem.constraints] == ["RAM of c"]
    assert problem.ties == (Tie(("b", "c"), "b_in", "a"),)
    assert problem.budgets == {"latency": 3}
    answer = solve(problem)
    assert answer.loss == 4 + 3  # both in 4 bits: 20 + 12 bytes
    assert solve(Problem.from_table(TIED, budgets={"ram": 52}, network=FORK)).loss == 0


def test_without_ties_the_widest_reader_counts() -> None:
    """The optimum is that of an enumeration in which a is as wide as the wider of b and c."""
    problem = Problem.from_table(table(), budgets={"ram": 40}, network=FORK)
    assert len(problem.constraints) == 2
    losses = {
        (p.b_in, q.b_in): k + m
        for (p, k), (q, m) in itertools.product(
            zip(PRECISIONS, (9, 4, 0), strict=True), zip(PRECISIONS, (7, 3, 0), strict=True)
        )
    }
    least = min(loss for bits, loss in losses.items() if 40 * max(bits) / 8 + 12 <= 40)
    assert solve(problem).loss == least == 7
    tied = Tie(("c", "b"), "precision")
    assert len(Problem.from_table(table(), ties=[tied]).ties) == 1
    whole = ram_budget(Problem.from_table(table(), ties=[tied]), FORK, 40)
    assert whole.rules == Rules()


def test_rules_may_be_overridden() -> None:
    """Without a least width, the input of the network is its reader's choice."""
    free = Rules(input_bits=None)
    wide = network(layer("a", "x", 90, 1), layer("b", "a"), layer("c", "b"))
    problem = Problem.from_table(table(), budgets={"ram": 60}, network=wide, rules=free)
    assert solve(problem).loss == 0
    fixed = Problem.from_table(table(), budgets={"ram": 60}, network=wide)
    assert not solve(fixed).configuration
    with pytest.raises(InputError, match="ram is the peak over the nodes of a network"):
        Problem.from_table(table(), budgets={"ram": 60})


def test_a_network_of_other_layers_is_refused() -> None:
    """The message names the layer that the table lacks."""
    other = network(layer("z", "x"))
    with pytest.raises(InputError, match="the table has no layer z, which net has"):
        Problem.from_table(table(), budgets={"ram": 60}, network=other)


def test_a_column_of_that_name_needs_no_network() -> None:
    """Without a network, ram is a column like any other."""
    columns = dict(table().columns) | {"ram": np.arange(9)}
    summed = LatencyTable(("a", "b", "c"), np.array([0, 3, 6, 9]), PRECISIONS * 3, columns)
    assert Problem.from_table(summed, budgets={"ram": 10}).budgets == {"ram": 10}


def test_the_peak_in_words() -> None:
    """With and without a limit."""
    problem = Problem.from_table(TIED)
    whole = Configuration.homogeneous("abc", "8b/8b")
    assert ram_budget(problem, FORK, 1000).sentence(whole) == "ram (peak): 52 of 1,000 byte at c"
    assert ram_budget(problem, FORK).sentence(whole) == "ram (peak): 52 byte at c"
    assert ram_budget(problem, FORK).on(problem) is problem
    assert ram_budget(problem, FORK, 60).to_json(whole) == {
        "peak": 52,
        "unit": "byte",
        "budget": 60,
        "node": "c",
        "tensors": ["a", "b", "c"],
    }


def test_a_bundled_table_within_512_kb() -> None:
    """The answer's peak is in the limit, and that of 8b/8b is not."""
    net = named_network("mobilenet_v1_0.75")
    bundled = load_table("mobilenet_v1_0.75/pulp8-xpulpnnv1")
    problem = Problem.from_table(bundled, budgets={"ram": "512kB", "rom": "2MB"}, network=net)
    answer = solve(problem)
    assert answer.configuration is not None
    assert peak_ram(net, answer.configuration).bytes <= 512_000
    assert peak_ram(net, Configuration.homogeneous(bundled.layers, "8b/8b")).bytes == 903_168
    assert answer.loss == pytest.approx(solve(problem, "highs").loss, rel=1e-9)
