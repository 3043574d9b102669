"""Model folders of a few thousand weights, drawn at random, and a dataset whose answer they can learn."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoModel, BertConfig, PreTrainedTokenizerFast

from core.data.examples import write_examples
from core.domain import Example, Split
from core.engines.models.card import ModelCard
from core.engines.models.starting import load_starting_model, load_tokenizer
from core.engines.models.writing import save_transformers_model

LABELS = ("card", "loan", "refund")
WORDS = ("lost", "stolen", "rate", "interest", "money", "back", "my", "the", "please", "now", "today", "help")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_TELLING = {"card": ("lost", "stolen"), "loan": ("rate", "interest"), "refund": ("money", "back")}
_FILLING = WORDS[6:]


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of whole words that pads every text to 40 in its file, as some published ones do."""
    vocabulary = {word: index for index, word in enumerate((*SPECIAL, *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.enable_padding(length=40, pad_id=0, pad_token="[PAD]")
    made: PreTrainedTokenizerFast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # untyped there
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    )
    return made


def tiny_config(layers: int = 3, dropout: float = 0.1) -> BertConfig:
    """A BERT of width 16."""
    return BertConfig(
        vocab_size=len(SPECIAL) + len(WORDS),
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        pad_token_id=0,
    )


def write_body(folder: Path, config: Any = None, seed: int = 0) -> Path:
    """A pretrained body without a head, as the hub has them."""
    torch.manual_seed(seed)
    model = AutoModel.from_config(config or tiny_config())  # type: ignore[no-untyped-call]  # untyped there
    model.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def write_classifier(folder: Path, body: Path, seed: int = 0) -> Path:
    """The folder of a job whose `model` is the body with a random head for `LABELS`."""
    torch.manual_seed(seed)
    model, _ = load_starting_model(body, LABELS)
    card = ModelCard(format="transformers", labels=LABELS, max_length=32, architecture=type(model).__name__)
    save_transformers_model(folder / "model", model, load_tokenizer(body), card)
    return folder


def write_dataset(folder: Path, rows: int = 48, seed: int = 3) -> Path:
    """The folder of a prepare job: the words of a text tell its target; a few test rows stand at the end."""
    generator = random.Random(seed)
    examples = []
    for index in range(rows + 6):
        target = LABELS[index % len(LABELS)]
        words = [generator.choice(_TELLING[target]), *generator.choices(_FILLING, k=generator.randrange(1, 9))]
        generator.shuffle(words)
        split = Split.TRAIN if index < rows else Split.TEST
        examples.append(Example(f"r{index}", split, f"g{index}", " ".join(words), target))
    folder.mkdir(parents=True, exist_ok=True)
    write_examples(folder, examples)
    return folder
