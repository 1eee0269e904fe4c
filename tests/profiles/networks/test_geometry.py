"""Geometry files: what is read, what is written, and every refusal with its place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings

from mpsolve.errors import InputError, TableError
from mpsolve.profiles.networks import (
    LayerType,
    Network,
    NetworkBuilder,
    named_network,
    named_networks,
    read_geometry,
    write_network,
)
from tests.profiles.networks.helpers import content, networks

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parents[2] / "data"

HEADER = "name,kind,in_ch,in_h,in_w,out_ch,out_h,out_w,k,stride,producers\n"
CONV = "a,conv,3,8,8,16,4,4,3,2,input\n"


Read: TypeAlias = "Callable[[str], Network]"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads text under the name ``net.csv``."""
    path = tmp_path / "net.csv"

    def read_text(text: str) -> Network:
        path.write_text(text, encoding="utf-8")
        return read_geometry(path)

    return read_text


def refusal(read: Read, text: str) -> str:
    """The message without the folder."""
    with pytest.raises(TableError) as caught:
        read(text)
    message = str(caught.value)
    return message[message.index("net.csv") :]


@pytest.mark.parametrize(
    "path", sorted((DATA / "networks").glob("*.csv")), ids=lambda path: path.stem
)
def test_a_file_with_producers_is_the_named_network(path: Path) -> None:
    """Both were derived from the paper, one by hand and one elsewhere."""
    assert content(read_geometry(path)) == content(named_network(path.stem))


@pytest.mark.parametrize(
    "path", sorted((DATA / "geometry").glob("*.csv")), ids=lambda path: path.stem
)
def test_a_file_without_producers_has_the_layers_of_the_named_network(path: Path) -> None:
    """Layer types and their order agree; the adders are lost, and the source says so."""
    network, named = read_geometry(path), named_network(path.stem.replace("_1.0_", "_"))
    assert [x.layer_types for x in network.layers] == [x.layer_types for x in named.layers]
    assert not network.adders
    assert "branches are unknown" in network.source


def test_connections_that_a_chain_does_not_show_are_hidden_behind_other(tmp_path: Path) -> None:
    """The two projection shortcuts of a small residual network read no known tensor."""
    path = tmp_path / "chain.csv"
    path.write_text(
        "name,kind,cin,cout,k,s,p,g,hin,win,hout,wout\n"
        "a,conv,3,16,3,1,1,1,8,8,8,8\n"
        "b,conv,16,32,3,2,1,1,8,8,4,4\n"
        "b.shortcut,pw,16,32,1,2,0,1,8,8,4,4\n"
        "fc,fc,32,10,1,1,0,1,1,1,1,1\n",
        encoding="utf-8",
    )
    network = read_geometry(path)
    assert [(node.name, node.operator, node.inputs) for node in network.nodes] == [
        ("a", "conv", ("input",)),
        ("b", "conv", ("a",)),
        ("b.shortcut.other", "other", ("b",)),
        ("b.shortcut", "pw", ("b.shortcut.other",)),
        ("fc.pool", "pool", ("b.shortcut",)),
        ("fc", "linear", ("fc.pool",)),
    ]


@pytest.mark.parametrize("name", [known.name for known in named_networks()])
def test_what_is_written_is_read_back(name: str, tmp_path: Path) -> None:
    """Every named network, with its name if the file has it."""
    path = tmp_path / f"{name}.csv"
    network = named_network(name)
    write_network(network, path)
    assert content(read_geometry(path)) == content(network)
    assert read_geometry(path).name == name


@given(network=networks())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_network_is_read_back(network: Network, tmp_path: Path) -> None:
    """Kernels that are not square, padding, dilation, biases, shared weights and shares too."""
    path = tmp_path / "random.csv"
    write_network(network, path)
    assert content(read_geometry(path)) == content(network)


def test_tensors_with_names_of_their_own_are_read_back(tmp_path: Path) -> None:
    """Other readers name tensors independently of nodes."""
    net = NetworkBuilder("a")
    net.linear("fc", net.input(4), 2)
    plain = net.build("fc")
    (node,) = plain.nodes
    renamed = Network(
        "a",
        (type(node)(node.name, node.operator, node.inputs, "logits", node.layer_type),),
        {"input": (4, 1, 1), "logits": (2, 1, 1)},
        ("input",),
        ("logits",),
    )
    write_network(renamed, tmp_path / "a.csv")
    assert content(read_geometry(tmp_path / "a.csv")) == content(renamed)


def test_sizes_may_be_given_as_pairs(read: Read) -> None:
    """The first layer of DS-CNN: 49 x 10 becomes 25 x 5 with one more row of padding below."""
    (layer,) = read(HEADER + "a,conv,1,49,10,64,25,5,10x4,2,input\n").layers
    assert layer.layer_types == (
        LayerType(
            "conv",
            1,
            64,
            in_size=(49, 10),
            out_size=(25, 5),
            kernel=(10, 4),
            stride=(2, 2),
            padding=(5, 1),
        ),
    )


