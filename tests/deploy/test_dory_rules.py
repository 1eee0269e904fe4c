"""The rules of DORY: a file that keeps all of them, broken in one way after the other."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import InputError
from mpsolve.deploy.dory_emitter import to_dory
from mpsolve.deploy.dory_files import write_dory
from mpsolve.deploy.dory_rules import RULES, check, check_folder
from mpsolve.deploy.onnxruntime_emitter import to_onnx
from tests.deploy.broken_files import BREAKS, MORE
from tests.deploy.dory_examples import conforming_graph, exported_by_quantlib
from tests.deploy.edits import Model, change, drop, node, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def conforming() -> tuple[Model, dict[str, Any]]:
    """A model and its configuration that keep every rule."""
    model, config = to_dory(conforming_graph())
    assert check(model, config) == ()
    return model, config


@pytest.mark.parametrize("rule", BREAKS)
def test_a_broken_rule_is_named(rule: str, conforming: tuple[Model, dict[str, Any]]) -> None:
    """That rule, in one sentence that names the node, and no other but those that follow."""
    model, config = conforming
    breaks, message, others = BREAKS[rule]
    breaks(model)
    found = check(model, config)
    assert {violation.rule for violation in found} == {rule} | others
    texts = [str(violation) for violation in found if violation.rule == rule]
    assert any(re.search(message, text) for text in texts), texts
    assert all(text.endswith(".") and "\n" not in text for text in texts)


@pytest.mark.parametrize(("rule", "breaks", "message"), MORE)
def test_further_ways_to_break_a_rule(
    rule: str,
    breaks: Callable[[Model], object],
    message: str,
    conforming: tuple[Model, dict[str, Any]],
) -> None:
    """Other rules may be broken as well."""
    model, config = conforming
    breaks(model)
    texts = [str(violation) for violation in check(model, config) if violation.rule == rule]
    assert any(re.search(message, text) for text in texts), texts


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "configuration_entries_are_understood": (
        lambda path: edit(path, input_bits=3),
        "The configuration's entry input_bits must be 2, 4 or 8, not 3",
    ),
    "configuration_is_complete": (
        lambda path: edit(path, **{"code reserved space": None}),
        "The configuration lacks the entry code reserved space",
    ),
    "golden_activations_fit_the_layers": (
        lambda path: (path.parent / "out_layer2.txt").unlink(),
        r"^out_layer2.txt is missing\.$",
    ),
}


def edit(path: Path, **entries: Any) -> None:
    """Change entries of the configuration; None removes one."""
    config = json.loads(path.read_text()) | entries
    path.write_text(json.dumps({k: v for k, v in config.items() if v is not None}))


def written(folder: Path, images: int = 1) -> Path:
    """A folder that keeps every rule."""
    graph = conforming_graph()
    rng = np.random.default_rng(1)
    path = write_dory(graph, folder, rng.integers(-128, 128, (images, 4, 8, 8)))
    assert check_folder(path) == ()
    return path


@pytest.mark.parametrize("rule", FILES)
def test_a_broken_folder_is_named(rule: str, tmp_path: Path) -> None:
    """The entry or the file, in one sentence."""
    path = written(tmp_path)
    breaks, message = FILES[rule]
    breaks(path)
    found = check_folder(path)
    texts = [violation.message for violation in found if violation.rule == rule]
    assert len(texts) == 1
    assert re.search(message, texts[0])


def test_every_rule_is_broken_by_a_test_and_says_who_needs_it() -> None:
    """The docstring names a file of DORY, quantlib or PULP-NN."""
    assert {rule.__name__ for rule in RULES} == set(BREAKS) | set(FILES)
    for rule in RULES:
        source = r"\w+\.(py|json|c|h|c\.t)\b|pulp-nn-mixed|FixChannelNumbersPass"
        assert re.search(source, rule.__doc__ or ""), rule.__name__


def test_golden_files_of_another_length_or_with_other_codes(tmp_path: Path) -> None:
    """Too many numbers, too large ones, and what is no number."""
    path = written(tmp_path)
    file = tmp_path / "out_layer0.txt"
    text = file.read_text()
    for broken, message in (
        (text + "1,\n", "out_layer0.txt holds 129 numbers; the tensor has 128."),
        (text.replace(text.splitlines()[1], "256,", 1), "holds 0 to 256; codes are 0 to 255."),
        (text.replace(text.splitlines()[1], "x,", 1), "must hold one integer per line"),
    ):
        file.write_text(broken)
        (found,) = check_folder(path)
        assert message in str(found)


def test_several_images_have_files_of_their_own(tmp_path: Path) -> None:
    """As DORY names them."""
    path = written(tmp_path, images=2)
    (tmp_path / "out_1_layer3.txt").unlink()
    (found,) = check_folder(path)
    assert str(found) == "out_1_layer3.txt is missing."


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """One sentence with the file's name."""
    with pytest.raises(InputError, match=r"none\.json: cannot read the configuration"):
        check_folder(tmp_path / "none.json")
    path = tmp_path / "config.json"
    path.write_text("{")
    with pytest.raises(InputError, match=r"config\.json: line 1: not JSON"):
        check_folder(path)
    path.write_text("{}")
    with pytest.raises(InputError, match=r"config\.json: no entry onnx_file names the model"):
        check_folder(path)
    with pytest.raises(InputError, match=r"none\.onnx: cannot read the model"):
        check(tmp_path / "none.onnx")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_file_is_too_broken_to_be_checked(data: st.DataObject) -> None:
    """Whatever is missing or exchanged, there are sentences and no traceback."""
    model, config = to_dory(conforming_graph())
    for _ in range(data.draw(st.integers(1, 4))):
        found = model.graph.node[data.draw(st.integers(0, len(model.graph.node) - 1))]
        names = [n for other in model.graph.node for n in (*other.input, *other.output)]
        kind = data.draw(st.integers(0, 5))
        if kind == 0:
            model.graph.node.remove(found)
        elif kind == 1 and found.attribute:
            drop(found, data.draw(st.sampled_from([a.name for a in found.attribute])))
        elif kind == 2 and found.input:
            place = data.draw(st.integers(0, len(found.input) - 1))
            found.input[place] = data.draw(st.sampled_from(names))
        elif kind == 3 and found.input:
            del found.input[data.draw(st.integers(0, len(found.input) - 1))]
        elif kind == 4:
            kinds = ["Conv", "Add", "Mul", "Clip", "Flatten", "AveragePool", "Gemm", "Loop"]
            found.op_type = data.draw(st.sampled_from(kinds))
        elif found.attribute:
            name = data.draw(st.sampled_from([a.name for a in found.attribute]))
            put(found, name, data.draw(st.sampled_from([0, -1, 3, 2.5, [1], [0, 0], "text"])))
    for violation in check(model, config):
        assert str(violation).endswith(".")


def test_a_file_for_onnxruntime_is_not_one_for_dory() -> None:
    """Its operators are named one by one."""
    texts = [str(violation) for violation in check(to_onnx(conforming_graph()))]
    assert "ConvInteger stem: DORY does not know this operator." in texts


def test_what_quantlib_exports_keeps_the_rules() -> None:
    """The rules are those of DORY, not the habits of this library."""
    assert [str(violation) for violation in check(exported_by_quantlib())] == []


def test_a_shift_of_24_overflows() -> None:
    """Quantlib's default divisor 2^24, with multipliers to match, does not fit into 32 bits."""
    model = exported_by_quantlib()
    change(model, node(model, "Mul"), lambda k: k * 32)
    change(model, node(model, "Add"), lambda k: k * 32)
    (found,) = check(model)
    assert found.rule == "accumulators_do_not_overflow"
    assert check(model, {"BNRelu_bits": 64}) == ()
