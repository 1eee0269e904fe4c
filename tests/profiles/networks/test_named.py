"""Names of networks, and what else `load_network` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mpsolve.errors import InputError
from mpsolve.profiles.networks import load_network, named_network, named_networks, write_network
from tests.profiles.networks.helpers import content

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "name", "width", "resolution"),
    [
        ("mobilenet_v1", "mobilenet_v1", 32, 224),
        ("mobilenet_v1_1.00_224", "mobilenet_v1", 32, 224),
        ("mobilenet_v1_1_192", "mobilenet_v1_192", 32, 192),
        ("mobilenet_v1_0.75", "mobilenet_v1_0.75", 24, 224),
        ("MobileNet_v1_0.750_96 ", "mobilenet_v1_0.75_96", 24, 96),
        ("mobilenet_v1_2.0", "mobilenet_v1_2.0", 64, 224),
        ("resnet18_0.5_64", "resnet18_0.5_64", 32, 64),
    ],
)
def test_width_and_resolution_may_follow_the_name(
    text: str, name: str, width: int, resolution: int
) -> None:
    """What goes without saying is left out of the name, which names the same network again."""
    network = load_network(text)
    assert network.name == name
    assert network.layers[0].layer_types[0].out_channels == width
    assert network.tensors["input"] == (3, resolution, resolution)
    assert content(load_network(network.name)) == content(network)


@pytest.mark.parametrize("known", named_networks(), ids=lambda known: known.name)
def test_every_network_says_where_it_comes_from(known: object) -> None:
    """The list and the network name the same publication."""
    (listed,) = [one for one in named_networks() if one is known]
    network = named_network(listed.name)
    assert network.name == listed.name
    assert "arXiv:" in listed.source
    assert network.source.startswith(listed.source)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mobilnet_v2", "'mobilnet_v2' is neither a network nor a file; try mobilenet_v2, "),
        ("resnet8_64", "try resnet8, "),
        ("mobilenet_v1_x", "try mobilenet_v1, "),
        ("zzz", "or a path that ends in .csv"),
        ("net.csv", r"net\.csv: there is no such file"),
        ("mobilenet_v1_0.0", "The width and the resolution of mobilenet_v1 must be positive."),
        ("mobilenet_v1_0", "The width and the resolution of mobilenet_v1 must be positive."),
    ],
)
def test_unknown_names(text: str, message: str) -> None:
    """One sentence with near names or with what to do."""
    with pytest.raises(InputError, match=message):
        load_network(text)


def test_an_unknown_name_without_files() -> None:
    """`named_network` speaks of names alone."""
    with pytest.raises(InputError, match="There is no network 'resnt18'; try resnet18"):
        named_network("resnt18")


def test_files_are_read_and_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A geometry file is read by its path; a file of another kind is refused."""
    network = named_network("ds_cnn")
    write_network(network, tmp_path / "mine.csv")
    assert content(load_network(str(tmp_path / "mine.csv"))) == content(network)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "resnet18").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="resnet18 cannot be read as a network"):
        load_network("resnet18")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match=r"folder\.csv"):
        load_network("folder.csv")