@pytest.mark.parametrize(
    ("params", "biases"), [("432", 0), ("448", 16)], ids=["weights", "weights and biases"]
)
def test_the_parameters_tell_whether_there_are_biases(read: Read, params: str, biases: int) -> None:
    """3 x 3 x 3 x 16 = 432 weights, and 16 biases or none."""
    text = HEADER.replace("producers", "producers,params") + CONV.replace("\n", f",{params}\n")
    assert read(text).layers[0].biases == biases


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,kind\na,conv\n", "net.csv: the column in_ch is missing; a network needs name, "),
        (HEADER + "a,cnv,3,8,8,16,4,4,3,2,input\n", "net.csv: line 2, column kind: 'cnv' is no "),
        (HEADER + "a,conv,3,8,8,16,4,x,3,2,input\n", "net.csv: line 2, column out_w: 'x' is not a"),
        (HEADER + "a,conv,3,8,8,16,4,4,3.5,2,input\n", "net.csv: line 2, column k: '3.5' is not "),
        (HEADER + "a,conv,3,8,8,16,4,4,3,0,input\n", "net.csv: line 2, column kind: The sizes of "),
        (HEADER + ",conv,3,8,8,16,4,4,3,2,input\n", "net.csv: line 2, column name: it is empty"),
        (HEADER + CONV + CONV, "net.csv: line 3, column name: a occurs twice"),
        (
            HEADER + "a,conv,3,8,8,16,6,4,3,2,input\n",
            "net.csv: line 2, column out_h: a kernel of 3 with stride 2 does not turn 8 into 6.",
        ),
        (
            HEADER + "a,conv,3,8,8,16,2,4,3,2,input\n",
            "net.csv: line 2, column out_h: a kernel of 3 with stride 2 does not turn 8 into 2",
        ),
        (
            HEADER + CONV + "b,pw,16,4,4,8,4,4,1,1,1\n",
            "net.csv: line 3, column producers: '1' is neither the index of a row before this one "
            "nor input.",
        ),
        (
            HEADER + CONV + "b,pw,8,4,4,8,4,4,1,1,0\n",
            "net.csv: line 3, column in_ch: the row reads 8x4x4, but a is 16x4x4 (channels x "
            "height x width).",
        ),
        (
            HEADER.replace("\n", ",macs\n") + CONV.replace("\n", ",6900\n"),
            "net.csv: line 2, column macs: 6900 should be 6912 by kernel and shapes.",
        ),
        (
            HEADER.replace("\n", ",params\n") + CONV.replace("\n", ",433\n"),
            "net.csv: line 2, column params: 433 should be 432 by kernel and shapes.",
        ),
        (
            HEADER.replace("\n", ",bias\n") + CONV.replace("\n", ",3\n"),
            "net.csv: line 2, column bias: a layer has 0 or 16 biases, not '3'.",
        ),
        (
            HEADER.replace("\n", ",share\n") + CONV.replace("\n", ",half\n"),
            "net.csv: line 2, column share: 'half' is no part, more than 0 and at most 1.",
        ),
        (
            HEADER.replace("\n", ",share\n") + CONV.replace("\n", ",1.5\n"),
            "net.csv: line 2, column share: '1.5' is no part, more than 0 and at most 1.",
        ),
        (
            HEADER + CONV + "b,pw,16,4,4,8,4,4,1,1,\u00b2\n",
            "net.csv: line 3, column producers: '\u00b2' is neither the index of a row before ",
        ),
        (
            HEADER.replace("\n", ",index\n") + CONV.replace("\n", ",5\n") * 2,
            "net.csv: line 3, column name: a occurs twice; name every operator once.",
        ),
        (
            HEADER.replace("\n", ",index\n")
            + CONV.replace("\n", ",5\n")
            + CONV.replace("a", "b").replace("\n", ",5\n"),
            "net.csv: line 3, column index: 5 occurs twice; number every row once.",
        ),
        (
            HEADER + CONV + "b,pw,16,4,4,8,4,4,1,1,0;0\n",
            "net.csv: line 3, column kind: Node b: a layer reads one tensor, not ",
        ),
        (
            HEADER.replace("\n", ",groups\n") + CONV.replace("\n", ",2\n"),
            "net.csv: line 2, column kind: 2 groups do not divide the channels of ",
        ),
        (
            HEADER.replace(",producers", "") + "a,pool,3,8,8,3,4,4,2,2\nb,add,3,4,4,3,4,4,1,1\n",
            "net.csv: line 3, column kind: it reads several tensors; say which in a column "
            "producers.",
        ),
        (
            HEADER + "a,pool,3,8,8,3,4,4,2,2,input\n",
            "net.csv: net has no layer with weights, so no precision to choose.",
        ),
    ],
)
def test_refusals(read: Read, text: str, message: str) -> None:
    """Every sentence names the file, the line and the column."""
    assert refusal(read, text).startswith(message)


def test_a_tensor_whose_shape_is_not_its_layers_cannot_be_written(tmp_path: Path) -> None:
    """The file has one shape for both."""
    network = named_network("autoencoder")
    odd = Network(
        "odd",
        network.nodes,
        dict(network.tensors) | {"fc0": (8, 4, 4)},
        network.inputs,
        network.outputs,
    )
    with pytest.raises(InputError, match="the shape of fc0 is not what fc0 writes"):
        write_network(odd, tmp_path / "odd.csv")


def test_what_a_file_cannot_say_is_not_written(tmp_path: Path) -> None:
    """Names that would be read differently, outputs twice, and nodes that read nothing."""

    def refusal_of(network: Network) -> str:
        with pytest.raises(InputError) as caught:
            write_network(network, tmp_path / "odd.csv")
        return str(caught.value)

    net = NetworkBuilder("odd")
    x = net.linear("fc ", net.input(4), 4)
    assert refusal_of(net.build(x)).startswith("'fc ' cannot be written: spaces around a name")
    net = NetworkBuilder("odd")
    x = net.linear("fc", net.input(4), 4)
    assert "returns nothing, or one tensor twice" in refusal_of(net.build(x, x))
    y = net.operator("constant", "other", (), (4, 1, 1))
    assert "node constant reads nothing" in refusal_of(net.build(net.add("add", x, y)))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """One sentence instead of a traceback."""
    with pytest.raises(InputError, match=r"net\.csv cannot be written: No such file"):
        write_network(named_network("ds_cnn"), tmp_path / "no" / "net.csv")
