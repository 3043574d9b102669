"""Tiny models of each family that can be narrowed: eight heads, four layers at most, weights drawn at random."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    Gemma2Config,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    ModernBertConfig,
    MPNetConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
    RobertaConfig,
)

_SIZES: dict[str, Any] = {
    "vocab_size": 24,
    "hidden_size": 16,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
    "pad_token_id": 0,
    "num_hidden_layers": 3,
    "initializer_range": 0.4,
}
_GROUPED: dict[str, Any] = {**_SIZES, "num_key_value_heads": 2, "bos_token_id": 1, "eos_token_id": 2}
ENCODERS: dict[str, Any] = {
    "bert": BertConfig(**_SIZES),
    "roberta": RobertaConfig(**_SIZES),
    "distilbert": DistilBertConfig(
        vocab_size=24, dim=16, n_heads=4, n_layers=3, hidden_dim=24, max_position_embeddings=40, initializer_range=0.4
    ),
    "electra": ElectraConfig(embedding_size=12, **_SIZES),
    "electra of one width": ElectraConfig(embedding_size=16, **_SIZES),
    "mpnet": MPNetConfig(**_SIZES),
    "deberta_v2": DebertaV2Config(relative_attention=True, pos_att_type=["c2p", "p2c"], **_SIZES),
    "modernbert": ModernBertConfig(cls_token_id=2, sep_token_id=3, bos_token_id=2, eos_token_id=3, **_SIZES),
}
DECODERS: dict[str, Any] = {
    "llama, tied": LlamaConfig(tie_word_embeddings=True, **_GROUPED),
    "mistral": MistralConfig(**_GROUPED),
    "qwen2": Qwen2Config(tie_word_embeddings=True, **_GROUPED),
    "qwen3": Qwen3Config(head_dim=6, **_GROUPED),
    "gemma2": Gemma2Config(head_dim=4, **_GROUPED),
    "phi3": Phi3Config(**_GROUPED),
    "gpt2": GPT2Config(
        vocab_size=24, n_positions=40, n_embd=16, n_layer=3, n_head=4, bos_token_id=1, eos_token_id=2,
        initializer_range=0.4,
    ),
}  # fmt: skip
FAMILIES = (*ENCODERS, *DECODERS)


def family_model(name: str) -> Any:
    """The model in evaluation mode: a classifier of three labels, or a causal language model."""
    torch.manual_seed(0)
    kind = AutoModelForSequenceClassification if name in ENCODERS else AutoModelForCausalLM
    config = ENCODERS.get(name) or DECODERS[name]
    if name in ENCODERS:
        config.num_labels = 3
    model: Any = kind.from_config(config)  # type: ignore[no-untyped-call]  # untyped there
    with torch.no_grad():
        for parameter in model.parameters():
            # Biases and norms are drawn alike; what they do shows only where they differ.
            parameter += 0.1 * torch.randn_like(parameter)
    return model.eval()


def reload_kind(name: str) -> Any:
    """The class whose `from_pretrained` opens a saved model of that family."""
    return AutoModelForSequenceClassification if name in ENCODERS else AutoModelForCausalLM


def logits(model: Any) -> torch.Tensor:
    """What the model says of two rows, one of them padded; padded places are left out."""
    ids = torch.tensor([[2, 5, 9, 7, 3], [2, 11, 3, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=ids, attention_mask=mask).logits
    return found if found.ndim == 2 else found[mask.bool()]
