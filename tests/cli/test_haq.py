"""``mpsolve haq``."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from mpsolve.model.configuration import Configuration
from mpsolve.profiles.networks import named_network
from mpsolve.profiles.write import write_csv
from mpsolve.training.haq.agent.ddpg import Ddpg
from tests.training.haq.toy import sensitivities

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.support import Run

#: Few episodes, judged on few examples. The network of the fixture has 72 and 1,280 weights.
QUICK = ("--data", "digits", "--episodes", "5", "--set", "examples=64")
LIMITS = ("--rom", "700B", "--ram", "150B", "--set", "scheme=weights")


@pytest.fixture
def model(trained: Path) -> str:
    """A network with its weights."""
    return f"{trained}/net.py:make:{trained}/float"


def test_what_the_agent_finds_is_fine_tuned(run: Run, model: str, tmp_path: Path) -> None:
    """Within both limits; the same command again says the same; and nothing is printed with -q."""
    asked = ("haq", model, *QUICK, *LIMITS, "-o", tmp_path / "haq", "--json")
    result = run(*asked)
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["episodes"], told["finished"], told["strategy"]) == (5, True, "concurrent")
    # Biases of the last layer: 40 bytes. 72 b / 8 + 1280 b / 8 + 40 <= 700 leaves 4 bits.
    assert told["rom"]["bytes"] <= told["rom"]["budget"] == 700
    assert told["ram"]["bytes"] <= told["ram"]["budget"] == 150
    found = Configuration.from_json(told["configuration"])
    assert found["4"].b_wt <= 4
    assert found["0"].b_in == 8
    file = tmp_path / "haq" / "configuration.json"
    assert Configuration.read(file) == found
    assert run(*asked).stdout == result.stdout
    assert run(*asked[:-1], "-q").stdout == ""
    said = run(*asked[:-1]).stdout
    assert f"in episode {told['best_episode']} of 5; ROM " in said
    rest = ("--recipe", "tqt_digits", "--set", "epochs=1", "-o", tmp_path / "tuned")
    tuned = run("finetune", model, "--data", "digits", "--configuration", file, *rest)
    assert tuned.exit_code == 0
    other = run(*asked, "--seed", "1")
    assert other.exit_code == 2
    assert "holds a run with haq.seed 0, not 1" in other.stderr


def test_sensitivities_judge(run: Run, model: str, tmp_path: Path) -> None:
    """The best of all episodes has the least sum, and the picture is drawn."""
    table = tmp_path / "sensitivity.csv"
    options = ("--metric", "mse", "--examples", "8", "-o", table)
    assert run("sensitivity", model, "--data", "digits", *options, "-q").exit_code == 0
    asked = ("haq", model, "--data", "digits", "--episodes", "12", *LIMITS, "--evaluator", table)
    more = ("--strategy", "independent", "--plot", tmp_path / "p.png", "-o", tmp_path / "haq")
    result = run(*asked, *more, "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["episodes"] == 24
    assert (tmp_path / "p.png").exists()
    rows = (tmp_path / "haq" / "metrics.csv").read_text().splitlines()
    assert rows[0].startswith("stage,episode,reward,best_reward,rom,ram,sigma,b_wt.0,b_wt.4,b_in.0")
    assert max(float(row.split(",")[2]) for row in rows[13:]) == told["reward"]


def test_a_network_without_data(run: Run, tmp_path: Path) -> None:
    """Sensitivities and a network by name are enough."""
    net = named_network("ds_cnn")
    table = tmp_path / "sensitivity.csv"
    write_csv(sensitivities(net, {layer.name: [1, 0.3, 0] for layer in net.layers}), table)
    asked = ("--rom", "20kB", "--ram", "16kB", "--episodes", "3", "--evaluator", table)
    result = run("haq", "ds_cnn", *asked, "-o", tmp_path / "haq", "--json")
    assert result.exit_code == 0
    assert list(json.loads(result.stdout)["configuration"]) == [layer.name for layer in net.layers]


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (("--ram", "95B"), "95 bytes of RAM: with all activations in the fewest bits, node 0"),
        (("--rom", "300B"), "300 bytes of ROM: with all weights in 2 bits it needs"),
    ],
)
def test_what_cannot_fit_has_status_3(
    run: Run, model: str, tmp_path: Path, limit: tuple[str, ...], words: str
) -> None:
    """The tightest node is named, and no folder is made."""
    result = run("haq", model, *QUICK, *limit, "-o", tmp_path / "x")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "give --rom or --ram"),
        (("--rom", "0.7x"), "write a size"),
        (("--rom", "fast"), "not understood"),
        (("--rom", "2MB"), "Training needs --data"),
        (("--rom", "2MB", "--data", "digits"), "has random weights: train it"),
        (("--rom", "2MB", "--data", "digits", "--set", "episode=3"), "mean episodes?"),
        (("--rom", "2MB", "--data", "digits", "--set", "seed=3"), "give --seed"),
        (("--rom", "2MB", "--data", "digits", "--set", "bits=[8, 4]"), "increasing order"),
        (("--rom", "2MB", "--data", "digits", "--set", "agent.tau=2"), "agent.tau must be"),
        (("--rom", "2MB", "--data", "digits", "--strategy", "both"), "'both' is not one of"),
        (("--rom", "2MB", "--data", "digits", "--adder-bits", "no"), "write a number of bits"),
        (("--rom", "2MB", "--evaluator", "no.csv"), "no.csv"),
        (("--rom", "2MB", "--evaluator", "no.csv", "--plot", "/no/p.png"), "no directory /no"),
    ],
)
def test_what_is_wrong_is_said(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    words: str,
) -> None:
    """In one sentence, and no folder is made."""
    monkeypatch.chdir(tmp_path)
    result = run("haq", "resnet8", *options, "-o", "x")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr
    assert not (tmp_path / "x").exists()


def test_ctrl_c_keeps_the_best_so_far(
    run: Run, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status is 130, what to do is said, and the same command ends as if undisturbed."""
    arguments = ("haq", model, *QUICK, *LIMITS)
    update, updates = Ddpg.update, []

    def interrupted(agent: Ddpg) -> None:
        update(agent)
        updates.append(agent)
        if len(updates) == 4:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Ddpg, "update", interrupted)
    broken = run(*arguments, "-o", tmp_path / "a")
    assert broken.exit_code == 130
    assert "best reward" in broken.stdout
    assert broken.stderr.startswith("Interrupted after 3 of 5 episodes; the same command goes on")
    assert (tmp_path / "a" / "configuration.json").exists()
    results: list[Any] = [
        json.loads(run(*arguments, "-o", tmp_path / name, "--json").stdout) for name in ("a", "b")
    ]
    for told in results:
        del told["folder"]
    assert results[0] == results[1]
    texts = [(tmp_path / name / "metrics.csv").read_text() for name in ("a", "b")]
    assert texts[0] == texts[1]
