"""Who answers the rows of the dataset: a classifier by its most probable label, a language model by its text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from core.domain import Example, Prediction
from core.engines.language.generator import Generation, LocalGenerator
from core.engines.language.prompts import message_of
from core.engines.models import Classifier
from core.errors import UserError
from core.metrics.text import TextScorer, text_scorer
from core.spec import Task


class RowAnswerer(Protocol):
    """Answers batches of rows: `batch_rows` at a time, null for the usual 32. `device` is a word for the user."""

    device: str
    batch_rows: int | None

    def token_counts(self, examples: Sequence[Example]) -> list[int] | None:
        """How many tokens the model sees of each row, special ones included; null where it has no tokens."""

    def answer(self, examples: Sequence[Example], tokens: Sequence[int] | None) -> list[Prediction]:
        """The scored prediction of each row of one batch; `tokens` are their counts."""


class LabelAnswers:
    """Rows answered by a classifier's most probable label."""

    batch_rows: int | None = None

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
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
                    score=float(label == example.target),
                    confidence=float(probabilities[row, place]),
                    input_tokens=tokens[row] if tokens is not None else None,
                )
            )
        return predictions


class TextAnswers:
    """Rows, whose inputs are whole messages, answered by the text of a model on this machine.

    Raises UserError for a metric that needs a judge.
    """

    batch_rows: int | None = None

    def __init__(self, generator: LocalGenerator, task: Task) -> None:
        self._generator = generator
        self._task = task
        self._scorer = scorer_of(task)
        self.device = generator.device

    def token_counts(self, examples: Sequence[Example]) -> list[int]:
        """The tokens of each request, chat template included."""
        return self._generator.token_counts([example.input for example in examples])

    def answer(self, examples: Sequence[Example], tokens: Sequence[int] | None) -> list[Prediction]:
        """The text of each row, scored by the task's metric."""
        messages = [example.input for example in examples]
        generations = self._generator.generate(messages, self._task.max_output_tokens)
        return [
            text_prediction(example, generation, self._scorer)
            for example, generation in zip(examples, generations, strict=True)
        ]


def scorer_of(task: Task) -> TextScorer:
    """The scorer of a task's metric. Raises UserError for a metric that needs a judge."""
    scorer = text_scorer(task.metric)
    if scorer is None:
        raise UserError("benchmark.judge", metric=task.metric)
    return scorer


def text_prediction(example: Example, generation: Generation, scorer: TextScorer) -> Prediction:
    """An answer as a prediction. One that could not be used scores 0, and its output is null.

    `confidence` is the geometric mean of the tokens' probabilities, the model's own where it tells them.
    """
    told = generation.mean_log_probability
    usable = generation.finish_reason in ("stop", "length")
    return Prediction(
        example_id=example.example_id,
        output=generation.text if usable else None,
        score=scorer(generation.text, example.target) if usable else 0.0,
        confidence=math.exp(min(0.0, told)) if told is not None else None,
        input_tokens=generation.input_tokens,
        output_tokens=generation.output_tokens,
    )


def as_messages(examples: Sequence[Example], task: Task, labels: Sequence[str]) -> list[Example]:
    """The examples with the whole message to a language model as their input."""
    return [replace(example, input=message_of(task, example, labels)) for example in examples]
