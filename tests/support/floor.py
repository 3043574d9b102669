"""A small task of three classes, and the floor trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from job_context import RecordingContext, job_context

from core.data.examples import write_examples
from core.domain import Example, Split
from core.engines.baseline import model as baseline
from core.engines.baseline import train
from core.jobs.results import TrainResult
from core.jobs.specs import FineTuneParameters
from core.spec import BaselineModel, Train

LABELS = ("card", "loan", "refund")
WORDS = {"card": "lost stolen chip", "loan": "rate interest mortgage", "refund": "money back return"}
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
    folder: Path, examples: Sequence[Example], stop: bool = False
) -> tuple[baseline.BaselineClassifier, TrainResult, RecordingContext]:
    data = folder / "data"
    data.mkdir(parents=True)
    write_examples(data, examples)
    parameters = FineTuneParameters(
        model=BaselineModel(source="baseline", kind="tfidf_linear"), train=Train(method="fine_tune")
    )
    context = job_context(folder / "job", parameters, {"data": data}, lambda _context: stop)
    result = train.run(parameters, context)
    return baseline.load(folder / "job" / "model"), result, context
