"""Tokenizers of every kind that can be trimmed, trained on a few sentences, and language models on top of them."""

from __future__ import annotations

import json
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

TAUGHT = [
    "the card was lost and the card was stolen and nobody found the card again",
    "interest rates are rising and the loan is interesting for the lender and the borrower",
    "please pay the money back because the refund of the money is late, the payment too",
    "überweisung überweisung grüße grüße aus münchen, straße und straßen",
] * 4
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<|end|>"]
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}user says: {{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def byte_level_bpe() -> PreTrainedTokenizerFast:
    """A tokenizer of the kind of GPT-2, Llama 3 and SmolLM."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=SPECIAL,
        show_progress=False,
    )
    tokenizer.train_from_iterator(TAUGHT, trainer)
    return _fast(tokenizer)


def byte_fallback_bpe() -> PreTrainedTokenizerFast:
    """A tokenizer of the kind of Llama 2, Mistral and Gemma: characters, and bytes for what has no piece."""
    learned = Tokenizer(models.BPE(unk_token="<unk>"))
    learned.normalizer = normalizers.Replace(" ", "▁")
    learned.train_from_iterator(
        TAUGHT, trainers.BpeTrainer(vocab_size=200, special_tokens=SPECIAL, show_progress=False)
    )
    model = learned.get_vocab()
    bytes_of = [f"<0x{value:02X}>" for value in range(256)]
    vocabulary = {piece: place for place, piece in enumerate([*sorted(model, key=model.__getitem__), *bytes_of])}
    merges = _merges(learned)
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens(SPECIAL)
    return _fast(tokenizer)


def _merges(tokenizer: Tokenizer) -> list[tuple[str, str]]:
    return [(first, second) for first, second in json.loads(tokenizer.to_str())["model"]["merges"]]


def unigram() -> PreTrainedTokenizerFast:
    """A tokenizer of the kind of XLM-R and T5, with pieces for the characters of `TAUGHT` only."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(TAUGHT, trainer)
    return _fast(tokenizer)


def _fast(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    begin, end = (tokenizer.token_to_id(token) for token in ("<s>", "</s>"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", begin), ("</s>", end)]
    )
    made: PreTrainedTokenizerFast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # untyped there
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=256,
        clean_up_tokenization_spaces=False,
    )
    made.chat_template = CHAT_TEMPLATE
    return made


KINDS: dict[str, Any] = {
    "byte-level BPE": byte_level_bpe,
    "BPE with byte fallback": byte_fallback_bpe,
    "Unigram": unigram,
}
