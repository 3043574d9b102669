"""Language models of a few thousand weights, drawn at random, and a dataset of texts to answer with a text."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast

from core.data.examples import write_examples
from core.domain import Example, Split
from core.engines.models.card import ModelCard
from core.engines.models.starting import load_tokenizer
from core.engines.models.writing import save_transformers_model

PAD, UNKNOWN, BEGIN, END = "<pad>", "<unk>", "<s>", "</s>"
SPECIAL = (PAD, UNKNOWN, BEGIN, END, "<|user|>", "<|assistant|>")
CHARACTERS = string.ascii_letters + string.digits + string.punctuation + " \n"
CONTEXT_TOKENS = 512
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
WORDS = ("card", "lost", "loan", "rate", "money", "back", "my", "the", "please", "now")


def character_tokenizer(chat_template: str | None = None) -> PreTrainedTokenizerFast:
    """A tokenizer of single ASCII characters that loses none of them, with a beginning token before every text."""
    vocabulary = {token: index for index, token in enumerate((*SPECIAL, *CHARACTERS))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token=UNKNOWN))
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[(BEGIN, 2)])
    tokenizer.add_special_tokens(list(SPECIAL))
    made: PreTrainedTokenizerFast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # untyped there
        tokenizer_object=tokenizer,
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=BEGIN,
        eos_token=END,
        model_max_length=CONTEXT_TOKENS,
        clean_up_tokenization_spaces=False,
    )
    made.chat_template = chat_template
    return made


def word_tokenizer(words: Sequence[str]) -> PreTrainedTokenizerFast:
    """A tokenizer of whole words, which drops the spaces between them."""
    vocabulary = {token: index for index, token in enumerate((UNKNOWN, END, *words))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    made: PreTrainedTokenizerFast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # untyped there
        tokenizer_object=tokenizer, eos_token=END, unk_token=UNKNOWN
    )
    return made


def llama_config(layers: int = 2, vocab_pad: int = 0, tied: bool = True) -> LlamaConfig:
    """A Llama of width 32 with four heads over two key-value heads; `vocab_pad` rows of its vocabulary mean nothing."""
    return LlamaConfig(
        vocab_size=len(SPECIAL) + len(CHARACTERS) + vocab_pad,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT_TOKENS,
        # Large enough that answers differ from request to request.
        initializer_range=0.3,
        tie_word_embeddings=tied,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
    )


def write_language_model(
    folder: Path,
    layers: int = 2,
    seed: int = 0,
    chat_template: str | None = None,
    vocab_pad: int = 0,
    tied: bool = True,
) -> Path:
    """A transformers folder of a causal language model as the hub has them: weights, config, tokenizer."""
    torch.manual_seed(seed)
    model: Any = AutoModelForCausalLM.from_config(llama_config(layers, vocab_pad, tied))  # type: ignore[no-untyped-call]  # untyped there
    model.save_pretrained(folder)
    character_tokenizer(chat_template).save_pretrained(folder)
    return folder


def write_language_model_job(folder: Path, source: Path) -> Path:
    """The folder of a job whose `model` is the language model of the folder `source`."""
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    card = ModelCard(
        format="transformers", kind="language_model", labels=(), max_length=64, architecture=type(model).__name__
    )
    save_transformers_model(folder / "model", model, load_tokenizer(source), card)
    return folder


def write_text_dataset(folder: Path, rows: int = 24, seed: int = 5) -> Path:
    """The folder of a prepare job: `rows` train, four calibration and six test rows; the target is the last word."""
    generator = random.Random(seed)
    splits = [Split.TRAIN] * rows + [Split.CALIBRATION] * 4 + [Split.TEST] * 6
    examples = []
    for index, split in enumerate(splits):
        words = generator.choices(WORDS, k=generator.randrange(2, 6))
        text = " ".join(words)
        examples.append(Example(f"r{index}", split, f"g{index}", text, words[-1], fields=(("text", text),)))
    folder.mkdir(parents=True, exist_ok=True)
    write_examples(folder, examples)
    return folder
