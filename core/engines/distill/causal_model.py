"""The body and the output head of a causal language model, apart, whatever the family calls them."""

from __future__ import annotations

from typing import Any

import torch


def body_states(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The last hidden states, shape (rows, tokens, width), without the output head."""
    states: torch.Tensor = model.base_model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    return states


def head_logits(model: Any, hidden: torch.Tensor, vocabulary: int | None = None) -> torch.Tensor:
    """Logits of some hidden states, shape (positions, vocabulary); rows of padding beyond `vocabulary` are cut off.

    Gemma's cap on its logits is applied as its own forward pass does.
    """
    logits: torch.Tensor = model.get_output_embeddings()(hidden)[:, :vocabulary]
    cap = getattr(model.config, "final_logit_softcapping", None)
    return logits if cap is None else torch.tanh(logits / cap) * cap


def head_parameters(model: Any) -> list[torch.Tensor]:
    """The output head's trained weights, which may be the embeddings."""
    head = model.get_output_embeddings()
    return [parameter for parameter in head.parameters() if parameter.requires_grad]


def true_vocabulary(tokenizer: Any, *models: Any) -> int:
    """How many tokens mean something: no more than the tokenizer has, or the smallest model has rows for."""
    sizes = [int(model.config.get_text_config().vocab_size) for model in models]
    return min([len(tokenizer), *sizes])


def same_tokenizer(first: Any, second: Any) -> bool:
    """Whether two tokenizers give every token the same id."""
    return bool(first.get_vocab() == second.get_vocab())
