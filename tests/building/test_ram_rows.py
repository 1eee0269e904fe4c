"""RAM rows: the peak by definition, and small problems by enumeration."""

from __future__ import annotations

import itertools
from math import ceil, fsum
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import InputError, Precision, Problem, Tie, UnsupportedError, solve
from mpsolve.building.ram_rows import ram_constraints
from mpsolve.profiles.memory import Peak, peak_ram
from mpsolve.profiles.networks import Network, Node
from mpsolve.profiles.networks.tensor_groups import Rules, tensor_groups
from tests.profiles.memory.support import live_sets
from tests.profiles.networks.graphs import graphs, layer, network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpsolve import LinearConstraint

BITS = (2, 4, 8)


def peak_by_definition(net: Network, b_in: Mapping[str, float], rules: Rules) -> int:
    """Every tensor in the widest b_in of the layers that read its group, rounded up to bytes."""
    width = {
        tensor: max([group.least, *(b_in[reader] for reader in group.layers)])
        for group in tensor_groups(net, rules)
        for tensor in group.tensors
    }
    return max(
        sum(ceil(net.elements(tensor) * width[tensor] / 8) for tensor in tensors)
        for _, tensors in live_sets(net, [node.name for node in net.nodes])
    )


def rows_of(net: Network, limit: int, rules: Rules | None = None) -> tuple[LinearConstraint, ...]:
    """The rows for 2, 4 and 8 bits in every layer."""
    layers = [one.name for one in net.layers]
    candidates = [Precision(bits, 8) for bits in BITS] * len(layers)
    return ram_constraints(
        net, layers, np.arange(len(layers) + 1) * len(BITS), candidates, limit, rules
    )


def kept(rows: Sequence[LinearConstraint], b_in: Mapping[str, int]) -> bool:
    """Whether a configuration keeps all rows."""
    return all(
        fsum(own[BITS.index(b_in[name])] for name, own in row.terms.items()) <= row.limit
        for row in rows
    )


def test_a_residual_block_by_hand() -> None:
    """x 9, a 10, b 40, c 10, add 10 and d 1 elements; only b, which c reads, may be narrow.

    Nobody chooses the width of c, so its 10 bytes stand in the first term of the row.
    """
    net = network(
        layer("a", "x", 9, 10),
        layer("b", "a", 10, 40),
        layer("c", "b", 40, 10),
        Node("add", "add", ("a", "c"), "add"),
        layer("d", "add", 10, 1),
    )
    configuration = {name: Precision(8, 8) for name in "abcd"}
    assert peak_ram(net, configuration) == Peak(60, "c", ("a", "b", "c"))
    configuration["c"] = Precision(2, 8)
    assert peak_ram(net, configuration) == Peak(30, "c", ("a", "b", "c"))
    (row,) = rows_of(net, 59)
    assert row.name == "RAM of c"
    terms = {name: own.tolist() for name, own in row.terms.items()}
    assert terms == {"b": [20, 20, 20], "c": [10, 20, 40]}
    assert rows_of(net, 60) == ()


@settings(max_examples=150, deadline=None)
@given(graphs(), st.data())
def test_rows_say_what_the_definition_says(net: Network, data: st.DataObject) -> None:
    """A configuration of the tied widths keeps all rows if and only if its peak is in the limit."""
    share = data.draw(st.booleans())
    rules = Rules(
        data.draw(st.sampled_from((None, 4, 8))), data.draw(st.sampled_from((None, 8))), share
    )
    layers = [one.name for one in net.layers]
    b_in = {name: data.draw(st.sampled_from(BITS)) for name in layers}
    if share:
        for group in tensor_groups(net, rules):
            b_in.update(dict.fromkeys(group.layers, b_in.get((group.layers or ("",))[0], 8)))
    peak = peak_by_definition(net, b_in, rules)
    configuration = {name: Precision(bits, 8) for name, bits in b_in.items()}
    assert peak_ram(net, configuration, rules).bytes == peak
    for limit in (peak - 1, peak, peak + 1):
        assert kept(rows_of(net, limit, rules), b_in) == (peak <= limit)


