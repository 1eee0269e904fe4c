"""The whole flow on the digits: what it leaves behind, and that nothing can disturb it."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
import torch

from mpsolve import Configuration, InputError, Problem, read_table, solve
from mpsolve.cli.flow import flow
from mpsolve.profiles.merge import with_sensitivity
from mpsolve.training import load_data
from mpsolve.training.checkpoint import load_checkpoint
from mpsolve.training.flow.flow import default_jobs, only_one, run_flow
from mpsolve.training.flow.settings import SEARCHES, FlowSettings
from tests.cli.support import environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run

torch.set_num_threads(1)
TARGET = "pulp8-xpulpnnv1-model"
NET = """
from torch import nn
def make():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(),
        nn.Conv2d(8, 8, 3, 1, 1, groups=8, bias=False), nn.BatchNorm2d(8), nn.ReLU6(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 10))
"""
SHORT = [
    *("--set", "full_precision:epochs=2", "--set", "bayesian_bits:epochs=1"),
    *("--set", "bayesian_bits:optimisers.gates.learning_rate=0.2"),
    *("--set", "tqt:epochs=1", "--examples", "32", "--budgets", "30%,60%"),
    *("--searches", "bayesian-bits,bayesian-bits-locked", "--strength", "0.02,0.3"),
]


def asked(folder: Path, output: Path) -> list[str]:
    network = folder / "net.py"
    network.write_text(NET)
    return [
        *("flow", "--network", f"{network}:make", "--data", "digits", "--target", TARGET),
        *SHORT,
        *("-o", str(output)),
    ]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with ``net.py`` and the flow ``out``, and what the command printed."""
    from click.testing import CliRunner

    from mpsolve.cli.application import application

    folder = tmp_path_factory.mktemp("flow")
    command = [*asked(folder, folder / "out"), "--jobs", "1", "--json"]
    result = CliRunner().invoke(application, command)
    assert result.exit_code == 0, result.output
    return folder, json.loads(result.stdout)


