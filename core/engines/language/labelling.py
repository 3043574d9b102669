"""The train rows that a language model answers: what is asked, what is known, what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core.data.examples import read_examples
from core.domain import Example, Split
from core.engines.language.answer import Answer
from core.engines.language.answer_store import AnswerStore, Asked
from core.engines.language.answers import AnsweredRow, none_usable
from core.engines.language.few_shot import draw_shots
from core.engines.language.generator import Generation
from core.engines.language.label_lists import LabelLists, label_names
from core.engines.language.label_text import LabelText, as_row
from core.engines.language.prompts import message_of
from core.engines.language.request_estimate import RequestEstimate, estimate
from core.errors import UserError
from core.i18n import english
from core.jobs.results import LabelResult
from core.metrics.scoring import row_scorer
from core.spec import Task
from core.worker.context import JobContext

PHASE = "phase.label"
# Where none of so many first answers can be used, the prompt is wrong, and the rest would be bought for nothing.
HOPELESS_ANSWERS = 20
_TOLD_UNUSABLE_SHARE = 0.05


@dataclass(frozen=True)
class LabelRows:
    """The train rows with the message to each. `labels` are the classes, none in generation; where a row may have
    several of them they are listed in writing, else one is chosen (`weighed`)."""

    task: Task
    examples: tuple[Example, ...]
    labels: tuple[str, ...]
    row_messages: tuple[str, ...]

    @property
    def weighed(self) -> tuple[str, ...]:
        """The labels of which each answer is one; none where answers are written."""
        return self.labels if self.task.kind == "classification" else ()

    @cached_property
    def messages(self) -> tuple[str, ...]:
        """What is asked: a message that stands in several rows is asked once."""
        return tuple(dict.fromkeys(self.row_messages))

    @cached_property
    def first_row(self) -> dict[str, int]:
        """The first row of each message."""
        return {message: row for row, message in reversed(list(enumerate(self.row_messages)))}


def read_label_rows(data_folder: Path, task: Task) -> LabelRows:
    """The train rows of a prepare job's folder; the labels are those of all its rows. Raises UserError without any."""
    return label_rows(read_examples(data_folder), task)


def label_rows(examples: Sequence[Example], task: Task) -> LabelRows:
    """The train rows of a dataset; the labels are those of all its rows. Raises UserError without any."""
    train = tuple(example for example in examples if example.split is Split.TRAIN)
    if not train:
        raise UserError("train.no_rows")
    labels = tuple(label_names(task, examples))
    shots = draw_shots(task, examples)
    messages = tuple(message_of(task, example, labels, shots.before(example)) for example in train)
    return LabelRows(task, train, labels, messages)


