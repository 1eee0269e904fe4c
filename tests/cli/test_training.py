"""The commands that train."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch

from mpsolve.model.configuration import Configuration
from mpsolve.profiles.networks.readers.torch_program import from_torch
from mpsolve.profiles.networks.write import network_csv
from mpsolve.training.epochs import Loop
from tests.cli.support import FAST, NET, environment

if TYPE_CHECKING:
    from pathlib import Path

    from mpsolve.profiles.networks import Network
    from tests.cli.support import Run

torch.set_num_threads(1)
SEARCH = ("--recipe", "bayesian_bits_digits", "--set", "optimisers.gates.learning_rate=0.2")


def test_train_search_finetune(run: Run, trained: Path, tmp_path: Path) -> None:
    """Each goes on from what the one before has written."""
    told = json.loads((trained / "train.json").read_text())
    assert (told["epochs"], told["stopped"], len(told["history"])) == (2, "finished", 2)
    assert told["accuracy"] > 0.5
    model = f"{trained}/net.py:make:{trained}/float"
    asked = ("--strength", "0.0001,0.3", "-o", tmp_path / "configs", "--json")
    searched = run("search", model, *FAST, *SEARCH, *asked)
    assert searched.exit_code == 0
    weak, strong = json.loads(searched.stdout)
    assert (weak["strength"], strong["strength"]) == (0.0001, 0.3)
    assert strong["relative_bops"] < weak["relative_bops"]
    file = tmp_path / "configs" / "strength-0.3" / "configuration.json"
    assert Configuration.from_json(strong["configuration"]) == Configuration.read(file)
    rest = ("--recipe", "tqt_digits", "--configuration", file, "-o", tmp_path / "tuned")
    tuned = run("finetune", model, *FAST, *rest)
    assert tuned.exit_code == 0
    assert "2 epochs, validation accuracy" in tuned.stdout
    assert (tmp_path / "tuned" / "weights.pt").exists()
    again = run("finetune", model, *FAST, *rest)
    assert again.stdout == tuned.stdout
    assert run("finetune", model, *FAST, *rest, "-q").stdout == ""


def test_search_reports_every_strength(run: Run, trained: Path, tmp_path: Path) -> None:
    """In the order in which they were asked for, of locked gates too."""
    model = f"{trained}/net.py:make:{trained}/float"
    asked = ("--strength", "0.02", "0", "--locked", "--set", "epochs=1")
    result = run("search", model, "--data", "digits", *SEARCH, *asked, "-o", tmp_path)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].endswith("net.py:make on digits, bayesian-bits, locked")
    assert [line.split()[0] for line in lines[2:]] == ["strength", "0.02", "0"]
    settings = json.loads((tmp_path / "strength-0" / "run.json").read_text())["settings"]
    assert settings["locked"] is True


def test_edmips(run: Run, trained: Path, tmp_path: Path) -> None:
    """With one of the strengths of its recipe."""
    model = f"{trained}/net.py:make:{trained}/float"
    result = run("search", model, *FAST, "--method", "edmips", "--strength", "0.01", "-o", tmp_path)
    assert result.exit_code == 0
    assert (tmp_path / "strength-0.01" / "configuration.json").exists()


def test_a_target_stands_for_its_table(run: Run, trained: Path, tmp_path: Path) -> None:
    """The search for low latency on it is that with the table that mpsolve profile would write."""
    net = make_network(trained)
    geometry, table = tmp_path / "net.csv", tmp_path / "latencies.csv"
    geometry.write_text(network_csv(net))
    target = "pulp8-xpulpnnv2-model"
    assert run("profile", geometry, "--target", target, "-o", table).exit_code == 0
    model = f"{trained}/net.py:make:{trained}/float"
    asked = ("search", model, *FAST, *SEARCH, "--regulariser", "latency", "--strength", "1e-6,30")
    told = [
        json.loads(run(*asked, *latencies, "-o", tmp_path / name, "--json").stdout)
        for name, latencies in (("a", ("--target", target)), ("b", ("--table", table)))
    ]
    weak, strong = told[0]
    assert [found["configuration"] for found in told[0]] == [
        found["configuration"] for found in told[1]
    ]
    assert strong["relative_bops"] < weak["relative_bops"]
    settings = json.loads((tmp_path / "a" / "strength-30" / "run.json").read_text())["settings"]
    assert (settings["regulariser"], settings["table"]) == (
        "latency",
        f"{trained}/net.py:make on {target}",
    )


def make_network(trained: Path) -> Network:
    """The network in the file, as it is read."""
    space: dict[str, Any] = {}
    exec(NET, space)
    return from_torch(space["make"]().eval(), (torch.zeros(1, 1, 8, 8),), name="net")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--target", "pulp8-xpulpnnv2-model"), "no other regulariser takes them"),
        (("--regulariser", "latency"), "needs the latencies of --table or --target"),
        (("--regulariser", "latency", "--target", "toaster"), "There is no target 'toaster'"),
        (("--regulariser", "latency", "--target", "cpu", "--table", "{t}"), "give one of them"),
        (("--regulariser", "latency", "--target", "cpu"), "cpu measures, each time something else"),
        (("--regulariser", "latency", "--target", "ne16-model"), "ne16-model"),
    ],
)
def test_latencies_come_from_one_place(
    run: Run, trained: Path, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    """Which must be able to run the network in all precisions that the search may choose."""
    (tmp_path / "t.csv").write_text("layer,b_in,b_wt,latency\n0,8,8,1\n")
    model = f"{trained}/net.py:make:{trained}/float"
    asked = (option.format(t=tmp_path / "t.csv") for option in options)
    result = run("search", model, *FAST, *SEARCH, *asked, "-o", tmp_path / "o")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr
    assert not (tmp_path / "o").exists()


def test_ctrl_c_leaves_a_checkpoint(
    run: Run, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status is 130, what to do is said, and the same command ends as if undisturbed."""
    model = f"{trained}/net.py:make:{trained}/float"
    arguments = ("search", model, *FAST, *SEARCH, "--strength", "0.05")
    step = Loop._step  # noqa: SLF001

    def interrupted(loop: Loop, *batch: Any) -> None:
        step(loop, *batch)
        if (loop.run.state.epoch, loop.run.state.batch) == (1, 3):
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "_step", interrupted)
        broken = run(*arguments, "-o", tmp_path / "a")
    assert broken.exit_code == 130
    assert "interrupted" in broken.stdout
    assert broken.stderr.startswith("Interrupted after 1 of 2 epochs; the same command goes on")
    results: list[Any] = [run(*arguments, "-o", tmp_path / name, "--json") for name in ("a", "b")]
    one, two = (json.loads(result.stdout)[0] for result in results)
    for told in (one, two):
        del told["folder"]
        for figures in told["history"]:
            del figures["seconds"]
    assert one == two


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["train", "lenet", "-o", "x"], "Missing option '--data'"),
        (["train", "lenet", "--data", "digit", "-o", "x"], "did you mean digits?"),
        (["train", "resnet9", "--data", "digits", "-o", "x"], "There is no model 'resnet9'"),
        (["train", "lenet", "--data", "digits", "-o", "x", "--set", "epoch=3"], "mean epochs?"),
        (["train", "lenet", "--data", "digits", "-o", "x", "--device", "tpux"], "try auto"),
        (["train", "none.py:f", "--data", "digits", "-o", "x"], "There is no file none.py"),
        (["search", "lenet", "--data", "digits", "-o", "x"], "has random weights: train it"),
        (
            ["search", "lenet", "--data", "digits", "-o", "x", "--strength", "a"],
            "such as 0.01",
        ),
        (["search", "lenet", "--data", "digits", "-o", "x", "--strength", "1,1.0"], "twice"),
        (["search", "lenet:w", "--data", "digits", "-o", "x"], "w cannot be read"),
        (["search", "lenet", "--data", "digits", "-o", "x", "--method", "darts"], "darts"),
        (
            ["search", "lenet", "--data", "digits", "-o", "x", "--recipe", "tqt_digits"],
            "tqt_digits is a recipe for tqt, not for bayesian_bits",
        ),
        (
            ["finetune", "lenet:w", "--data", "digits", "-o", "x"],
            "'--configuration'",
        ),
        (
            ["finetune", "lenet:w", "--data", "digits", "-o", "x", "--configuration", "c.json"],
            "c.json: cannot read the configuration",
        ),
    ],
)
def test_what_is_wrong_is_said(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], words: str
) -> None:
    """In one sentence, and no folder is made."""
    monkeypatch.chdir(tmp_path)
    result = run(*command)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr
    assert not (tmp_path / "x").exists()


