"""Texts with any number of labels, each named by one word, and a tiny encoder that has learnt them."""

from __future__ import annotations

import random
from pathlib import Path

from job_context import job_context
from tiny_models import LABELS, tiny_config, write_body

from core.data.examples import write_examples
from core.domain import Example, Split
from core.engines import fine_tune
from core.jobs.specs import FineTuneParameters
from core.metrics.label_sets import written
from core.spec import LocalModel, Task, Train

TASK = Task(kind="multi_label", metric="example_f1")
TELLING = dict(zip(LABELS, ("lost", "rate", "money"), strict=True))


def examples(count: int, seed: int, split: Split = Split.TRAIN) -> list[Example]:
    """Texts that name each of their labels by one word."""
    draw = random.Random(seed)
    found = []
    for row in range(count):
        labels = [label for label in LABELS if draw.random() < 0.5]
        words = [*(TELLING[label] for label in labels), *draw.choices(("my", "the", "please", "now"), k=1)]
        draw.shuffle(words)
        name = f"{split.value}{row}"
        found.append(Example(name, split, name, " ".join(words), written(labels)))
    return found


def parameters(body: Path, **changes: object) -> FineTuneParameters:
    """A fine-tuning of the encoder in `body` on such texts."""
    settings = {"epochs": 60, "batch_size": 16, "max_length": 32, "learning_rate": 1e-3, **changes}
    train = Train.model_validate({"method": "fine_tune", **settings})
    return FineTuneParameters(model=LocalModel(source="local", path=str(body)), train=train, task=TASK)


def write_study(folder: Path, layers: int = 1) -> Path:
    """The folder of a study: `job` holds a model that was fine-tuned on `data`, from the encoder in `body`."""
    config = tiny_config(layers=layers, dropout=0.0)
    config.hidden_size = config.intermediate_size = 64
    config.num_attention_heads = 8
    body = write_body(folder / "body", config)
    (folder / "data").mkdir()
    write_examples(folder / "data", [*examples(96, 1), *examples(30, 2, Split.TEST)])
    own = parameters(body)
    fine_tune.run(own, job_context(folder / "job", own, {"data": folder / "data"}))
    return folder
