"""Tiny language models whose tokenizers a GGUF file can describe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

from core.engines.compress import gguf_tokenizer

Family = Literal["llama", "mistral", "qwen2", "qwen3"]
Splitting = Literal["gpt-2", "smollm", "llama-bpe", "qwen2", "sentencepiece"]
# The first one is what transformers adds to a tokenizer of Qwen 2 that lacks it.
SPECIAL = ("<|endoftext|>", "<|start|>")
UNKNOWN = "<unk>"
TEXTS = (
    "My card was lost yesterday, please help me.",
    "What's the rate of 12345 in 2026?",
    "geld zurück — 错误的卡",
    "  two  spaces",
    "(card\n(card\n(card\n(card",
)
_CONFIGS = {"llama": LlamaConfig, "mistral": MistralConfig, "qwen2": Qwen2Config, "qwen3": Qwen3Config}
TEMPLATE = "{% for message in messages %}{{ '<|start|>' + message['content'] + '<|endoftext|>' }}{% endfor %}"


def tokenizer_of(splitting: Splitting) -> PreTrainedTokenizerFast:
    """A tokenizer of some hundred tokens that splits texts as the models of that name do."""
    backend = _sentencepiece() if splitting == "sentencepiece" else _byte_level(splitting)
    names = {"unk_token": UNKNOWN, "bos_token": "<s>", "eos_token": "</s>"}
    if splitting != "sentencepiece":
        names = {"bos_token": SPECIAL[1], "eos_token": SPECIAL[0], "pad_token": SPECIAL[0]}
    made: PreTrainedTokenizerFast = PreTrainedTokenizerFast(tokenizer_object=backend, **names)  # type: ignore[no-untyped-call]  # untyped there
    made.chat_template = TEMPLATE
    return made


def _byte_level(splitting: Splitting) -> Tokenizer:
    rules: dict[str, list[Any]] = {
        "gpt-2": [pre_tokenizers.ByteLevel(add_prefix_space=False)],
        "smollm": [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)],
    }
    for pattern, name in gguf_tokenizer.SPLITS.items():
        rules[name] = [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = (
        rules[splitting][0] if len(rules[splitting]) == 1 else pre_tokenizers.Sequence(rules[splitting])
    )
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, initial_alphabet=alphabet, special_tokens=list(SPECIAL), show_progress=False
    )
    backend.train_from_iterator(TEXTS * 3, trainer)
    backend.add_tokens([AddedToken("<think>", normalized=False, special=False)])
    return backend


def _sentencepiece() -> Tokenizer:
    byte_pieces = [f"<0x{byte:02X}>" for byte in range(256)]
    special = [UNKNOWN, "<s>", "</s>"]
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    trainer = trainers.BpeTrainer(vocab_size=100, show_progress=False)
    trained.train_from_iterator(TEXTS[:2] * 3, trainer)
    document = json.loads(trained.to_str())["model"]
    pieces = sorted(document["vocab"], key=document["vocab"].get)
    vocabulary = {piece: place for place, piece in enumerate([*special, *byte_pieces, *pieces])}
    merges = [tuple(pair) for pair in document["merges"]]
    backend = Tokenizer(models.BPE(vocabulary, merges, unk_token=UNKNOWN, byte_fallback=True, fuse_unk=True))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    backend.add_special_tokens(special)
    return backend


def write_gguf_ready(
    folder: Path,
    family: Family = "llama",
    splitting: Splitting = "gpt-2",
    tied: bool = True,
    padded: int = 0,
    **config: Any,
) -> Path:
    """A transformers folder of a language model of width 64; `padded` rows of its embeddings mean nothing."""
    tokenizer = tokenizer_of(splitting)
    torch.manual_seed(3)
    options: dict[str, Any] = {
        "vocab_size": len(tokenizer) + padded,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "initializer_range": 0.3,
        "rope_theta": 5000.0,
        "tie_word_embeddings": tied,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    more = {"head_dim": 128} if family == "qwen3" else {"sliding_window": None} if family == "mistral" else {}
    model: Any = AutoModelForCausalLM.from_config(_CONFIGS[family](**(options | more | config)))  # type: ignore[no-untyped-call]  # untyped there
    for name, parameter in model.named_parameters():
        if "norm" in name or name.endswith("bias"):
            torch.nn.init.normal_(parameter, mean=1.0 if "norm" in name else 0.0, std=0.2)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