def test_help_needs_no_torch() -> None:
    """Nor do the commands that do not train."""
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from mpsolve.cli.application import application as a\n"
        "for c in ('train', 'search', 'haq', 'finetune', 'export', 'flow', 'sensitivity',"
        " 'predictiveness'):\n"
        "    a.main([c, '--help'], standalone_mode=False)\n"
        "sys.exit(a.main(['train', 'lenet', '--data', 'digits', '-o', 'x'], 'mpsolve', "
        "standalone_mode=False))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout.count("Examples:") == 8
    assert "Training needs torch, which is not installed: pip install 'mpsolve[training]'" in (
        done.stderr
    )


def test_sensitivities_become_the_loss(run: Run, trained: Path, tmp_path: Path) -> None:
    """A model's sensitivities, and a table of its layers that minimises them."""
    model, output = f"{trained}/net.py:make:{trained}/float", tmp_path / "sensitivity.csv"
    options = ("--metric", "mse", "--bits", "4,8", "--examples", "32", "-o", output)
    result = run("sensitivity", model, "--data", "digits", *options, "--json")
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    # The first layer reads the network's input, which keeps eight bits.
    assert [(r["layer"], r["b_in"], r["b_wt"]) for r in rows] == [
        *(("0", 8, w) for w in (4, 8)),
        *(("4", a, w) for a in (4, 8) for w in (4, 8)),
    ]
    table = tmp_path / "latencies.csv"
    lines = (f"{r['layer']},{r['b_in']},{r['b_wt']},{r['b_in'] * r['b_wt']}" for r in rows)
    table.write_text("\n".join(("layer,b_in,b_wt,latency", *lines)))
    asked = ("--budget", "latency=96", "--sensitivities", output, "--json")
    solved = json.loads(run("solve", table, *asked).stdout)
    first = {r["b_wt"]: r["sensitivity"] for r in rows if r["layer"] == "0"}
    last = {(r["b_in"], r["b_wt"]): r["sensitivity"] for r in rows if r["layer"] == "4"}
    best = min(
        first[w] + loss for w in first for (a, b), loss in last.items() if 8 * w + a * b <= 96
    )
    assert solved["loss"] == pytest.approx(best)
    assert solved["loss_name"] == "sensitivity"


