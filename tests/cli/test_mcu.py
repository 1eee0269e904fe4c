"""``mpsolve mcu``: reports, files, exit statuses and refusals."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mpsolve import Configuration
from mpsolve.profiles.memory import peak_ram, rom_total
from mpsolve.profiles.networks import named_network

if TYPE_CHECKING:
    from tests.cli.support import Run

REFERENCE = Path(__file__).parents[1] / "data" / "memory_driven_reference.json"
#: The limits of the authors' code.
LIMITS = ("--rom", "2048000", "--ram", "512kB")


def test_the_devices(run: Run) -> None:
    """Sizes in units of 1024, with their sources; JSON has the notes as well."""
    text = run("mcu", "--devices").stdout
    assert "stm32h7    STM32H743xI   2,097,152     524,288  ST DS12110 Rev 7" in text
    assert "gap8       GAP8           external     524,288" in text
    devices = {one["name"]: one for one in json.loads(run("mcu", "--devices", "--json").stdout)}
    assert devices["nrf52840"]["rom"] == 1 << 20
    assert devices["nrf52840"]["ram"] == 1 << 18
    assert all(one["source"] and one["note"] for one in devices.values())


def test_one_network(run: Run, tmp_path: Path) -> None:
    """Its layers, what it takes, and the configuration, which takes what was said."""
    path = tmp_path / "best.json"
    result = run("mcu", "mobilenet_v1_0.75", *LIMITS, "-o", path)
    assert result.exit_code == 0
    assert "mobilenet_v1_0.75_224" not in result.stdout
    # As on the page on Table 2 of HAQ for microcontrollers.
    assert "memory-driven rule: +" in result.stdout
    data = json.loads(run("mcu", "mobilenet_v1_0.75", *LIMITS, "--json").stdout)
    assert data["fits"] is True
    net = named_network("mobilenet_v1_0.75")
    found = Configuration.from_json(json.loads(path.read_text()))
    assert data["usage"]["rom"] == rom_total(net, found, "icn-channel") <= 2_048_000
    assert data["usage"]["ram"] == peak_ram(net, found).bytes == 451_584
    assert data["usage"]["node"] == "conv0"
    assert "RAM: 451,584 of 512,000 byte at conv0 (input, conv0)\n" in result.stdout
    assert data["rule"]["gap"] == pytest.approx(0.585, abs=5e-4)
    assert data["solution"]["status"] == "optimal"


def test_a_family(run: Run, tmp_path: Path) -> None:
    """Every width and resolution with its verdict; a folder of those that fit."""
    folder = tmp_path / "fitting"
    result = run("mcu", "mobilenet_v2", "--rom", "2MB", "--ram", "512kB", "-o", folder)
    assert result.exit_code == 0
    assert "2,000,000 byte of ROM, 512,000 byte of RAM: 19 of 20 networks fit\n" in result.stdout
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    assert "no (RAM)" in lines["mobilenet_v2_1.4"]
    assert "does not fit" in lines["mobilenet_v2_1.4"]
    assert "yes" in lines["mobilenet_v2_1.4_192"]
    assert len(list(folder.iterdir())) == 19
    for name in ("mobilenet_v2", "mobilenet_v2_0.35_128"):
        net = named_network(name)
        found = Configuration.from_json(json.loads((folder / f"{name}.json").read_text()))
        assert rom_total(net, found, "icn-channel") <= 2_000_000
        assert peak_ram(net, found).bytes <= 512_000


def test_a_device(run: Run) -> None:
    """Its sizes, unless --rom or --ram say otherwise; one without flash limits the RAM alone."""
    data = json.loads(run("mcu", "ds_cnn", "--device", "stm32f4", "--json").stdout)
    assert data["limits"] == {"rom": 1 << 20, "ram": 128 << 10}
    words = ("mcu", "ds_cnn", "--device", "stm32f4", "--ram", "9000", "--json")
    assert json.loads(run(*words).stdout)["limits"] == {"rom": 1 << 20, "ram": 9000}
    data = json.loads(run("mcu", "ds_cnn", "--device", "gap8", "--json").stdout)
    assert data["limits"] == {"rom": None, "ram": 512 << 10}


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (
            ("--rom", "2MB", "--ram", "200kB"),
            "mobilenet_v1 does not fit: with the fewest bits, node b0.pw needs 301,056 of 200,000 "
            "bytes of RAM for b0.dw, b0.pw.",
        ),
        (
            ("--rom", "1MB", "--ram", "512kB"),
            "mobilenet_v1 does not fit: with the fewest bits, weights and tables need 1,168,932 of "
            "1,000,000 bytes of ROM.",
        ),
    ],
)
@pytest.mark.parametrize("method", ["auto", "memory-driven"])
def test_nothing_fits(
    run: Run, tmp_path: Path, limits: tuple[str, ...], sentence: str, method: str
) -> None:
    """Status 3, with the tightest node or the ROM; quietly on standard error.

    112 x 112 x 32 values and 112 x 112 x 64 in 2 bits are 301,056 bytes.
    """
    path = tmp_path / "best.json"
    words = ("mcu", "mobilenet_v1_1.0_224", *limits, "--method", method, "-o", path)
    result = run(*words)
    assert result.exit_code == 3
    assert sentence in result.stdout
    assert "was not written: nothing fits." in result.stderr
    assert not path.exists()
    quiet = run(*words, "-q")
    assert quiet.exit_code == 3
    assert quiet.stdout == ""
    assert sentence in quiet.stderr
    assert json.loads(run(*words, "--json").stdout)["obstacle"] == sentence


def test_a_family_of_which_nothing_fits(run: Run) -> None:
    """Every member is named with its obstacle."""
    result = run("mcu", "resnet18", "--rom", "2MB", "--ram", "100kB")
    assert result.exit_code == 3
    assert "0 of 4 networks fit" in result.stdout
    assert result.stdout.count("does not fit: with the fewest bits, node ") == 4


def test_the_rule(run: Run, tmp_path: Path) -> None:
    """--method memory-driven writes the policy of the authors' code."""
    path = tmp_path / "rule.json"
    name = "mobilenet_v1_1.0_224"
    result = run("mcu", name, *LIMITS, "--method", "memory-driven", "-o", path)
    assert result.exit_code == 0
    assert "method memory-driven\n" in result.stdout
    weights, activations = json.loads(REFERENCE.read_text())["224_1.0_MixPC"]
    found = Configuration.from_json(json.loads(path.read_text()))
    assert [p.b_wt for p in found.values()] == weights
    assert [p.b_in for p in found.values()] == [8, *activations]


