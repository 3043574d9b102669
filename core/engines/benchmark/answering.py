"""Who answers the rows of the dataset: a classifier by its most probable label, a language model by its text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from core.domain import Example, Prediction, Split
from core.engines.benchmark.plan import written_rows
from core.engines.benchmark.subjects import given_labels
from core.engines.language.few_shot import draw_shots
from core.engines.language.generator import Generation, LocalGenerator
from core.engines.language.label_lists import LabelLists
from core.engines.language.prompts import message_of
from core.engines.models import Classifier
from core.metrics.scoring import RowScorer, label_scorer, row_scorer
from core.spec import Task

AnswerReader = Callable[[str], str | None]
"""What is kept of the text of an answer; null where nothing in it can be used."""


class PutOff(Exception):  # noqa: N818 - no error: the rows are asked for again, once all others are answered
    """The rows of a batch have no answer yet that counts."""


class RowAnswerer(Protocol):
    """Answers batches of rows: `batch_rows` at a time, null for the usual 32. `device` is a word for the user."""

    device: str
    batch_rows: int | None

    def token_counts(self, examples: Sequence[Example]) -> list[int] | None:
        """How many tokens the model sees of each row, special ones included; null where it has no tokens."""

    def answer(self, examples: Sequence[Example], tokens: Sequence[int] | None) -> list[Prediction]:
        """The scored prediction of each row of one batch; `tokens` are their counts. May raise PutOff once for each."""


class LabelAnswers:
    """Rows answered by a classifier's most probable label."""

    batch_rows: int | None = None

    def __init__(self, classifier: Classifier, task: Task) -> None:
        self._classifier = classifier
        self._scorer = label_scorer(task)
        self.device = classifier.device

    def token_counts(self, examples: Sequence[Example]) -> list[int] | None:
        """How many tokens the classifier sees of each row, special ones included; null where it has no tokens."""
        return self._classifier.token_counts([example.input for example in examples])

    def answer(self, examples: Sequence[Example], tokens: Sequence[int] | None) -> list[Prediction]:
        """The most probable label of each row, with its probability as confidence."""
        probabilities = self._classifier.probabilities([example.input for example in examples])
        predictions = []
        for row, example in enumerate(examples):
            place = int(probabilities[row].argmax())
            label = self._classifier.labels[place]
            predictions.append(
                Prediction(
                    example_id=example.example_id,
                    output=label,
                    score=self._scorer(label, example.target, example.example_id),
                    confidence=float(probabilities[row, place]),
                    input_tokens=tokens[row] if tokens is not None else None,
                )
            )
        return predictions


class LabelSetAnswers:
    """Rows answered by every label that a classifier gives a probability of at least one half."""

    batch_rows: int | None = None

    def __init__(self, classifier: Classifier, task: Task) -> None:
        self._classifier = classifier
        scorer = row_scorer(task)
        if scorer is None:
            raise ValueError(f"sets of labels are not scored by {task.metric}")
        self._scorer = scorer
        self.device = classifier.device

    def token_counts(self, examples: Sequence[Example]) -> list[int] | None:
        """How many tokens the classifier sees of each row, special ones included; null where it has no tokens."""
        return self._classifier.token_counts([example.input for example in examples])

    def answer(self, examples: Sequence[Example], tokens: Sequence[int] | None) -> list[Prediction]:
        """The labels of each row; confidence is the probability that all of them are right, were they independent."""
        probabilities = self._classifier.probabilities([example.input for example in examples])
        predictions = []
        for row, example in enumerate(examples):
            sure = np.maximum(probabilities[row], 1.0 - probabilities[row])
            output = given_labels(self._classifier.labels, probabilities[row])
            predictions.append(
                Prediction(
                    example_id=example.example_id,
                    output=output,
                    score=self._scorer(output, example.target, example.example_id),
                    confidence=float(sure.prod()),
                    input_tokens=tokens[row] if tokens is not None else None,
                )
            )
        return predictions


class TextAnswers:
    """Rows, whose inputs are whole messages, answered by the text of a model on this machine."""

    batch_rows: int | None

    def __init__(self, generator: LocalGenerator, task: Task, labels: Sequence[str] = ()) -> None:
        self._generator = generator
        self._read = reader_of(task, labels)
        self._limit = task.max_output_tokens
        self.batch_rows = written_rows(self._limit)
        self._scorer = row_scorer(task)
        self.device = generator.device

    def token_counts(self, examples: Sequence[Example]) -> list[int]:
        """The tokens of each request, chat template included."""
        return self._generator.token_counts([example.input for example in examples])

    def answer(self, examples: Sequence[Example], tokens: Sequence[int] | None) -> list[Prediction]:
        """The text of each row, scored by the task's metric."""
        generations = self._generator.generate([example.input for example in examples], self._limit)
        return [
            text_prediction(example, generation, self._scorer, self._read)
            for example, generation in zip(examples, generations, strict=True)
        ]


def reader_of(task: Task, labels: Sequence[str]) -> AnswerReader:
    """What is kept of an answer: the labels in it where a row can have several, else all of it."""
    return LabelLists(labels).read if task.kind == "multi_label" else _whole


def _whole(text: str) -> str | None:
    return text


def text_prediction(
    example: Example, generation: Generation, scorer: RowScorer | None, read: AnswerReader = _whole
) -> Prediction:
    """An answer as a prediction. One that could not be used scores 0, and its output is null.

    Without a scorer every answer scores 0, for whoever reads a label out of it to score, or judges it later.
    `confidence` is the geometric mean of the tokens' probabilities, the model's own where it tells them.
    """
    told = generation.mean_log_probability
    output = read(generation.text) if generation.finish_reason in ("stop", "length") else None
    score = 0.0
    if output is not None and scorer is not None:
        score = scorer(output, example.target, example.example_id)
    return Prediction(
        example_id=example.example_id,
        output=output,
        score=score,
        confidence=math.exp(min(0.0, told)) if told is not None else None,
        input_tokens=generation.input_tokens,
        output_tokens=generation.output_tokens,
    )


def as_messages(examples: Sequence[Example], task: Task, labels: Sequence[str]) -> list[Example]:
    """The rows of a dataset that are not of train, with the whole message to a language model as their input.

    Raises UserError where the task shows more examples than train has.
    """
    shots = draw_shots(task, examples)
    return [
        _as_message(task, example, labels, shots.before(example))
        for example in examples
        if example.split is not Split.TRAIN
    ]


def _as_message(task: Task, example: Example, labels: Sequence[str], shots: Sequence[Example]) -> Example:
    shown = tuple(shot.picture for shot in shots if shot.picture is not None)
    return replace(example, input=message_of(task, example, labels, shots), shown=shown)