class Labelling:
    """One run of a label job over `rows`, with the answers in `store`."""

    def __init__(self, rows: LabelRows, asked: Asked, store: AnswerStore, context: JobContext) -> None:
        self._rows = rows
        self._store = store
        self._context = context
        self._classes = bool(rows.labels)
        self._texts = LabelText(rows.weighed)
        self._lists = LabelLists(() if rows.weighed else rows.labels)
        self._keys = [asked.key(message) for message in rows.messages]
        self._unanswered: dict[str, Answer] = {}
        self.missing = [place for place, key in enumerate(self._keys) if key not in store]
        self._known = len(self._keys) - len(self.missing)
        self._heard = 0
        # Useless answers of an earlier attempt, or of another student's job, are no reason to buy more of them.
        self._any_usable = self._knows_usable()
        self._begun = time.monotonic()

    def _knows_usable(self) -> bool:
        """Whether any answer that was bought earlier is of use."""
        known = ((place, key) for place, key in enumerate(self._keys) if key in self._store)
        rows = (
            self._row(self._rows.first_row[self._rows.messages[place]], self._store.get(key)) for place, key in known
        )
        return any(row.usable(self._classes) for row in rows)

    def estimate(self) -> RequestEstimate:
        """What the missing answers will take."""
        limit = self._rows.task.max_output_tokens
        return estimate(self._rows.messages, self._keys, self._store, limit, bool(self._rows.weighed))

    def bought(self) -> Iterator[tuple[str, Generation]]:
        """The messages that earlier attempts of this job bought an answer to, with the answers."""
        for message, key in zip(self._rows.messages, self._keys, strict=True):
            if key in self._store and self._store.bought_by(key) == self._context.spec.job_id:
                yield message, self._store.get(key).generation

    def begin(self, device: str) -> None:
        """Say where the work runs and what is known already."""
        self._context.started(device, self._known)
        if self._store.damaged:
            path = str(self._store.path)
            self._context.log(english("label.log.damaged", count=self._store.damaged, path=path), "warning")
        if self._known:
            self._context.log(english("label.log.kept", count=self._known, rows=len(self._keys)))
        self._context.progress(PHASE, self._known, len(self._keys))

    def take(self, place: int, answer: Answer) -> None:
        """Keep the answer to a message: it counts once it is on the disk. One that the model did not give is not kept.

        Raises UserError (disk.full), and where none of the first answers is of any use.
        """
        key = self._keys[place]
        if answer.generation.finish_reason in ("failed", "too_long"):
            self._unanswered[key] = answer
        else:
            self._store.put(key, answer, self._context.spec.job_id)
        self._heard += 1
        row = self._row(self._rows.first_row[self._rows.messages[place]], answer)
        self._any_usable = self._any_usable or row.usable(self._classes)
        if self._heard >= HOPELESS_ANSWERS and not self._any_usable:
            raise none_usable(row, self._heard, self._classes)
        left = len(self.missing) - self._heard
        speed = self._heard / max(time.monotonic() - self._begun, 1e-9)
        self._context.progress(PHASE, self._known + self._heard, len(self._keys), left / speed)

    def answered(self) -> list[AnsweredRow]:
        """Every train row with its answer, in their order. Raises UserError where none can be learnt."""
        key_of = dict(zip(self._rows.messages, self._keys, strict=True))
        rows = []
        for place, message in enumerate(self._rows.row_messages):
            key = key_of[message]
            rows.append(self._row(place, self._unanswered.get(key) or self._store.get(key)))
        unusable = [row for row in rows if not row.usable(self._classes)]
        if len(unusable) == len(rows):
            raise none_usable(unusable[0], len(rows), self._classes)
        if len(unusable) > _TOLD_UNUSABLE_SHARE * len(rows):
            told = english("label.log.unusable", count=len(unusable), rows=len(rows), row=unusable[0].example_id)
            self._context.log(told, "warning")
        return rows

    def _row(self, place: int, answer: Answer) -> AnsweredRow:
        said = answer.generation
        label, soft = self._label(answer), None
        if label is not None and self._rows.weighed:
            told = answer.label_probabilities or self._texts.distribution(answer.steps)
            soft = None if told is None else tuple(as_row(told, self._rows.labels))
        return AnsweredRow(
            example_id=self._rows.examples[place].example_id,
            text=said.text,
            reasoning=said.reasoning,
            label=label,
            label_probabilities=soft,
            input_tokens=said.input_tokens,
            output_tokens=said.output_tokens,
            finish_reason=said.finish_reason,
        )

    def _label(self, answer: Answer) -> str | None:
        """The label that an answer names, or the list of them as it is kept; null where it names none."""
        said = answer.generation
        if self._rows.weighed:
            return self._texts.label_of(said.text)
        listed = self._classes and said.finish_reason == "stop"
        return self._lists.read(said.text) if listed else None

    def result(self, rows: Sequence[AnsweredRow], seconds: float) -> LabelResult:
        """The figures of the job; tokens are those of every answer, whoever bought it."""
        keys = [key for key in self._keys if key not in self._unanswered]
        bought = sum(self._store.bought_by(key) == self._context.spec.job_id for key in keys)
        answers = [self._store.get(key).generation for key in keys]
        return LabelResult(
            rows=len(rows),
            bought=bought,
            kept=len(keys) - bought,
            unusable=sum(not row.usable(self._classes) for row in rows),
            soft_rows=sum(row.label_probabilities is not None for row in rows),
            input_tokens=sum(answer.input_tokens or 0 for answer in answers),
            output_tokens=sum(answer.output_tokens or 0 for answer in answers),
            agreement_with_targets=self._agreement(rows),
            seconds=seconds,
        )

    def _agreement(self, rows: Sequence[AnsweredRow]) -> float | None:
        """The mean score of the usable answers against the targets by the task's metric; null where a judge scores."""
        scorer = row_scorer(self._rows.task)
        if scorer is None:
            return None
        scores = [
            scorer(row.text if row.label is None else row.label, example.target, example.example_id)
            for row, example in zip(rows, self._rows.examples, strict=True)
            if row.usable(self._classes)
        ]
        return sum(scores) / len(scores)
