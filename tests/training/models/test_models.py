"""The reference networks, against published counts and the tables that come with mpsolve."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mpsolve import InputError, load_table
from mpsolve.training import build_model
from mpsolve.training.models import models
from mpsolve.training.models.blocks import Add
from tests.training.models.counting import count_layers


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


# Layers, parameters with batch normalisation, weights, and multiply-accumulate operations. The
# MobileNets' agree with the published 4.2 M and 569 M, 2.6 M and 325 M, 3.4 M and 300 M, the
# large ResNets' with torchvision's 11,689,512 and 1.81 G, and 25,557,032 and 4.09 G;
# ResNet8's and DS-CNN's are those of MLPerf Tiny without the statistics; LeNet's are by hand.
@pytest.mark.parametrize(
    ("name", "layers", "trained", "weights", "macs"),
    [
        ("mobilenet_v1", 28, 4_231_976, 4_209_088, 568_740_352),
        ("mobilenet_v1_0.75", 28, 2_585_560, 2_568_144, 325_400_448),
        ("mobilenet_v2", 53, 3_504_872, 3_469_760, 300_774_272),
        ("mobilenet_v2_1.0_192", 53, 3_504_872, 3_469_760, 221_316_608),
        ("mobilenet_v2_160", 53, 3_504_872, 3_469_760, 154_083_200),
        ("resnet18", 21, 11_689_512, 11_678_912, 1_814_073_344),
        ("resnet50", 54, 25_557_032, 25_502_912, 4_089_184_256),
        ("resnet8", 10, 78_666 - 480, 77_360, 12_501_632),
        ("lenet", 5, 150 + 2400 + 122_880 + 10_080 + 840 + 236, 136_350, None),
        ("ds_cnn", 10, 24_908 - 2 * 9 * 64, 22_016, 2_656_768),
        ("ds_cnn_small", 8, 5_546, 5_546 - 10 - 2 * 224, None),
    ],
)
def test_networks_have_the_published_sizes(
    name: str, layers: int, trained: int, weights: int, macs: int | None
) -> None:
    """Counted while the network runs on inputs of its own size."""
    model = build_model(name)
    size = int(name.rpartition("_")[2]) if name.endswith(("_192", "_160")) else 224
    shapes = {"resnet8": (3, 32, 32), "lenet": (1, 32, 32), "ds_cnn_small": (1, 8, 8)}
    shapes["ds_cnn"] = (1, 49, 10)
    counts = count_layers(model, shapes.get(name, (3, size, size))).values()
    assert len(counts) == layers
    assert parameters(model) == trained
    assert sum(count.weights for count in counts) == weights
    if macs:
        assert sum(count.macs for count in counts) == macs


@pytest.mark.parametrize("name", ["mobilenet_v1_0.75", "mobilenet_v2"])
def test_layers_are_called_as_in_the_latency_tables(name: str) -> None:
    """Path of the module = layer of the table, with the same operations, in the same order."""
    table = load_table(f"{name}/pulp8-xpulpnnv1")
    counts = count_layers(build_model(name), (3, 224, 224))
    assert tuple(counts) == table.layers
    first = table.offsets[:-1]
    assert [count.macs for count in counts.values()] == table.columns["macs"][first].tolist()
    bits = [  # the tables count the biases of the last layer among its weights
        table.precisions[i].b_wt * (count.weights + count.biases)
        for i, count in zip(first, counts.values(), strict=True)
    ]
    assert bits == table.columns["weight_bits_total"][first].tolist()


def test_a_layer_is_counted_by_hand() -> None:
    """3 x 3 from 4 to 6 channels in 2 groups, stride 2 on 5 x 7; a linear layer on two rows."""
    model = nn.Sequential(nn.Conv2d(4, 6, 3, 2, 1, groups=2, bias=False), nn.Linear(4, 5))
    counts = count_layers(model, (4, 5, 7))
    conv, linear = counts["0"], counts["1"]
    assert (conv.weights, conv.biases, conv.macs) == (6 * 2 * 9, 0, 6 * 2 * 9 * 3 * 4)
    assert (conv.inputs, conv.outputs) == (4 * 5 * 7, 6 * 3 * 4)
    assert (linear.weights, linear.biases, linear.macs) == (20, 5, 20 * 6 * 3)


def test_a_layer_that_is_called_twice_counts_twice() -> None:
    """Its weights once; the modes of the modules stay."""

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.layer(self.layer(x))
            return out

    model = Twice().train()
    (count,) = count_layers(model, (3,)).values()
    assert (count.weights, count.macs) == (9, 18)
    assert model.training


@pytest.mark.parametrize("name", models())
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 40), (4, 9, 13)])
def test_every_network_takes_images_of_any_size(name: str, shape: tuple[int, int, int]) -> None:
    """And gives one score per class."""
    model = build_model(name, 7, shape).eval()
    assert model(torch.zeros(2, *shape)).shape == (2, 7)


@pytest.mark.parametrize(
    ("name", "adders"), [("mobilenet_v2", 10), ("resnet8", 3), ("resnet18", 8), ("resnet50", 16)]
)
def test_residual_networks_add(name: str, adders: int) -> None:
    """In modules called ``add``; without its block a residual path hands the input on."""
    model = build_model(name)
    found = {path: m for path, m in model.named_modules() if isinstance(m, Add)}
    assert len(found) == adders
    assert all(path.endswith(".add") for path in found)


def test_a_residual_block_is_the_sum_of_its_ways() -> None:
    """Written out by hand for the second block of ResNet8 and the third of MobileNetV2."""
    x = torch.randn(2, 16, 8, 8, generator=torch.Generator().manual_seed(0))
    block = build_model("resnet8", seed=1).eval().get_submodule("b1")
    part = block.get_submodule
    y = torch.relu(part("conv0_norm")(part("conv0")(x)))
    y = part("conv1_norm")(part("conv1")(y)) + part("shortcut")(x)
    assert torch.equal(block(x), torch.relu(y))
    x = torch.randn(2, 24, 8, 8, generator=torch.Generator().manual_seed(0))
    block = build_model("mobilenet_v2", seed=1).eval().get_submodule("b2")
    part = block.get_submodule
    y = part("expand_norm")(part("expand")(x)).clamp(0, 6)
    y = part("dw_norm")(part("dw")(y)).clamp(0, 6)
    assert torch.equal(block(x), x + part("project_norm")(part("project")(y)))


def test_widths_are_rounded_as_the_papers_do() -> None:
    """MobileNetV1 down, MobileNetV2 to multiples of 8, and its last layer never below 1,280."""
    v1, v2 = build_model("mobilenet_v1_0.3"), build_model("mobilenet_v2_0.35")
    assert v1.get_parameter("conv0.weight").shape[0] == 9  # 9.6
    assert v2.get_parameter("b1.project.weight").shape[0] == 8  # 8.4
    assert v2.get_parameter("b16.project.weight").shape[0] == 112
    assert v2.get_parameter("conv_last.weight").shape[0] == 1280
    wide = build_model("mobilenet_v2_1.4")
    assert wide.get_parameter("conv_last.weight").shape[0] == 1792


def test_the_seed_makes_the_weights() -> None:
    """Without touching the global generator."""
    state = torch.get_rng_state()
    one, two, other = (build_model("lenet", seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["fc.weight"], other["fc.weight"])
    torch.manual_seed(1)
    assert torch.equal(build_model("lenet").state_dict()["fc.weight"], one["fc.weight"])


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("resnet9", None, "There is no model 'resnet9'; try resnet8"),
        ("mobilenet", None, "There is no model 'mobilenet'; try mobilenet_v"),
        ("lenet_0.5", None, "There is no model 'lenet_0.5'; try lenet"),
        ("mobilenet_v1_0.0", None, "The width of mobilenet_v1_0.0 must be positive."),
        (
            "mobilenet_v1_0.75_192",
            (3, 224, 224),
            "mobilenet_v1_0.75_192 takes 192 x 192 pixels, not (3, 224, 224).",
        ),
        ("lenet", (1, 3, 8), "lenet cannot map inputs of shape (1, 3, 8) to 10 classes."),
        ("resnet8", (0, 8, 8), "resnet8 cannot map inputs of shape (0, 8, 8) to 10 classes."),
    ],
)
def test_what_cannot_be_built_is_refused(
    name: str, shape: tuple[int, int, int] | None, message: str
) -> None:
    """With similar names or the reason."""
    with pytest.raises(InputError) as caught:
        build_model(name, None, shape)
    assert str(caught.value).startswith(message)


def test_ds_cnn_takes_spectra_and_images() -> None:
    """Its first kernel is 10 x 4 for spectra, 3 x 3 for images; both halve the size."""
    spectra = count_layers(build_model("ds_cnn"), (1, 49, 10))["conv0"]
    images = count_layers(build_model("ds_cnn", 10, (3, 32, 32)), (3, 32, 32))["conv0"]
    assert (spectra.weights, spectra.outputs) == (64 * 10 * 4, 64 * 25 * 5)
    assert (images.weights, images.outputs) == (64 * 3 * 3 * 3, 64 * 16 * 16)
