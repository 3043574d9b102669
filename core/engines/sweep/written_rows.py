"""The train rows of a language model's search: prompts and completions, what is learnt, and what is held out to judge
by; no other row is seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.data.examples import read_examples
from core.domain import Example, IntArray, Split
from core.engines.benchmark.answering import TextAnswers
from core.engines.benchmark.plan import batches_by_length
from core.engines.distill.causal_rows import CausalRows, causal_rows, check_embedded
from core.engines.held_out import rows_to_judge_by
from core.engines.language.few_shot import draw_shots
from core.engines.language.generator import LocalGenerator
from core.engines.language.opening import embedding_rows
from core.engines.language.prompts import message_of
from core.errors import UserError
from core.metrics.quality import quality_of
from core.spec import Task


@dataclass(frozen=True, eq=False)
class WrittenRows:
    """All train rows that fit, numbered, with those that every training learns and those that are held out.

    `asked` are the held-out examples, whose input is the whole message to a student. A group of rows that belong
    together is whole in one part. `teacher_quality` is in `metric`, the task's, 0 to 1.
    """

    rows: CausalRows
    learnt: IntArray
    held_out: IntArray
    asked: tuple[Example, ...]
    metric: str
    teacher_quality: float = 0.0

    @property
    def all_rows(self) -> IntArray:
        """The numbers of all rows."""
        return np.arange(len(self.rows.names), dtype=np.int64)

    def judged_by(self, quality: float) -> WrittenRows:
        """The same with the teacher's quality."""
        return replace(self, teacher_quality=quality)


@dataclass(frozen=True)
class Written:
    """What answers were worth: their quality, 0 to 1, and the tokens of a mean answer."""

    quality: float
    output_tokens: float


def written_rows(
    data_folder: Path,
    seed: int,
    task: Task,
    model: Any,
    tokenizer: Any,
    max_length: int,
    answers: Mapping[str, str] | None,
) -> WrittenRows:
    """The train rows of a prepared dataset, split by the seed; a completion is a row's target or its text in `answers`.

    Raises UserError where too few rows are there, or fit, to hold any out.
    """
    examples = [one for one in read_examples(data_folder) if one.split is Split.TRAIN]
    if not examples:
        raise UserError("train.no_rows")
    judging = rows_to_judge_by(data_folder, seed, written=True).tolist()
    rows = causal_rows(examples, task, tokenizer, max_length, answers)
    check_embedded(rows, embedding_rows(model), tokenizer)
    names = {examples[row].example_id for row in judging}
    held_out = np.array([name in names for name in rows.names], dtype=np.bool_)
    if not held_out.any() or held_out.all():
        raise UserError("sweep.too_few_texts", count=len(rows.names), max_length=max_length)
    asked = tuple(replace(one, input=message_of(task, one)) for one in (examples[row] for row in judging))
    return WrittenRows(rows, np.flatnonzero(~held_out), np.flatnonzero(held_out), asked, task.metric)


def with_shots(asked: Sequence[Example], task: Task, data_folder: Path) -> list[Example]:
    """The held-out examples as a teacher that was not trained here is asked them: after the examples of the task."""
    examples = read_examples(data_folder)
    shots, own = draw_shots(task, examples), {one.example_id: one for one in examples}
    return [replace(one, input=message_of(task, own[one.example_id], shots=shots.before(one))) for one in asked]


def answered(
    generator: LocalGenerator, task: Task, asked: Sequence[Example], on_rows: Callable[[int], None]
) -> Written:
    """How good a model's answers are by the task's metric; `on_rows` hears how many rows are done, and may raise."""
    generator.share_opening([example.input for example in asked])
    answerer = TextAnswers(generator, task)
    tokens = answerer.token_counts(asked)
    found: dict[int, tuple[float, str | None, int]] = {}
    for batch in batches_by_length(tokens, answerer.batch_rows):
        predictions = answerer.answer([asked[row] for row in batch], [tokens[row] for row in batch])
        for row, one in zip(batch, predictions, strict=True):
            found[row] = (one.score, one.output, one.output_tokens or 0)
        on_rows(len(found))
    # Of an opening that is shared a timed request would be read faster than it is.
    generator.share_opening([])
    ordered = [found[row] for row in range(len(asked))]
    scores = np.array([score for score, _, _ in ordered])
    outputs, targets = [output for _, output, _ in ordered], [example.target for example in asked]
    quality = float(quality_of(task.counted_as, scores, outputs, targets))
    return Written(quality, float(np.mean([count for _, _, count in ordered])))
