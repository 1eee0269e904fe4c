"""PyTorch modules: they become the named networks, and their MACs are PyTorch's own count."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from mpsolve.errors import InputError
from mpsolve.profiles.networks import LayerType, from_torch, load_network, named_network
from tests.profiles.networks.helpers import skeleton
from tests.profiles.networks.torch_models import (
    ResNet8,
    TransformerBlock,
    conv_bn,
    mnasnet_a1,
    mobilenet_v2,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mpsolve.profiles.networks import Network


class Model(nn.Module):
    """A module with the given parts, and a function of them and the input."""

    def __init__(self, forward: Callable[[Any, Tensor], Any], **parts: Any) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.function = forward

    def forward(self, x: Tensor) -> Any:
        return self.function(self, x)


def nodes(network: Network) -> list[tuple[str, str, tuple[str, ...]]]:
    """Name, operator and inputs of every node."""
    return [(node.name, node.operator, node.inputs) for node in network.nodes]


def counted_macs(model: nn.Module, x: Tensor) -> int:
    """What PyTorch counts, without products of two activations."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(x)
    layers = ("aten.convolution", "aten.addmm", "aten.mm")
    counts = counter.get_flop_counts()["Global"]
    return sum(flops for op, flops in counts.items() if str(op).startswith(layers)) // 2