def test_the_memory_map(run: Run, tmp_path: Path) -> None:
    """A picture of one network."""
    pytest.importorskip("matplotlib")
    path = tmp_path / "map.svg"
    words = ("mcu", "vww_mobilenet", "--device", "nrf52840", "--plot", path, "-q")
    assert run(*words).exit_code == 0
    assert "b0.dw" in path.read_text() or path.stat().st_size > 10_000


def test_the_front(run: Run, tmp_path: Path) -> None:
    """All points as CSV, falling; --plot draws them."""
    pytest.importorskip("matplotlib")
    path, picture = tmp_path / "front.csv", tmp_path / "front.png"
    words = ("mcu", "mobilenet_v1_1.0_224", "--front", "--ram", "512kB")
    result = run(*words, "-o", path, "--plot", picture)
    assert result.exit_code == 0
    assert "2,782 points, exact: every non-dominated one" in result.stdout
    with path.open(encoding="utf-8") as file:
        rows = [(int(row["rom"]), float(row["noise-macs (proxy)"])) for row in csv.DictReader(file)]
    assert len(rows) == 2782
    assert rows == sorted(rows)
    assert sorted(loss for _, loss in rows) == [loss for _, loss in reversed(rows)]
    # The optimum of the page on Table 2 is the last point within its ROM.
    last = max((rom, loss) for rom, loss in rows if rom <= 2_048_000)
    assert (last[0], round(last[1])) == (2_045_812, 1_926_914)
    assert picture.read_bytes().startswith(b"\x89PNG")
    data = json.loads(run(*words, "--json").stdout)
    assert data["points"] == 2782
    small = run("mcu", "ds_cnn", "--front", "--ram", "2kB")
    assert small.exit_code == 3
    assert "The constraint RAM of" in small.stderr


def test_the_surface(run: Run, tmp_path: Path) -> None:
    """Every pair of limits as a row; the same run goes on from its checkpoint."""
    path, points = tmp_path / "surface.csv", tmp_path / "surface.jsonl"
    words = ("mcu", "ds_cnn", "--surface", "--checkpoint", points)
    limits = ("--rom-limits", "20kB,30kB", "--ram-limits", "1kB,12kB,16KiB")
    result = run(*words, *limits, "-o", path)
    assert result.exit_code == 0
    assert "least noise-macs (proxy) for 6 pairs of ROM and RAM" in result.stdout
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["rom_limit"] for row in rows] == ["20000"] * 3 + ["30000"] * 3
    assert [row["fits"] for row in rows] == ["False", "True", "True"] * 2
    data = json.loads(run(*words, *limits, "--json").stdout)
    assert data["solved"] == 0
    assert data["loss"][0][0] is None
    alone = run("mcu", "ds_cnn", "--rom", "30kB", "--ram", "12kB", "--json")
    assert json.loads(alone.stdout)["solution"]["loss"] == data["loss"][1][1]
    usual = json.loads(run("mcu", "ds_cnn", "--surface", "--rom", "31kB", "--json").stdout)
    assert 31_000 in usual["rom"]


