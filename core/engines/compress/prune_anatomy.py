"""Where heads, neurons and channels lie in the weights of each family of models.

The roles of a weight's axes: `h` channels of the residual stream; `f` neurons of the feed-forward block, `ff` two such
axes one after the other (a gate and what it gates); `q` query heads and `k` key-value heads, each `head_width` long,
`qkv` queries, keys and values one after the other; `p` the outputs of the layer between body and classifier; `-` none
of these. An axis of role `h` counts as one only where it is as long as the hidden width (ELECTRA's embeddings may not
be).

Torch-Pruning 1.6.1 finds which axes belong together by tracing, grouped key-value heads included. It is not used: it
drops no layers, its widths are the same in every layer with local ratios only, and it leaves the config as it was, so
that each family's fields must be set by hand all the same before the result reloads with `from_pretrained`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch

from core.errors import UserError

Roles = tuple[str, ...]
_PLAIN: Roles = ("-", "h")

_BERT_LAYER: dict[str, Roles] = {
    "attention.self.query": ("q", "h"),
    "attention.self.key": ("k", "h"),
    "attention.self.value": ("v", "h"),
    "attention.output.dense": ("h", "o"),
    "attention.output.LayerNorm": ("h",),
    "intermediate.dense": ("f", "h"),
    "output.dense": ("h", "f"),
    "output.LayerNorm": ("h",),
}
_EMBEDDINGS: dict[str, Roles] = {
    "embeddings.word_embeddings": _PLAIN,
    "embeddings.position_embeddings": _PLAIN,
    "embeddings.token_type_embeddings": _PLAIN,
    "embeddings.LayerNorm": ("h",),
}
_DENSE_HEAD: dict[str, Roles] = {"classifier.dense": ("p", "h"), "classifier.out_proj": ("-", "p")}
_DECODER_AROUND: dict[str, Roles] = {
    "embed_tokens": _PLAIN,
    "model.norm": ("h",),
    "lm_head": _PLAIN,
    "score": _PLAIN,
}
_LLAMA_LAYER: dict[str, Roles] = {
    "self_attn.q_proj": ("q", "h"),
    "self_attn.k_proj": ("k", "h"),
    "self_attn.v_proj": ("v", "h"),
    "self_attn.o_proj": ("h", "o"),
    "mlp.gate_proj": ("f", "h"),
    "mlp.up_proj": ("f", "h"),
    "mlp.down_proj": ("h", "f"),
    "input_layernorm": ("h",),
    "post_attention_layernorm": ("h",),
    "pre_feedforward_layernorm": ("h",),
    "post_feedforward_layernorm": ("h",),
}


@dataclass(frozen=True)
class Family:
    """A family's weights by the ends of their modules' names: within a layer, and around the layers.

    `heads` says whether the number of heads is free (the config holds their width as `head_dim`), goes with the hidden
    width, or is fixed. `hidden` says whether the hidden width can be cut. `transposed` says that matrices
    stand as (in, out).
    """

    layer: Mapping[str, Roles]
    around: Mapping[str, Roles]
    heads: Literal["free", "with hidden", "fixed"] = "with hidden"
    hidden: bool = True
    feed_forward_field: str = "intermediate_size"
    transposed: bool = False


_BERT = Family(_BERT_LAYER, {**_EMBEDDINGS, "pooler.dense": ("p", "h"), "classifier": ("-", "p")})
_ROBERTA = Family(_BERT_LAYER, {**_EMBEDDINGS, **_DENSE_HEAD})
_ELECTRA = Family(_BERT_LAYER, {**_EMBEDDINGS, "embeddings_project": ("h", "-"), **_DENSE_HEAD})
_DISTILBERT = Family(
    {
        "attention.q_lin": ("q", "h"),
        "attention.k_lin": ("k", "h"),
        "attention.v_lin": ("v", "h"),
        "attention.out_lin": ("h", "o"),
        "sa_layer_norm": ("h",),
        "ffn.lin1": ("f", "h"),
        "ffn.lin2": ("h", "f"),
        "output_layer_norm": ("h",),
    },
    {**_EMBEDDINGS, "pre_classifier": ("p", "h"), "classifier": ("-", "p")},
    feed_forward_field="hidden_dim",
)
# MPNet's layers share one bias for each head, and DeBERTa's attention is as wide as its residual stream, its positions'
# embeddings included: their heads and channels stay.
_MPNET = Family(
    {"intermediate.dense": ("f", "h"), "output.dense": ("h", "f"), "attention.attn.o": ("h", "-")},
    {},
    heads="fixed",
    hidden=False,
)
_DEBERTA = Family(
    {"intermediate.dense": ("f", "h"), "output.dense": ("h", "f"), "attention.output.dense": ("h", "-")},
    {},
    heads="fixed",
    hidden=False,
)
_MODERNBERT = Family(
    {
        "attn.Wqkv": ("qkv", "h"),
        "attn.Wo": ("h", "o"),
        "attn_norm": ("h",),
        "mlp_norm": ("h",),
        "mlp.Wi": ("ff", "h"),
        "mlp.Wo": ("h", "f"),
    },
    {
        "embeddings.tok_embeddings": _PLAIN,
        "embeddings.norm": ("h",),
        "final_norm": ("h",),
        "head.dense": ("p", "h"),
        "head.norm": ("p",),
        "classifier": ("-", "p"),
    },
)
_LLAMA = Family(_LLAMA_LAYER, _DECODER_AROUND, heads="free")
# Gemma scales its embeddings by the root of the hidden width, so another width would be another model.
_GEMMA = Family(_LLAMA_LAYER, _DECODER_AROUND, heads="free", hidden=False)
_PHI3 = Family(
    {"self_attn.o_proj": ("h", "-"), "mlp.gate_up_proj": ("ff", "h"), "mlp.down_proj": ("h", "f")},
    {},
    heads="fixed",
    hidden=False,
)
_GPT2 = Family(
    {
        "ln_1": ("h",),
        "attn.c_attn": ("qkv", "h"),
        "attn.c_proj": ("h", "o"),
        "ln_2": ("h",),
        "mlp.c_fc": ("f", "h"),
        "mlp.c_proj": ("h", "f"),
    },
    {"transformer.wte": _PLAIN, "transformer.wpe": _PLAIN, "ln_f": ("h",), "lm_head": _PLAIN, "score": _PLAIN},
    feed_forward_field="n_inner",
    transposed=True,
)
_UNKNOWN = Family({}, {}, heads="fixed", hidden=False)
FAMILIES: dict[str, Family] = {
    "bert": _BERT,
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "electra": _ELECTRA,
    "distilbert": _DISTILBERT,
    "mpnet": _MPNET,
    "modernbert": _MODERNBERT,
    "deberta-v2": _DEBERTA,
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
    "smollm3": _LLAMA,
    "gemma": _GEMMA,
    "gemma2": _GEMMA,
    "gemma3_text": _GEMMA,
    "phi3": _PHI3,
    "gpt2": _GPT2,
}


@dataclass(frozen=True)
class Weight:
    """A weight with the roles of its axes; `layer` is null for one around the layers.

    `module` is what its module writes and reads, (out, in), of a norm the one role, of an unknown module nothing.
    """

    name: str
    tensor: torch.Tensor
    roles: Roles
    module: Roles
    layer: int | None


@dataclass(frozen=True)
class Anatomy:
    """The sizes of a model and the roles of its weights.

    Heads go by groups: one key-value head with its `queries_per_group` query heads (1 where each head has its own).
    `first_differs` says that the first layer has other weights than the rest, as ModernBERT's lacks a norm, and must
    stay the first.
    """

    family: Family
    prefix: str
    layers: int
    hidden: int
    groups: int
    queries_per_group: int
    head_width: int
    neurons: int
    first_differs: bool

    def weights(self, tensors: Iterator[tuple[str, torch.Tensor]]) -> Iterator[Weight]:
        """Each named tensor with the roles of its axes."""
        for name, tensor in tensors:
            layer, rest = self._place(name)
            module = _module_roles(rest, self.family.around if layer is None else self.family.layer)
            yield Weight(name, tensor, self._axes(module, tensor, layer), module, layer)

    def _place(self, name: str) -> tuple[int | None, str]:
        if not name.startswith(f"{self.prefix}."):
            return None, name
        index, _, rest = name[len(self.prefix) + 1 :].partition(".")
        return int(index), rest

    def _axes(self, module: Roles, tensor: torch.Tensor, layer: int | None) -> Roles:
        if not module:
            return ("-",) * tensor.ndim
        roles = module[: tensor.ndim]
        if self.family.transposed and layer is not None:
            roles = roles[::-1]
        return tuple(
            "-" if role == "h" and size != self.hidden else role for role, size in zip(roles, tensor.shape, strict=True)
        )


def _module_roles(name: str, known: Mapping[str, Roles]) -> Roles:
    module = name.rpartition(".")[0]
    ends = [end for end in known if module == end or module.endswith(f".{end}")]
    # `attention.output.dense` also ends as `output.dense` does.
    return known[max(ends, key=len)] if ends else ()


def anatomy_of(model: Any, *, known: bool = True) -> Anatomy:
    """The anatomy of a transformers model.

    Raises UserError for a model without a stack of layers and for a family that is not known here; with `known` false
    such a family has layers and nothing else.
    """
    config = model.config
    family = FAMILIES.get(config.model_type)
    if family is None and known:
        raise UserError("prune.family_unknown", architecture=type(model).__name__, known=", ".join(sorted(FAMILIES)))
    prefix = layers_prefix(model)
    differs = _first_differs(model, prefix)
    if family is None:
        return Anatomy(_UNKNOWN, prefix, int(config.num_hidden_layers), 0, 0, 0, 0, 0, differs)
    heads = int(config.num_attention_heads)
    groups = int(getattr(config, "num_key_value_heads", None) or heads)
    return Anatomy(
        family=family,
        prefix=prefix,
        layers=int(config.num_hidden_layers),
        hidden=int(config.hidden_size),
        groups=groups,
        queries_per_group=heads // groups,
        head_width=int(getattr(config, "head_dim", None) or config.hidden_size // heads),
        neurons=int(getattr(config, family.feed_forward_field) or 4 * config.hidden_size),
        first_differs=differs,
    )


def _first_differs(model: Any, prefix: str) -> bool:
    layers = model.get_submodule(prefix)
    names = [set(layer.state_dict()) for layer in list(layers)[:2]]
    return names[0] != names[-1]


def layers_prefix(model: Any) -> str:
    """The name of the list of layers within the model, such as `bert.encoder.layer`. Raises UserError without one.

    It is the one list of modules with as many entries as the config has layers, whatever the family calls it; models
    that share one layer's weights, as ALBERT does, have none.
    """
    count = getattr(model.config, "num_hidden_layers", None)
    found: list[str] = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.ModuleList) and len(module) == count and _alike(module)
    ]
    if not found:
        raise UserError("train.layers_none", architecture=type(model).__name__)
    return min(found, key=lambda name: name.count("."))


def _alike(layers: torch.nn.ModuleList) -> bool:
    return len({type(layer) for layer in layers}) == 1