@pytest.mark.parametrize(
    ("build", "shape", "name"),
    [
        (mobilenet_v2, (1, 3, 224, 224), "mobilenet_v2"),
        (mnasnet_a1, (1, 3, 96, 96), "mnasnet_a1_96"),
        (ResNet8, (1, 3, 32, 32), "resnet8"),
    ],
)
def test_models_become_the_named_networks(
    build: Callable[[], nn.Module], shape: tuple[int, ...], name: str
) -> None:
    """Operators, layer types and connections are the same, and so are MACs and parameters."""
    model, x, named = build(), torch.zeros(shape), named_network(name)
    network = from_torch(model, (x,))
    assert skeleton(network) == skeleton(named)
    assert network.macs == counted_macs(model, x)
    normalised = (m for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    shifts = sum(2 * module.num_features for module in normalised)
    assert network.parameters + shifts == sum(p.numel() for p in model.parameters())


def test_layers_have_the_names_of_their_modules() -> None:
    """As in the state dictionary; adders and pools have the name of the module that calls them."""
    network = from_torch(ResNet8(), (torch.zeros(1, 3, 32, 32),))
    assert [name for name, _, _ in nodes(network)] == [
        "stem.0",
        "first.0.0",
        "second.0.0",
        "add",
        "first.1.0",
        "second.1.0",
        "shortcuts.0",
        "add#2",
        "first.2.0",
        "second.2.0",
        "shortcuts.1",
        "add#3",
        "pool",
        "fc",
    ]
    assert network.name == "resnet8"


def test_a_transformer_block() -> None:
    """q, k and v read one tensor, gate and up another; attention, norms and softmax are other."""
    model, x = TransformerBlock(), torch.zeros(1, 5, 32)
    network = from_torch(model, (x,))
    reads = {node.name: node.inputs[0] for node in network.nodes if node.layer_type}
    assert reads["q"] == reads["k"] == reads["v"] == "norm1.layer_norm"
    assert reads["gate"] == reads["up"] == "norm2.layer_norm"
    assert {n.operator for n in network.nodes} == {"linear", "other", "reshape", "add", "mul"}
    assert network.layer("gate").layer_types == (LayerType("linear", 32, 48, (1, 5), (1, 5)),)
    assert network.macs == counted_macs(model, x)
    assert len(network.adders) == 2


@pytest.mark.parametrize("batch", [1, 3])
def test_the_batch_does_not_count(batch: int) -> None:
    """Sizes and MACs are those of one sample."""
    network = from_torch(ResNet8(), (torch.zeros(batch, 3, 32, 32),))
    assert skeleton(network) == skeleton(named_network("resnet8"))


def test_a_shared_module_is_one_layer() -> None:
    """The second call is a node of its own with the weights of the first."""
    fc = nn.Linear(4, 4)
    network = from_torch(Model(lambda m, x: m.fc(F.relu(m.fc(x))), fc=fc), (torch.zeros(1, 4),))
    assert nodes(network) == [("fc", "linear", ("x",)), ("fc#2", "linear", ("fc",))]
    (layer,) = network.layers
    assert [node.name for node in layer.nodes] == ["fc", "fc#2"]
    assert (network.macs, network.weights) == (32, 16)


def test_weights_of_functions_are_layers() -> None:
    """A parameter that a function or a product uses is a layer of its name."""
    model = Model(
        lambda m, x: F.linear(x, m.a) @ m.b + m.c,
        a=nn.Parameter(torch.zeros(3, 4)),
        b=nn.Parameter(torch.zeros(3, 2)),
        c=nn.Parameter(torch.zeros(2)),
    )
    network = from_torch(model, (torch.zeros(1, 4),))
    assert [(x.name, x.layer_types[0]) for x in network.layers] == [
        ("a", LayerType("linear", 4, 3)),
        ("b", LayerType("linear", 3, 2, bias=True)),
    ]


def test_branches_are_joined() -> None:
    """Concatenation and in-place addition read the branches; pools keep the channels."""

    def forward(m: Any, x: Tensor) -> Tensor:
        x = m.stem(x)
        y = torch.cat([m.left(x), F.max_pool2d(m.right(x), 3, 1, 1)], 1)
        y += x
        return y.mean((2, 3))

    parts = {name: nn.Conv2d(8, 4, 1) for name in ("left", "right")}
    model = Model(forward, stem=conv_bn(3, 8), **parts)
    assert nodes(from_torch(model, (torch.zeros(1, 3, 6, 6),))) == [
        ("stem.0", "conv", ("x",)),
        ("left", "pw", ("stem.0",)),
        ("right", "pw", ("stem.0",)),
        ("pool", "pool", ("right",)),
        ("concat", "concat", ("left", "pool")),
        ("add", "add", ("concat", "stem.0")),
        ("pool#2", "pool", ("add",)),
    ]


def test_a_function_of_what_an_adder_reads_is_a_tensor_of_its_own() -> None:
    """With pre-activation, the convolution reads after the activation, the adder before it."""
    model = Model(
        lambda m, x: (y := m.first(x)) + m.second(F.relu(m.bn(y))),
        first=nn.Conv2d(3, 3, 1),
        second=nn.Conv2d(3, 3, 1),
        bn=nn.BatchNorm2d(3),
    )
    assert nodes(from_torch(model, (torch.zeros(1, 3, 4, 4),))) == [
        ("first", "pw", ("x",)),
        ("first.relu", "other", ("first",)),
        ("second", "pw", ("first.relu",)),
        ("add", "add", ("first", "second")),
    ]


@pytest.mark.parametrize(
    "function",
    [
        F.silu,
        F.hardswish,
        lambda x: x * torch.sigmoid(x),
        lambda x: x * F.relu6(x + 3) / 6,
        lambda x: 0.5 * x * (1 + torch.tanh(0.8 * (x + 0.04 * x**3))),
        lambda x: F.dropout(x.clamp(-1, 1), 0.5, training=False),
    ],
)
def test_functions_of_one_tensor_belong_to_its_layer(function: Callable[[Tensor], Tensor]) -> None:
    """However they are written, and whoever reads them."""
    model = Model(
        lambda m, x: m.b(y := function(m.a(x))) + m.c(y),
        **{name: nn.Linear(4, 4) for name in "abc"},
    )
    assert nodes(from_torch(model, (torch.zeros(1, 4),))) == [
        ("a", "linear", ("x",)),
        ("b", "linear", ("a",)),
        ("c", "linear", ("a",)),
        ("add", "add", ("b", "c")),
    ]


def test_what_does_not_contribute_is_left_out() -> None:
    """A layer whose output nobody reads is no layer of the network."""

    def forward(m: Any, x: Tensor) -> Tensor:
        m.unused(x)
        return m.used(x)

    model = Model(forward, used=nn.Linear(2, 2), unused=nn.Linear(2, 2))
    assert nodes(from_torch(model, (torch.zeros(1, 2),))) == [("used", "linear", ("x",))]


def test_random_convolutions() -> None:
    """Kernels, strides, paddings, dilations and groups are those of the modules."""
    rng = random.Random(0)
    convs: list[Any] = []
    for _ in range(40):
        settings: dict[str, Any] = {
            name: (rng.randint(least, most), rng.randint(least, most))
            for name, least, most in (
                ("kernel_size", 1, 3),
                ("stride", 1, 3),
                ("dilation", 1, 2),
                ("padding", 0, 2),
            )
        }
        settings |= {"groups": rng.choice((1, 1, 2, 4)), "bias": rng.random() < 0.5}
        convs.append(nn.Conv2d(4, 4 * rng.randint(1, 3), **settings))
    model = Model(lambda m, x: tuple(conv(x) for conv in m.convs), convs=nn.ModuleList(convs))
    x = torch.zeros(1, 4, 9, 11)
    network = from_torch(model, (x,))
    for conv, layer, y in zip(convs, network.layers, model(x), strict=True):
        (layer_type,) = layer.layer_types
        pointwise = conv.kernel_size == (1, 1) and conv.groups == 1
        assert layer_type == LayerType(
            "dw" if conv.groups == 4 else "pw" if pointwise else "conv",
            4,
            conv.out_channels,
            in_size=(9, 11),
            out_size=(y.shape[2], y.shape[3]),
            kernel=conv.kernel_size,
            stride=conv.stride,
            padding=conv.padding,
            dilation=conv.dilation,
            groups=conv.groups,
            bias=conv.bias is not None,
        )
        assert layer_type.out_size == layer_type.regular_out_size
        assert layer.weights == math.prod(conv.weight.shape)
    assert network.macs == counted_macs(model, x)


def test_padding_may_be_given_in_words() -> None:
    """``same`` keeps the size, with one more row below for an even kernel; ``valid`` does not."""
    model = Model(
        lambda m, x: m.valid(m.same(x)),
        same=nn.Conv2d(3, 4, (4, 3), padding="same", bias=False),
        valid=nn.Conv2d(4, 4, 3, padding="valid", bias=False),
    )
    network = from_torch(model, (torch.zeros(1, 3, 8, 8),))
    assert [layer.layer_types[0] for layer in network.layers] == [
        LayerType("conv", 3, 4, (8, 8), (8, 8), (4, 3), padding=(2, 1)),
        LayerType("conv", 4, 4, (8, 8), (6, 6), (3, 3)),
    ]


def test_a_product_and_an_activation_in_one_operator() -> None:
    """``addmm`` of three tensors is a layer and an adder."""
    model = Model(lambda m, x: torch.addmm(x, x, m.w), w=nn.Parameter(torch.zeros(4, 4)))
    network = from_torch(model, (torch.zeros(1, 4),))
    assert nodes(network) == [("w", "linear", ("x",)), ("w.add", "add", ("w", "x"))]


def test_a_dynamic_batch_is_that_of_the_example() -> None:
    """A program keeps the sizes with which it was exported."""
    shapes = {"x": {0: torch.export.Dim("batch")}}
    model, x = ResNet8().eval(), torch.zeros(2, 3, 32, 32)
    program = torch.export.export(model, (x,), dynamic_shapes=shapes)
    assert skeleton(from_torch(program)) == skeleton(named_network("resnet8"))


def test_signals_have_height_1() -> None:
    """A convolution of one dimension, and tokens after a transposition."""
    model = Model(
        lambda m, x: m.fc(F.relu(m.conv(x)).transpose(1, 2)),
        conv=nn.Conv1d(3, 8, 5, 2, padding=2),
        fc=nn.Linear(8, 2),
    )
    network = from_torch(model, (torch.zeros(1, 3, 20),))
    assert [layer.layer_types[0] for layer in network.layers] == [
        LayerType("conv", 3, 8, (1, 20), (1, 10), (1, 5), (1, 2), (0, 2), bias=True),
        LayerType("linear", 8, 2, (1, 10), (1, 10), bias=True),
    ]
    assert [network.tensors[t] for t in ("x", "conv", "fc")] == [(3, 1, 20), (8, 1, 10), (2, 1, 10)]
    assert [node.operator for node in network.nodes] == ["conv", "linear"]


def test_attention_modules_are_read_with_their_projections() -> None:
    """``in_proj_weight`` holds three layers, of which two are computed together."""
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    model = Model(lambda m, x: m.mha(x, (y := x + 1), y, need_weights=False)[0], mha=attention)
    network = from_torch(model, (torch.zeros(1, 3, 8),))
    weights = {layer.name: layer.weights for layer in network.layers}
    assert weights == {"mha.in_proj": 64, "mha.in_proj#2": 128, "mha.out_proj": 64}


def test_embeddings_are_other_and_position_tables_vanish() -> None:
    """Only products by weights are layers."""
    model = Model(
        lambda m, x: m.head(m.tokens(x) + m.positions(torch.arange(5))),
        tokens=nn.Embedding(100, 8),
        positions=nn.Embedding(5, 8),
        head=nn.Linear(8, 100, bias=False),
    )
    network = from_torch(model, (torch.zeros(1, 5, dtype=torch.long),))
    assert nodes(network) == [
        ("tokens.embedding", "other", ("x",)),
        ("head", "linear", ("tokens.embedding",)),
    ]


def test_the_mode_of_the_model_stays() -> None:
    """A model in training is read as for inference, and trains on."""
    model = conv_bn(3, 4)
    model[1].eval()
    from_torch(model, (torch.zeros(2, 3, 4, 4),))
    assert [module.training for module in model] == [True, False, True]


def test_exported_programs_are_read_from_files(tmp_path: Path) -> None:
    """``torch.export.save`` keeps all that is needed."""
    program = torch.export.export(ResNet8().eval(), (torch.zeros(1, 3, 32, 32),))
    torch.export.save(program, tmp_path / "mine.pt2")
    network = load_network(str(tmp_path / "mine.pt2"))
    assert network.name == "mine"
    assert skeleton(network) == skeleton(named_network("resnet8"))
    assert skeleton(from_torch(program)) == skeleton(network)


@pytest.mark.parametrize(
    ("model", "x", "message"),
    [
        (
            Model(lambda m, x: m.up(x), up=nn.ConvTranspose2d(3, 3, 2)),
            torch.zeros(1, 3, 4, 4),
            r"model: up \(conv_transpose2d\) has weights, but is neither a convolution nor linear",
        ),
        (
            Model(lambda m, x: m.conv(x), conv=nn.Conv3d(3, 3, 2)),
            torch.zeros(1, 3, 4, 4, 4),
            r"model: conv \(conv3d\) has weights, but is neither",
        ),
        (
            Model(lambda m, x: m.w @ x, w=nn.Parameter(torch.zeros(3, 4))),
            torch.zeros(4, 5),
            "has its weights on the left",
        ),
        (
            Model(lambda m, x: torch.bmm(x, m.w), w=nn.Parameter(torch.zeros(2, 4, 4))),
            torch.zeros(2, 3, 4),
            r"has weights of shape \(2, 4, 4\), which are no layer's",
        ),
        (
            Model(
                lambda m, x: torch.einsum("bi,eio->beo", x, m.experts),
                experts=nn.Parameter(torch.zeros(3, 4, 5)),
            ),
            torch.zeros(1, 4),
            r"model: einsum \(einsum\) has weights of shape \(3, 4, 5\), which are no layer's",
        ),
        (
            Model(lambda m, x: m.w * 2, w=nn.Parameter(torch.zeros(3))),
            torch.zeros(1, 2),
            "model: no output depends on an input",
        ),
        (
            Model(lambda m, x: x.relu()),
            torch.zeros(1, 2),
            "model has no layer with weights",
        ),
        (Model(lambda m, x: m.no_such(x)), torch.zeros(1), "torch.export cannot export model"),
    ],
)
def test_refusals(model: nn.Module, x: Tensor, message: str) -> None:
    """One sentence that names the module or says what is missing."""
    with pytest.raises(InputError, match=message):
        from_torch(model, (x,))


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    """Without a traceback of the archive's format."""
    (tmp_path / "broken.pt2").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"broken\.pt2 is not a readable file of torch"):
        load_network(str(tmp_path / "broken.pt2"))
