"""Transformers from their configurations: published sizes, and who reads what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mpsolve.errors import InputError
from mpsolve.profiles.networks import (
    Decoder,
    LayerType,
    decoder_network,
    from_config,
    load_network,
    read_geometry,
    write_network,
)
from tests.profiles.networks.helpers import content

if TYPE_CHECKING:
    from pathlib import Path

#: A model with every part, small enough to count by hand.
SMALL = Decoder(
    hidden_size=8,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    intermediate_size=12,
    vocab_size=100,
    num_experts=4,
    num_experts_per_tok=2,
    moe_intermediate_size=3,
    shared_expert_intermediate_size=5,
    shared_expert_gate=True,
    dense_layers=(0,),
)


def config(model_type: str, sizes: str, **more: Any) -> dict[str, Any]:
    """A configuration by hidden and intermediate size, blocks, heads, heads of k, and tokens."""
    names = (
        *("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
        *("num_key_value_heads", "vocab_size"),
    )
    values = map(int, sizes.split())
    return {"model_type": model_type} | dict(zip(names, values, strict=True)) | more


#: Configurations, and how many parameters their published checkpoints have, as Hugging Face's
#: model pages count them. Beside the layers these are embeddings, and norms of the hidden size,
#: two per block and one at the end; Qwen3 also has two per block of a head's size.
PUBLISHED = {
    "Llama-2-7B": (config("llama", "4096 11008 32 32 32 32000"), 6_738_415_616),
    "Llama-3-8B": (config("llama", "4096 14336 32 32 8 128256"), 8_030_261_248),
    "Mistral-7B": (config("mistral", "4096 14336 32 32 8 32000"), 7_241_732_096),
    "Gemma-7B": (
        config("gemma", "3072 24576 28 16 16 256000", head_dim=256, tie_word_embeddings=True),
        8_537_680_896,
    ),
    "Qwen2-0.5B": (
        config("qwen2", "896 4864 24 14 2 151936", tie_word_embeddings=True),
        494_032_768,
    ),
    "Qwen2-7B": (config("qwen2", "3584 18944 28 28 4 152064"), 7_615_616_512),
    "Mixtral-8x7B": (
        config("mixtral", "4096 14336 32 32 8 32000", num_local_experts=8, num_experts_per_tok=2),
        46_702_792_704,
    ),
    "Qwen1.5-MoE-A2.7B": (
        config(
            "qwen2_moe",
            "2048 5632 24 16 16 151936",
            num_experts=60,
            num_experts_per_tok=4,
            moe_intermediate_size=1408,
            shared_expert_intermediate_size=5632,
            decoder_sparse_step=1,
        ),
        14_315_784_192,
    ),
    "Qwen3-30B-A3B": (
        config(
            "qwen3_moe",
            "2048 6144 48 32 4 151936",
            head_dim=128,
            num_experts=128,
            num_experts_per_tok=8,
            moe_intermediate_size=768,
            decoder_sparse_step=1,
            mlp_only_layers=[],
        ),
        30_532_122_624,
    ),
    "DeepSeek-MoE-16B": (
        config(
            "deepseek",
            "2048 10944 28 16 16 102400",
            n_routed_experts=64,
            n_shared_experts=2,
            num_experts_per_tok=6,
            moe_intermediate_size=1408,
            first_k_dense_replace=1,
            moe_layer_freq=1,
        ),
        16_375_728_128,
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_numbers_of_parameters(name: str) -> None:
    """Layers with their biases, embeddings and norms add up to the published number."""
    fields, published = PUBLISHED[name]
    norms = fields["hidden_size"] * (2 * fields["num_hidden_layers"] + 1)
    if fields["model_type"] == "qwen3_moe":
        norms += 2 * fields["head_dim"] * fields["num_hidden_layers"]
    embeddings = fields["hidden_size"] * fields["vocab_size"]
    if fields.get("tie_word_embeddings"):
        embeddings = 0  # they are counted as the weights of the last layer
    assert from_config(fields).parameters + embeddings + norms == published


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        # Parameters that a token uses, with the embeddings of one token and without: the papers'
        # 12.9, 2.7, 3.3 and 2.8.
        ("Mixtral-8x7B", 12.9),
        ("Qwen1.5-MoE-A2.7B", 2.7),
        ("Qwen3-30B-A3B", 3.3),
        ("DeepSeek-MoE-16B", 2.8),
    ],
)
def test_published_numbers_of_active_parameters(name: str, billions: float) -> None:
    """Experts count by the share of the tokens that they process."""
    fields, _ = PUBLISHED[name]
    embeddings = fields["hidden_size"] * fields["vocab_size"]
    macs = from_config(fields).macs  # one per weight that is used, for one token
    assert macs / 1e9 <= billions + 0.05
    assert (macs + embeddings) / 1e9 >= billions - 0.05


def test_a_small_model_by_hand() -> None:
    """Block 0 is dense, block 1 has four experts of which two are used, and a shared one."""
    network = decoder_network(SMALL, tokens=3, name="small")
    attention = 8 * 8 + 2 * 8 * 4 + 8 * 8
    dense = 3 * 8 * 12
    router, expert, shared, gate = 8 * 4, 3 * 8 * 3, 3 * 8 * 5, 8 * 1
    head = 8 * 100
    assert network.weights == 2 * attention + dense + router + 4 * expert + shared + gate + head
    used = 2 * attention + dense + router + 2 * expert + shared + gate + head
    assert network.macs == 3 * used
    assert network.layer("model.layers.0.self_attn.k_proj").layer_types == (
        LayerType("linear", 8, 4, (1, 3), (1, 3)),
    )
    assert network.layer("model.layers.1.mlp.experts.3.up_proj").share == 0.5


def test_projections_read_one_tensor() -> None:
    """q, k and v; gate and up; all experts and what chooses among them."""
    network = decoder_network(SMALL)
    readers = {
        tensor: [node.name.removeprefix("model.layers.") for node in nodes]
        for tensor, nodes in network.consumers.items()
    }
    assert readers["model.layers.0.input_layernorm"] == [
        f"0.self_attn.{letter}_proj" for letter in "qkv"
    ]
    assert readers["model.layers.0.post_attention_layernorm"] == [
        "0.mlp.gate_proj",
        "0.mlp.up_proj",
    ]
    assert readers["model.layers.1.post_attention_layernorm"] == [
        "1.mlp.gate",
        *(f"1.mlp.experts.{i}.{side}_proj" for i in range(4) for side in ("gate", "up")),
        "1.mlp.shared_expert.gate_proj",
        "1.mlp.shared_expert.up_proj",
        "1.mlp.shared_expert_gate",
    ]
    assert [node.inputs for node in network.adders] == [
        ("model.embed_tokens", "model.layers.0.self_attn.o_proj"),
        ("model.layers.0.self_attn.add", "model.layers.0.mlp.down_proj"),
        ("model.layers.0.mlp.add", "model.layers.1.self_attn.o_proj"),
        ("model.layers.1.self_attn.add", "model.layers.1.mlp.sum"),
    ]


def test_shares_survive_a_file(tmp_path: Path) -> None:
    """A network with experts is written and read like any other."""
    network = decoder_network(SMALL)
    write_network(network, tmp_path / "small.csv")
    assert content(read_geometry(tmp_path / "small.csv")) == content(network)


@pytest.mark.parametrize(
    ("fields", "biased"),
    [
        ({"model_type": "qwen2"}, "qkv"),
        ({"model_type": "llama", "attention_bias": True}, "qkvo"),
        ({"model_type": "stablelm", "use_qkv_bias": True}, "qkv"),
        ({"model_type": "llama", "mlp_bias": True}, ""),
        ({}, ""),
    ],
)
def test_biases(fields: dict[str, Any], biased: str) -> None:
    """Qwen2 has them on q, k and v without saying so."""
    network = from_config(config("llama", "8 12 1 2 2 10") | fields)
    attention = {x.name[-6]: x.biases for x in network.layers if "self_attn" in x.name}
    assert {letter for letter, biases in attention.items() if biases} == set(biased)
    feed_forward = {bool(x.biases) for x in network.layers if "mlp" in x.name}
    assert feed_forward == {"mlp_bias" in fields}


@pytest.mark.parametrize(
    ("fields", "dense"),
    [
        ({"first_k_dense_replace": 2}, [0, 1]),
        ({"decoder_sparse_step": 2}, [0, 2, 4]),
        ({"moe_layer_freq": 2}, [1, 3, 5]),
        ({"decoder_sparse_step": 1, "mlp_only_layers": [3]}, [3]),
    ],
)
def test_blocks_without_experts(fields: dict[str, Any], dense: list[int]) -> None:
    """Qwen counts blocks from 1 where it skips some, DeepSeek from 0."""
    sizes = config("qwen3_moe", "8 12 6 2 2 10", num_experts=4, num_experts_per_tok=1)
    assert list(Decoder.from_config(sizes | fields).dense_layers) == dense


def test_configurations_are_read_from_files(tmp_path: Path) -> None:
    """All of them are called config.json, so that the folder names the model."""
    folder = tmp_path / "mine"
    folder.mkdir()
    path = folder / "config.json"
    path.write_text(json.dumps(config("llama", "8 12 1 2 2 10")), encoding="utf-8")
    network = load_network(str(path))
    assert network.name == "mine"
    assert content(network) == content(from_config(config("llama", "8 12 1 2 2 10")))
    named = {"_name_or_path": "org/tiny"} | config("llama", "8 12 1 2 2 10")
    assert from_config(named).name == "tiny"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model_type": "deepseek_v3"}, "Transformers of type 'deepseek_v3' are not known, only"),
        ({"hidden_size": None}, "The configuration lacks hidden_size."),
        ({"hidden_size": "8"}, "hidden_size must be a whole number, not '8'."),
        ({"vocab_size": 0}, "vocab_size must be at least 1."),
        (
            {"num_local_experts": 4, "num_experts_per_tok": 5},
            "num_experts_per_tok must be from 1 to 4, the number of experts, not 5.",
        ),
    ],
)
def test_refusals(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    """One sentence that names the field, and the file if there is one."""
    wrong = config("mixtral", "8 12 1 2 2 10") | fields
    with pytest.raises(InputError) as caught:
        from_config(wrong)
    assert str(caught.value).startswith(message)
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(wrong), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        from_config(path)
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize(("text", "message"), [("{", "is not JSON"), ("[1]", "no configuration")])
def test_other_files_are_refused(text: str, message: str, tmp_path: Path) -> None:
    """Whatever they hold."""
    path = tmp_path / "wrong.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        from_config(path)
    with pytest.raises(InputError, match="at least 1, not 0"):
        decoder_network(SMALL, tokens=0)