def lines(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_method_has_its_rows(undisturbed: tuple[Path, dict[str, Any]]) -> None:
    """One row per configuration, with latencies that are called modelled."""
    folder, told = undisturbed
    rows = lines(folder / "out")
    assert len(rows) == len(told["rows"])
    methods = {(row["kind"], row["method"]) for row in rows}
    kinds = ("homogeneous", "bayesian-bits", "bayesian-bits-locked")
    assert methods >= {(kind, m) for kind in kinds for m in ("as found", "free-bits")}
    assert ("taylor", "exact") in methods
    assert {row["latencies"] for row in rows} == {"modelled"}
    assert {row["onnxruntime"] for row in rows} == {"True"}
    assert told["full_precision"]["0"]["test_accuracy"] > 0.3


def test_latencies_and_optima_are_those_of_the_table(
    undisturbed: tuple[Path, dict[str, Any]],
) -> None:
    """Solved again from the files, by another method."""
    out = undisturbed[0] / "out"
    table = read_table(out / f"latencies-{TARGET}.csv")
    file = out / "seed-0" / "sensitivity" / "taylor" / "sensitivities.csv"
    problem = Problem.from_table(with_sensitivity(table, file))
    for row in lines(out):
        kept = out / row["folder"] / "configuration.json"
        choice = problem.choice(Configuration.read(kept))
        latency = problem.costs["latency"][problem.flat(choice)].sum()
        assert float(row["latency"]) == pytest.approx(latency, rel=1e-12)
        if row["method"] == "exact":
            budgets = {"latency": row["budget"]}
            again = solve(problem.with_budgets(budgets), "highs")
            assert float(row["loss_taylor"]) == pytest.approx(again.loss, rel=1e-9)
            assert float(row["warm_start"]) >= float(row["loss_taylor"]) * (1 - 1e-12)


def test_the_integer_networks_are_what_was_judged(
    undisturbed: tuple[Path, dict[str, Any]],
) -> None:
    """ONNX Runtime, fed by hand from the file, classifies as many images correctly."""
    out = undisturbed[0] / "out"
    row = lines(out)[0]
    folder = out / row["folder"] / "integer"
    (description,) = (json.loads(f.read_text()) for f in folder.glob("*.json"))
    session = onnxruntime.InferenceSession(folder / description["model"])
    data = load_data("digits")
    images, labels = next(iter(data.test.batches([np.arange(len(data.test))])))
    entry = description["input"]
    low, high = (-128, 127) if entry["signed"] else (0, 255)
    codes = np.clip(np.rint(images.numpy() / np.float32(entry["scale"])), low, high)
    typed = codes.astype(np.int8 if entry["signed"] else np.uint8)
    (output,) = session.run(None, {session.get_inputs()[0].name: typed})
    scores = output * np.array(description["output"]["scale"])
    correct = int((scores.argmax(1) == labels.numpy()).sum())
    assert int(row["integer_correct"]) == correct
    assert int(row["images"]) == len(data.test)


def test_the_report_has_tables_and_figures(undisturbed: tuple[Path, dict[str, Any]]) -> None:
    """All that are linked exist."""
    out = undisturbed[0] / "out"
    text = (out / "report.md").read_text()
    assert f"## {TARGET}: test accuracy for a latency (modelled)" in text
    assert "within 0.5 points: Free Bits" in text
    assert "exact optima, all proven" in text
    for name in ("fronts", "free-bits", "modifications"):
        assert f"({name}.svg)" in text
        assert (out / f"{name}.svg").read_text().lstrip().startswith("<?xml")


def test_jobs_change_nothing_and_nothing_is_done_twice(
    run: Run, undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """Two processes give the same files; a complete flow only reports again."""
    folder, _ = undisturbed
    command = asked(folder, tmp_path / "two")
    first = run(*command, "--jobs", 2)
    assert first.exit_code == 0
    assert "integer networks: ONNX Runtime and the interpreter agree" in first.stdout
    results = (tmp_path / "two" / "results.csv").read_bytes()
    assert results == (folder / "out" / "results.csv").read_bytes()
    before = {f: f.stat().st_mtime_ns for f in tmp_path.rglob("checkpoint.pt")}
    assert before
    again = run(*command, "--jobs", 1)
    assert again.stdout == first.stdout
    assert before == {f: f.stat().st_mtime_ns for f in tmp_path.rglob("checkpoint.pt")}


def test_weights_that_are_given_are_not_trained(
    run: Run, undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """Nor is anything searched where no search is asked for; all targets use what is tuned."""
    folder, told = undisturbed
    command = [*asked(folder, tmp_path / "given"), "--input-bits", "4"]
    weights = folder / "out" / "seed-0" / "float"
    command[command.index("--network") + 1] = f"{folder}/net.py:make:{weights}"
    searches, settings = command.index("--searches"), command.index("--set")
    del command[searches : searches + 4]
    del command[settings : settings + 6]
    more = ("--searches", "none", "--target", "mpic-model", "--metric", "mse", "--jobs", 1)
    result = run(*command, "--set", "tqt:epochs=0", *more, "--json")
    assert result.exit_code == 0
    again = json.loads(result.stdout)
    assert again["full_precision"] == told["full_precision"]
    rows = again["rows"]
    assert {row["target"] for row in rows} == {TARGET, "mpic-model"}
    assert {row["kind"] for row in rows} == {"homogeneous", "mse"}
    assert not (tmp_path / "given" / "seed-0" / "search").exists()
    table = read_table(tmp_path / "given" / f"latencies-{TARGET}.csv")
    first = [p.b_in for i, p in enumerate(table.precisions) if table.layer_of(i) == "0"]
    assert set(first) == {4, 8}  # as --input-bits says
    folders = {row["configuration"]: row["folder"] for row in rows}
    assert all(folders[row["configuration"]] == row["folder"] for row in rows)
    assert len(list((tmp_path / "given").rglob("weights.pt"))) == len(folders)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_kills_change_nothing(
    undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path, kills: int
) -> None:
    """kill -9 after a random number of changes of files, again and again; then the same table."""
    folder, _ = undisturbed
    rng = np.random.default_rng(7)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "mpsolve", *asked(folder, out), "-q", "--jobs", "2"]
    for _ in range(kills):
        with subprocess.Popen(command, env=environment()) as flow:
            wanted = int(rng.integers(1, 8))
            seen, changes = state(out), 0
            while changes < wanted and flow.poll() is None:
                time.sleep(0.005)
                now = state(out)
                changes, seen = changes + (now != seen), now
            flow.kill()
        assert flow.returncode == -signal.SIGKILL
    done = subprocess.run(command, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (out / "results.csv").read_bytes() == (folder / "out" / "results.csv").read_bytes()
    for file in (folder / "out").rglob("weights.pt"):
        own = load_checkpoint(out / file.relative_to(folder / "out"))
        theirs = load_checkpoint(file)
        assert all(torch.equal(own[name], theirs[name]) for name in theirs)


def state(folder: Path) -> frozenset[tuple[str, int]]:
    """Which files there are, and when they were written."""
    files = []
    for file in folder.rglob("*"):
        try:
            files.append((str(file), file.stat().st_mtime_ns))
        except OSError:  # replaced while we looked
            continue
    return frozenset(files)


def test_another_flow_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    """While it runs."""
    refused = pytest.raises(InputError, match="Another flow is running in")
    with only_one(tmp_path), refused, only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"targets": ()}, "A flow needs targets"),
        ({"seeds": (1, 1)}, "One of the seeds is given twice: 1, 1."),
        ({"searches": ("random",)}, "no search 'random'; there are bayesian-bits"),
        ({"starts": "some"}, "starts is nearest or all, not 'some'"),
        ({"overrides": ("epochs=3",)}, "epochs=3: write ALGORITHM:..., with one of full_precision"),
        ({"recipes": ("tqt_digits",)}, "tqt_digits: write ALGORITHM=..., with one of full_prec"),
        ({"recipes": ("tqt=edmips_digits",)}, "edmips_digits is a recipe for edmips, not for tqt"),
        ({"network": "mobilenet_v9"}, "There is no model 'mobilenet_v9'"),
        ({"data": "lines"}, "lines"),
        ({"targets": ("pulp9",)}, "pulp9"),
        ({"budgets": ("10parsec",)}, "latency=10parsec"),
        ({"targets": ("cpu",)}, "cannot be fine-tuned; a flow takes targets with 2 to 8 bits"),
    ],
)
def test_bad_settings_are_one_sentence(
    tmp_path: Path, changed: dict[str, Any], sentence: str
) -> None:
    """Before anything is trained."""
    settings = {"network": "ds_cnn_small", "data": "digits", "targets": (TARGET,)} | changed
    with pytest.raises(InputError, match=sentence):
        run_flow(FlowSettings(**settings), tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()


def test_other_settings_need_another_folder(
    run: Run, undisturbed: tuple[Path, dict[str, Any]]
) -> None:
    """The first setting that differs is named; more epochs differ too."""
    folder, _ = undisturbed
    command = asked(folder, folder / "out")
    other = run(*command, "--seeds", "5")
    assert other.exit_code == 2
    assert "holds a run with seeds [0], not [5]" in other.stderr
    for option, value in (("--seeds", "a"), ("--strength", "-1"), ("--budgets", ",")):
        refused = run(*command, option, value)
        assert refused.exit_code == 2
        assert f"{option} {value}: write" in refused.stderr


def test_the_command_has_the_defaults_of_the_library() -> None:
    """It states them without torch."""
    defaults = {option.name: option.default for option in flow.params}
    settings = FlowSettings("ds_cnn_small", "digits")
    assert tuple(str(defaults["searches"]).split(",")) == settings.searches == tuple(SEARCHES)
    assert tuple(str(defaults["budgets"]).split(",")) == settings.budgets
    assert defaults["metrics"] == settings.metrics
    assert (defaults["examples"], defaults["images"]) == (settings.examples, settings.images)


def test_jobs_are_one_per_processor_where_none_is_a_gpu() -> None:
    """A GPU is for one piece of work."""
    assert default_jobs("cuda") == 1
    assert default_jobs("cpu") >= 1