def test_a_network_in_a_file(run: Run, tmp_path: Path) -> None:
    """A CSV file of layers, as mpsolve networks writes it, is one network."""
    path = tmp_path / "mobilenet_v1.csv"
    assert run("networks", "mobilenet_v1_0.25_128", "-o", path).exit_code == 0
    words = ("--device", "nrf52840", "--json")
    mine, named = (run("mcu", name, *words).stdout for name in (path, "mobilenet_v1_0.25_128"))
    assert json.loads(mine)["solution"]["loss"] == json.loads(named)["solution"]["loss"]


def test_sensitivities(run: Run, tmp_path: Path) -> None:
    """They are minimised instead of a proxy: the last layer, alone sensitive, keeps 8 bits."""
    rows = ["layer,b_in,b_wt,latency,sensitivity"]  # without latencies, as it is written
    net = named_network("ds_cnn")
    for one in net.layers:
        for b_in in (2, 4, 8):
            for b_wt in (2, 4, 8):
                loss = (8 - b_wt) if one.name == net.layers[-1].name else 0
                rows.append(f"{one.name},{b_in},{b_wt},,{loss}")
    path = tmp_path / "sensitivity.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    words = ("mcu", "ds_cnn", "--rom", "20kB", "--sensitivities", path, "--json")
    data = json.loads(run(*words).stdout)
    assert data["solution"]["loss"] == 0
    assert data["solution"]["loss_name"] == "sensitivity"
    assert data["solution"]["configuration"][net.layers[-1].name]["b_wt"] == 8


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Name a NETWORK, or list the microcontrollers with --devices."),
        (("ds_cnn",), "Say how much memory there is"),
        (("ds_cnn", "--device", "stm32h8"), "There is no device 'stm32h8'; try stm32"),
        (("ds_cnnn", "--ram", "1MB"), "try ds_cnn"),
        (("ds_cnn", "--ram", "1Mb"), "may mean bits or bytes"),
        (("ds_cnn", "--ram", "50%"), "The limit ram=50% is no size"),
        (("ds_cnn", "--ram", "lots"), "not understood"),
        (("ds_cnn", "--ram", "1MB", "--bits", "2;4"), "write bit-widths, such as 2,4,8"),
        (("ds_cnn", "--ram", "1MB", "--bits", "2,4"), "too few for the input of layer"),
        (("ds_cnn", "--ram", "1MB", "--method", "memory"), "did you mean"),
        (("ds_cnn", "--ram", "1MB", "--method", "free-bits"), "is a heuristic"),
        (("ds_cnn", "--front", "--surface"), "ask for one of them"),
        (("ds_cnn", "--front", "--method", "memory-driven"), "need an exact method"),
        (("ds_cnn", "--ram", "1MB", "--epsilon", "1%"), "--epsilon is for --front."),
        (("ds_cnn", "--front", "--rom-limits", "1MB"), "--rom-limits is for --surface."),
        (("ds_cnn", "--ram", "1MB", "--checkpoint", "x"), "is for --front and --surface."),
        (("ds_cnn", "--surface", "--time-limit", "3"), "--time-limit is for one search"),
        (("ds_cnn", "--front", "-o", "front.txt"), "must be one of .csv, .json"),
        (("ds_cnn", "--front", "--scheme", "folding-icn"), "take another scheme, such as icn"),
        (("mobilenet_v1", "--surface"), "--surface is for one network, and mobilenet_v1 comes in"),
        (("mobilenet_v1", "--ram", "1MB", "--plot", "x.svg"), "such as mobilenet_v1_1.0_224."),
        (("ds_cnn", "--ram", "1MB", "-o", "/nowhere/best.json"), "no directory /nowhere"),
    ],
)
def test_refusals(run: Run, words: tuple[str, ...], sentence: str) -> None:
    """One sentence on standard error, status 2."""
    result = run("mcu", *words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert sentence in result.stderr