@settings(max_examples=30, deadline=None)
@given(graphs(most=6), st.integers(0, 2**32 - 1))
def test_problems_with_ram_rows(net: Network, seed: int) -> None:
    """The optimum under RAM rows is the best of all assignments whose peak is in the limit."""
    rng = np.random.default_rng(seed)
    layers = [one.name for one in net.layers]
    loss = rng.integers(0, 100, (len(layers), len(BITS)))
    rules = Rules()
    shared = [group.layers for group in tensor_groups(net, rules) if len(group.layers) > 1]
    peaks = {}
    for choice in itertools.product(range(len(BITS)), repeat=len(layers)):
        b_in = {name: BITS[k] for name, k in zip(layers, choice, strict=True)}
        if all(len({b_in[name] for name in tied}) == 1 for tied in shared):
            peaks[choice] = peak_by_definition(net, b_in, rules)
    limit = int(rng.choice(sorted(set(peaks.values()))))
    problem = Problem.from_arrays(
        loss,
        {"latency": loss},
        layers=layers,
        precisions=[Precision(bits, 8) for bits in BITS],
        ties=[Tie(tied, "b_in") for tied in shared],
        constraints=rows_of(net, limit),
    )
    expected = min(
        int(loss[range(len(layers)), choice].sum())
        for choice, peak in peaks.items()
        if peak <= limit
    )
    assert solve(problem).loss == expected


def test_rows_that_others_imply_are_left_out() -> None:
    """With an input of 1 byte beside a, the first row says less than the second, a beside b."""
    net = network(
        layer("a", "x", 1, 50), layer("b", "a", 50, 50), layer("c", "b", 50, 2), layer("d", "c", 2)
    )
    assert [row.name for row in rows_of(net, 40)] == ["RAM of b"]
    wide = network(
        layer("a", "x", 20, 50), layer("b", "a", 50, 50), layer("c", "b", 50, 2), layer("d", "c", 2)
    )
    assert [row.name for row in rows_of(wide, 40)] == ["RAM of a", "RAM of b"]


def test_what_nobody_chooses_can_be_too_large() -> None:
    """The row then has one number for all candidates of a layer, above the limit."""
    net = network(layer("a", "x", 1, 30), Node("s", "mul", ("a", "a"), "s"), layer("b", "s", 30, 1))
    rows = rows_of(net, 30)
    assert [row.name for row in rows] == ["RAM of a", "RAM of s"]
    assert [own.tolist() for row in rows for own in row.terms.values()] == [[31] * 3, [38, 45, 60]]
    (fixed,) = ram_constraints(
        network(layer("a", "x", 1, 30)), ["a"], np.array([0, 2]), [Precision(8, 8)] * 2, 20
    )
    assert [own.tolist() for own in fixed.terms.values()] == [[31, 31]]


def test_a_tensor_of_several_widths_has_a_row_per_reader() -> None:
    """Without shared inputs the widest reader counts, whichever it is."""
    net = network(
        layer("a", "x", 1, 40), layer("b", "a", 40, 1), layer("c", "a", 40, 1), outputs=("b", "c")
    )
    rows = rows_of(net, 30, Rules(share_inputs=False))
    assert [row.name for row in rows] == [
        "RAM of c (read by b)",
        "RAM of c (read by c)",
    ]
    assert not kept(rows, {"a": 8, "b": 2, "c": 8})
    assert not kept(rows, {"a": 8, "b": 8, "c": 2})
    assert kept(rows, {"a": 8, "b": 4, "c": 2})


def test_too_many_choices_of_readers_are_refused() -> None:
    """Four tensors of four readers each, beside x with its five, would need 5 * 4^4 rows."""
    writers = [layer(f"t{i}", "x", 9, 1) for i in range(5)]
    readers = [layer(f"r{i}{j}", f"t{i}") for i in range(5) for j in range(4)]
    net = network(*writers, *readers)
    with pytest.raises(UnsupportedError, match="node t3 would need 1280 rows"):
        rows_of(net, 1, Rules(share_inputs=False))


def test_layers_that_are_missing_are_named() -> None:
    """The message names the network, too."""
    net = network(layer("a", "x"), layer("b", "a"))
    with pytest.raises(InputError, match="the table has no layer b, which net has"):
        ram_constraints(net, ["a"], np.array([0, 1]), [Precision(8, 8)], 9)
