"""The sizes of a decoder-only transformer, as Hugging Face's ``config.json`` states them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Model types whose blocks are attention with q, k, v and o, and gate, up and down or experts of
#: these three.
MODEL_TYPES = (
    *("deepseek", "gemma", "gemma2", "granite", "llama", "mistral", "mixtral", "olmo", "olmo2"),
    *("olmoe", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "smollm3", "stablelm"),
)
#: Model types that have biases on q, k and v whatever their configuration says.
BIASED_TYPES = ("qwen2", "qwen2_moe")

#: Other names of fields.
ALIASES = {
    "num_local_experts": "num_experts",
    "n_routed_experts": "num_experts",
    "use_qkv_bias": "qkv_bias",
}


@dataclass(frozen=True, slots=True)
class Decoder:
    """The sizes of a transformer whose blocks are attention and a gated feed-forward network.

    Attributes
    ----------
    hidden_size, num_hidden_layers, vocab_size
        Channels between the blocks, number of blocks, and number of different tokens.
    num_attention_heads, num_key_value_heads, head_dim
        Heads of q, heads of k and v, and channels of a head; by default as many heads of each,
        and ``hidden_size / num_attention_heads`` channels.
    intermediate_size
        Channels within the feed-forward network.
    num_experts, num_experts_per_tok
        Feed-forward networks to choose from, and how many of them each token uses; 0 if there is
        nothing to choose.
    moe_intermediate_size
        Channels within an expert, by default ``intermediate_size``.
    shared_expert_intermediate_size
        Channels within the expert that every token uses besides; 0 if there is none.
    shared_expert_gate
        Whether a layer weights what that expert computes.
    dense_layers
        Positions of blocks without experts.
    qkv_bias, o_bias, mlp_bias
        Which layers have biases.
    tie_word_embeddings
        Whether the weights of the last layer are the embeddings.
    """

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    num_key_value_heads: int = 0
    head_dim: int = 0
    num_experts: int = 0
    num_experts_per_tok: int = 0
    moe_intermediate_size: int = 0
    shared_expert_intermediate_size: int = 0
    shared_expert_gate: bool = False
    dense_layers: tuple[int, ...] = ()
    qkv_bias: bool = False
    o_bias: bool = False
    mlp_bias: bool = False
    tie_word_embeddings: bool = False

    def __post_init__(self) -> None:
        for name in _SIZES:
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 0:
                raise InputError(f"{name} must be a whole number, not {getattr(self, name)!r}.")
        for name in _SIZES[:5]:
            if not getattr(self, name):
                raise InputError(f"{name} must be at least 1.")
        defaults = {
            "num_key_value_heads": self.num_attention_heads,
            "head_dim": self.hidden_size // self.num_attention_heads,
            "moe_intermediate_size": self.intermediate_size,
        }
        for name, default in defaults.items():
            if not getattr(self, name):
                object.__setattr__(self, name, default)
        if self.num_experts and not 1 <= self.num_experts_per_tok <= self.num_experts:
            raise InputError(
                f"num_experts_per_tok must be from 1 to {self.num_experts}, the number of experts, "
                f"not {self.num_experts_per_tok}."
            )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Decoder:
        """Read the fields of a ``config.json``.

        Raises
        ------
        InputError
            If a field is missing or wrong, or the blocks are of another kind.
        """
        kind = config.get("model_type", "llama")
        if kind not in MODEL_TYPES:
            raise InputError(
                f"Transformers of type {kind!r} are not known, only {', '.join(MODEL_TYPES)}; "
                "read the model by from_torch or as an ONNX file."
            )
        known = {ALIASES.get(name, name): value for name, value in config.items()}
        if missing := [name for name in _SIZES[:5] if known.get(name) is None]:
            raise InputError(f"The configuration lacks {missing[0]}.")
        biased = bool(known.get("attention_bias", False))
        given = {f.name: known[f.name] for f in fields(cls) if known.get(f.name) is not None}
        given["qkv_bias"] = biased or kind in BIASED_TYPES or bool(known.get("qkv_bias", False))
        given["o_bias"] = biased
        given["dense_layers"] = _dense_layers(known)
        given["shared_expert_gate"] = kind == "qwen2_moe"
        if shared := known.get("n_shared_experts"):
            given["shared_expert_intermediate_size"] = shared * known["moe_intermediate_size"]
        return cls(**given)


#: The fields that are numbers; the first five have no default.
_SIZES = tuple(f.name for f in fields(Decoder) if f.type == "int")


def _dense_layers(config: Mapping[str, Any]) -> tuple[int, ...]:
    """The blocks without experts: the first ones, all but every so many, or those in a list."""
    first = config.get("first_k_dense_replace") or 0
    step = config.get("decoder_sparse_step") or config.get("moe_layer_freq") or 1
    listed = config.get("mlp_only_layers") or ()
    offset = 1 if "decoder_sparse_step" in config else 0
    return tuple(
        i
        for i in range(config["num_hidden_layers"])
        if i < first or (i + offset) % step or i in listed
    )
