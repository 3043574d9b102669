"""A small task of three classes, and the floor trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from job_context import RecordingContext, job_context
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from core.data.examples import write_examples
from core.domain import Example, Split
from core.engines.baseline import model as baseline
from core.engines.baseline import train
from core.jobs.results import TrainResult
from core.jobs.specs import FineTuneParameters
from core.spec import BaselineModel, Train

LABELS = ("card", "loan", "refund")
WORDS = {"card": "lost stolen chip", "loan": "rate interest mortgage", "refund": "money back return"}
UNKNOWN = "[UNK]"
SPARE = {"card": "swiped", "loan": "instalment", "refund": "reimburse"}
COMMON = ["please", "help", "me", "today", "with", "the", "thing", "i", "asked", "about", "yesterday"]


def rows(count: int, noise: float, seed: int = 1, split: Split = Split.TRAIN) -> list[Example]:
    """Messages whose one telling word names the target, but for the share `noise`, where it names any class."""
    random = np.random.default_rng(seed)
    examples = []
    for index in range(count):
        target = LABELS[index % 3]
        named = str(random.choice(LABELS)) if random.random() < noise else target
        words = [*random.choice(COMMON, 5), random.choice(WORDS[named].split())]
        random.shuffle(words)
        examples.append(Example(f"{split.value}{seed}-{index}", split, f"g{seed}-{index}", " ".join(words), target))
    return examples


def trained(
    folder: Path,
    examples: Sequence[Example],
    stop: bool = False,
    kind: Literal["tfidf_linear", "embedding_linear", "best"] = "tfidf_linear",
    embeddings: Path | None = None,
) -> tuple[baseline.BaselineClassifier, TrainResult, RecordingContext]:
    data = folder / "data"
    data.mkdir(parents=True)
    write_examples(data, examples)
    parameters = FineTuneParameters(model=BaselineModel(source="baseline", kind=kind), train=Train(method="fine_tune"))
    inputs = {"data": data, **({} if embeddings is None else {"embeddings": embeddings})}
    context = job_context(folder / "job", parameters, inputs, lambda _context: stop)
    result = train.run(parameters, context)
    return baseline.load(folder / "job" / "model"), result, context


def word_vectors(folder: Path, seed: int = 7) -> Path:
    """The folder of a job whose `model` has an embedding for each word: words that mean the same lie close.

    The tokenizer knows `spare` words too, which mean what the class's other words mean and stand in no row.
    """
    random = np.random.default_rng(seed)
    directions = dict(zip(LABELS, np.eye(3, 16, dtype=np.float32), strict=True))
    vectors = {UNKNOWN: np.zeros(16, dtype=np.float32)}
    vectors |= {word: 0.3 * random.standard_normal(16).astype(np.float32) for word in COMMON}
    for label, words in WORDS.items():
        for word in [*words.split(), SPARE[label]]:
            vectors[word] = 2.0 * directions[label] + 0.2 * random.standard_normal(16).astype(np.float32)
    tokenizer = Tokenizer(WordLevel({word: index for index, word in enumerate(vectors)}, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = Whitespace()
    # As some published files have it; the floor needs neither.
    tokenizer.enable_padding(length=40)
    tokenizer.enable_truncation(2)
    model = folder / "model"
    model.mkdir(parents=True)
    tokenizer.save(str(model / "tokenizer.json"))
    table = np.stack(list(vectors.values()))
    save_file({"embeddings.word_embeddings.weight": table}, model / "model.safetensors")
    (model / "config.json").write_text('{"model_type": "bert"}')
    return folder
