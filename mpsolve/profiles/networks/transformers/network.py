"""The network of a decoder-only transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.profiles.networks.builder import NetworkBuilder

if TYPE_CHECKING:
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.networks.transformers.decoder import Decoder


def decoder_network(decoder: Decoder, tokens: int = 1, *, name: str = "decoder") -> Network:
    """The linear layers of a transformer, and what lies between them.

    Embedding, normalisation, attention with its rotations and the weighted sum of experts are
    ``other``; activations belong to the layer before them. Every expert is layers of its own that
    run in ``num_experts_per_tok / num_experts`` of all inferences. The names are those of
    Hugging Face's modules, for experts those of its Qwen.

    Parameters
    ----------
    decoder
        The sizes.
    tokens
        How many tokens are processed at once.
    name
        Name of the network.
    """
    if tokens < 1:
        raise InputError(f"The number of tokens must be at least 1, not {tokens}.")
    net = NetworkBuilder(name, f"Decoder-only transformer, {tokens} token{'s'[: tokens > 1]}")
    x = net.input(1, 1, tokens, name="tokens")
    x = net.operator("model.embed_tokens", "other", (x,), (decoder.hidden_size, 1, tokens))
    for i in range(decoder.num_hidden_layers):
        block = f"model.layers.{i}"
        x = _attention(net, decoder, block, x)
        x = _feed_forward(net, decoder, block, x, experts=i not in decoder.dense_layers)
    x = _other(net, "model.norm", x)
    return net.build(net.linear("lm_head", x, decoder.vocab_size))


def _attention(net: NetworkBuilder, decoder: Decoder, block: str, x: str) -> str:
    """Attention with its residual connection."""
    y = _other(net, f"{block}.input_layernorm", x)
    heads = {"q": decoder.num_attention_heads} | dict.fromkeys("kv", decoder.num_key_value_heads)
    projected = [
        net.linear(
            f"{block}.self_attn.{letter}_proj",
            y,
            count * decoder.head_dim,
            bias=decoder.qkv_bias,
        )
        for letter, count in heads.items()
    ]
    y = net.operator(f"{block}.self_attn", "other", projected, net.shape(projected[0]))
    y = net.linear(f"{block}.self_attn.o_proj", y, decoder.hidden_size, bias=decoder.o_bias)
    return net.add(f"{block}.self_attn.add", x, y)


def _feed_forward(
    net: NetworkBuilder, decoder: Decoder, block: str, x: str, *, experts: bool
) -> str:
    """The feed-forward network, or a choice of several, with its residual connection."""
    y = _other(net, f"{block}.post_attention_layernorm", x)
    if decoder.num_experts and experts:
        y = _experts(net, decoder, f"{block}.mlp", y)
    else:
        y = _gated(net, decoder, f"{block}.mlp", y, decoder.intermediate_size)
    return net.add(f"{block}.mlp.add", x, y)


def _experts(net: NetworkBuilder, decoder: Decoder, name: str, x: str) -> str:
    """Every expert, what chooses among them, and the sum that it weights."""
    share = decoder.num_experts_per_tok / decoder.num_experts
    parts = [net.linear(f"{name}.gate", x, decoder.num_experts)]
    for i in range(decoder.num_experts):
        size = decoder.moe_intermediate_size
        parts.append(_gated(net, decoder, f"{name}.experts.{i}", x, size, share))
    if size := decoder.shared_expert_intermediate_size:
        parts.append(_gated(net, decoder, f"{name}.shared_expert", x, size))
        if decoder.shared_expert_gate:
            parts.append(net.linear(f"{name}.shared_expert_gate", x, 1))
    return net.operator(f"{name}.sum", "other", parts, net.shape(x))


def _gated(
    net: NetworkBuilder, decoder: Decoder, name: str, x: str, size: int, share: float = 1.0
) -> str:
    """down(act(gate(x)) * up(x)): Shazeer, GLU Variants Improve Transformer, arXiv:2002.05202."""
    bias = decoder.mlp_bias
    gate = net.linear(f"{name}.gate_proj", x, size, bias=bias, share=share)
    up = net.linear(f"{name}.up_proj", x, size, bias=bias, share=share)
    y = net.mul(f"{name}.mul", gate, up)
    return net.linear(f"{name}.down_proj", y, decoder.hidden_size, bias=bias, share=share)


def _other(net: NetworkBuilder, name: str, x: str) -> str:
    return net.operator(name, "other", (x,), net.shape(x))