def test_inputs_and_adders_may_have_fewer_bits(run: Run, trained: Path, tmp_path: Path) -> None:
    """Than eight, where the options say so; otherwise a configuration is contradicted."""
    torch.manual_seed(0)
    space: dict[str, Any] = {}
    exec(NET, space)
    torch.save(space["residual"]().state_dict(), tmp_path / "w.pt")
    model = f"{trained}/net.py:residual:{tmp_path}/w.pt"
    for bits, named in (("4b/8b 8b/8b 8b/8b", "one"), ("8b/8b 4b/8b 4b/4b", "two")):
        file = tmp_path / f"{named}.json"
        layers = zip(("one", "two", "fc"), bits.split(), strict=True)
        Configuration.from_json(dict(layers)).write(file)
        arguments = ("finetune", model, "--data", "digits", "--recipe", "tqt_digits")
        asked = (*arguments, "--set", "epochs=1", "--configuration", file, "-o", tmp_path / named)
        refused = run(*asked)
        assert refused.exit_code == 2
        assert f"Layer {named} reads" in refused.stderr
        assert "so that its b_in cannot be 4; raise it, or lower --adder-bits" in refused.stderr
        relaxed = ("--input-bits", "4") if named == "one" else ("--adder-bits", "free")
        assert run(*asked, *relaxed).exit_code == 0
        rules = json.loads((tmp_path / named / "run.json").read_text())["settings"]["rules"]
        assert (rules["input_bits"], rules["adder_bits"]) == (
            (4, 8) if named == "one" else (8, None)
        )
        other = run(*asked, *relaxed, "--input-bits", "2")
        assert f"rules.input_bits {rules['input_bits']}, not 2.0" in other.stderr


def test_searches_and_sensitivities_follow_the_rules(
    run: Run, trained: Path, tmp_path: Path
) -> None:
    """The first layer may then read fewer than eight bits as well."""
    model = f"{trained}/net.py:make:{trained}/float"
    asked = ("--strength", "3", "--input-bits", "free", "-o", tmp_path / "c", "--json")
    (found,) = json.loads(run("search", model, *FAST, *SEARCH, *asked).stdout)
    two = Configuration.homogeneous(("0", "4"), "2b/2b")
    assert Configuration.from_json(found["configuration"]) == two
    measure = ("sensitivity", model, "--data", "digits", "--metric", "mse", "--examples", "8")
    options = ("--bits", "2,4", "-o", tmp_path / "s.csv", "--json")
    refused = run(*measure, *options)
    assert "at least 8 bits: add 8 to --bits, or lower --adder-bits" in refused.stderr
    rows = json.loads(run(*measure, *options, "--input-bits", "4").stdout)
    assert [(r["b_in"], r["b_wt"]) for r in rows if r["layer"] == "0"] == [(4, 2), (4, 4)]
    assert "write a number of bits" in run(*measure, *options, "--input-bits", "no").stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--bits", "many"), "--bits many: write bit-widths"),
        (("--bits", "1,16"), "--bits 1,16: write bit-widths"),
        (("--metric", "luck"), "'luck' is not one of"),
    ],
)
def test_sensitivity_options_that_make_no_sense(
    run: Run, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    """One sentence each, before anything is loaded."""
    output = ("-o", tmp_path / "s.csv")
    result = run("sensitivity", "ds_cnn_small", "--data", "digits", *options, *output)
    assert result.exit_code == 2
    assert message in result.stderr


def test_the_metrics_of_the_command_are_those_that_there_are() -> None:
    """The command lists them without loading torch."""
    from mpsolve.training.sensitivity.names import NAMES
    from mpsolve.training.sensitivity.registry import METRICS

    assert [metric.name for metric in METRICS.values()] == list(METRICS) == list(NAMES)
