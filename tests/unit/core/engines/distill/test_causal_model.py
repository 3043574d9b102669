"""Body and head of a language model, apart, answer as the whole does; where they do not, the model is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_language_models import character_tokenizer
from transformers import AutoModelForCausalLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from core.engines.distill.causal_model import body_states, check_apart, layer_states, shared_vocabulary
from core.engines.distill.lora import add_adapter, merge_adapter
from core.errors import UserError
from core.spec import Lora

WIDTHS = {
    "vocab_size": 40,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "max_position_embeddings": 32,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
CPU = torch.device("cpu")


def drawn(family: str, **changes: Any) -> Any:
    torch.manual_seed(0)
    config = CONFIG_MAPPING[family](**{**WIDTHS, **changes})
    return AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]  # untyped there


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("llama", {}),
        ("qwen3", {}),
        ("gpt2", {"n_embd": 16, "n_layer": 2, "n_head": 2}),
        ("opt", {"word_embed_proj_dim": 16, "ffn_dim": 32}),
        ("gpt_neox", {}),
        # A cap small enough that it changes what is compared.
        ("gemma2", {"final_logit_softcapping": 0.05}),
        ("granite", {"logits_scaling": 8.0}),
        ("cohere", {"logit_scale": 0.25}),
    ],
)
def test_body_and_head_apart_answer_as_the_whole(family: str, changes: dict[str, Any]) -> None:
    model = drawn(family, **changes)
    check_apart(model, CPU)
    assert model.training
    ids = torch.arange(6)[None]
    model.eval()
    with torch.no_grad():
        states = layer_states(model, ids, torch.ones_like(ids))
        assert len(states) == 3
        assert torch.equal(states[-1], body_states(model, ids, torch.ones_like(ids)))


def test_a_model_with_more_between_body_and_head_is_refused() -> None:
    model = drawn("bert", is_decoder=True)
    with pytest.raises(UserError, match="architecture BertLMHeadModel"):
        check_apart(model, CPU)


def test_ids_count_up_to_the_highest_also_where_some_are_missing() -> None:
    tokenizer: Any = character_tokenizer()
    count = len(tokenizer)
    tokenizer.add_tokens(["<new>"])
    assert shared_vocabulary(tokenizer) == count + 1
    tokenizer.get_vocab = lambda: {"a": 0, "b": count + 9}
    assert shared_vocabulary(tokenizer) == count + 10
    assert shared_vocabulary(tokenizer, drawn("llama").config) == 40


@pytest.mark.parametrize(("family", "changes"), [("llama", {}), ("gpt2", {"n_embd": 16, "n_layer": 2, "n_head": 2})])
def test_a_merged_adapter_answers_as_the_adapted_model_did(family: str, changes: dict[str, Any]) -> None:
    model = drawn(family, **changes).eval()
    ids = torch.arange(8)[None, :]
    mask = torch.ones_like(ids)
    before = model(input_ids=ids, attention_mask=mask).logits
    assert add_adapter(model, Lora(rank=2), train_head=False) > 0
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    adapted = model(input_ids=ids, attention_mask=mask).logits
    merge_adapter(model)
    assert float((adapted - before).abs().max().detach()) > 1e-3
    assert torch.allclose(model(input_ids=ids, attention_mask=mask).logits, adapted, atol=1e-5)
    assert not any("lora" in name for name, _ in model.named_modules())
