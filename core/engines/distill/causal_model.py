"""The body and the output head of a causal language model, apart, whatever the family calls them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from core.engines.distill.tied_embeddings import one_gradient
from core.engines.distill.token_losses import HeadWeights
from core.errors import UserError

# Tokens that a model is asked about to see whether its body and head, taken apart, answer as the whole does.
_CHECKED_TOKENS = 8
# Of the largest logit; in lower precision both ways of computing it may differ by a few bits.
_TOLERANCE = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 5e-2}


def body_states(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The last hidden states, shape (rows, tokens, width), without the output head."""
    states: torch.Tensor = model.base_model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    return states


def layer_states(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> Sequence[torch.Tensor]:
    """The states of the embeddings and after each layer, each of the shape (rows, tokens, width); the last ones are
    those of `body_states`."""
    output = model.base_model(input_ids=ids, attention_mask=mask, use_cache=False, output_hidden_states=True)
    return (*output.hidden_states[:-1], output.last_hidden_state)


def body_and_head(
    model: Any, ids: torch.Tensor, mask: torch.Tensor, every_layer: bool = False
) -> tuple[Sequence[torch.Tensor], HeadWeights]:
    """The last hidden states alone, or those of every layer as `layer_states` gives them, and the weights of the output
    head that the same pass may have used as embeddings."""
    trained = head_parameters(model)
    receivers = list(trained)
    with one_gradient(model, receivers):
        states = layer_states(model, ids, mask) if every_layer else (body_states(model, ids, mask),)
    return states, HeadWeights(trained, receivers)


def head_logits(model: Any, hidden: torch.Tensor, vocabulary: int | None = None) -> torch.Tensor:
    """Logits of some hidden states, shape (positions, vocabulary); rows of padding beyond `vocabulary` are cut off.

    Gemma's cap on its logits, Granite's divisor and Cohere's factor are applied as their own forward passes do.
    """
    logits: torch.Tensor = model.get_output_embeddings()(hidden)
    if vocabulary is not None and vocabulary < logits.shape[-1]:
        # Not where it cuts nothing off: the gradient of a part is written into a whole of zeros.
        logits = logits[:, :vocabulary]
    config = model.config.get_text_config()
    factor = float(getattr(config, "logit_scale", None) or 1.0) / float(getattr(config, "logits_scaling", None) or 1.0)
    if factor != 1.0:
        logits = logits * factor
    cap = getattr(config, "final_logit_softcapping", None)
    return logits if cap is None else torch.tanh(logits / cap) * cap


def check_apart(model: Any, device: torch.device) -> None:
    """Raises UserError where body and head, taken apart, do not answer as the whole model: another build."""
    ids = torch.arange(_CHECKED_TOKENS, device=device)[None, :] % int(model.config.get_text_config().vocab_size)
    training, mask = model.training, torch.ones_like(ids)
    model.eval()
    with torch.no_grad():
        whole = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[0].float()
        # accelerate brings a spread model's logits back to where the tokens were, its head's alone not.
        apart = head_logits(model, body_states(model, ids, mask)[0]).to(whole.device).float()
    model.train(training)
    tolerance = _TOLERANCE.get(next(model.parameters()).dtype, 5e-2) * float(whole.abs().max())
    if whole.shape != apart.shape or float((whole - apart).abs().max()) > tolerance:
        raise UserError("causal.family_unfit", architecture=type(model).__name__)


def head_parameters(model: Any) -> list[torch.Tensor]:
    """The output head's trained weights, which may be the embeddings."""
    head = model.get_output_embeddings()
    return [parameter for parameter in head.parameters() if parameter.requires_grad]


def true_vocabulary(tokenizer: Any, *models: Any) -> int:
    """How many ids mean something: no more than the tokenizer gives, or the smallest model has rows for."""
    return shared_vocabulary(tokenizer, *(model.config for model in models))


def shared_vocabulary(tokenizer: Any, *configs: Any) -> int:
    """As `true_vocabulary`, of models of which only the configs are known.

    A tokenizer's ids may have gaps, so it is its highest one that counts, not how many it has.
    """
    sizes = [int(config.get_text_config().vocab_size) for config in configs]
    highest = max(int(place) for place in tokenizer.get_vocab().values())
    return min([highest + 1, *sizes])


def same_tokenizer(first: Any, second: Any) -> bool:
    """Whether two tokenizers give every token the same id."""
    return bool(first.get_vocab() == second.get_vocab())
