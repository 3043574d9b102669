"""What a language model said of the train rows, on disk: `answers.jsonl` in the folder of a label job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.data.jsonl import read_rows, write_rows
from core.domain import FloatArray
from core.errors import UserError

FILE_NAME = "answers.jsonl"


@dataclass(frozen=True)
class LabelledRow:
    """What was said of one row. `text` is without the reasoning, which stands apart. `label` is null in a task of generation and
    where the answer names none; `label_probabilities` are of all labels, where the model gave them."""

    example_id: str
    text: str
    reasoning: str | None = None
    label: str | None = None
    label_probabilities: Mapping[str, float] | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    finish_reason: str = "stop"


def write_answers(folder: Path, answers: Sequence[LabelledRow]) -> Path:
    """Write all answers and return the file's path. Raises UserError (disk.full)."""
    path = folder / FILE_NAME
    write_rows(path, answers, _encode)
    return path


def read_answers(folder: Path) -> list[LabelledRow]:
    """All answers of a label job's folder, in the order in which they were written."""
    return list(read_rows(folder / FILE_NAME, _decode))


def texts_to_learn(answers: Sequence[LabelledRow], reasoning: Literal["keep", "strip"]) -> dict[str, str]:
    """The text of each whole answer by example id, with the reasoning before it where that is kept.

    Answers that were cut off or held back are left out. Raises UserError where none is left, and, naming the row, for
    an empty one.
    """
    whole = [answer for answer in answers if answer.finish_reason == "stop"]
    if not whole:
        raise UserError("answers.none_whole", count=len(answers))
    for answer in whole:
        if not answer.text.strip():
            raise UserError("answers.empty", row=answer.example_id)
    return {answer.example_id: _with_reasoning(answer) if reasoning == "keep" else answer.text for answer in whole}


def label_distributions(answers: Sequence[LabelledRow], labels: Sequence[str]) -> dict[str, FloatArray | str]:
    """For each answer with one of the labels, by example id: its distribution over `labels`, shape (labels,), or the
    label alone where the model gave no probabilities. Raises UserError where no answer has a label."""
    found: dict[str, FloatArray | str] = {}
    for answer in answers:
        if answer.label is None or answer.label not in labels:
            continue
        if answer.label_probabilities is None:
            found[answer.example_id] = answer.label
        else:
            weights = np.array([answer.label_probabilities.get(label, 0.0) for label in labels], dtype=np.float64)
            found[answer.example_id] = np.asarray(weights / weights.sum())
    if not found:
        raise UserError("answers.no_label", count=len(answers))
    return found


def _with_reasoning(answer: LabelledRow) -> str:
    return answer.text if answer.reasoning is None else f"<think>{answer.reasoning}</think>{answer.text}"


def _encode(answer: LabelledRow) -> dict[str, Any]:
    return {
        "id": answer.example_id,
        "text": answer.text,
        "reasoning": answer.reasoning,
        "label": answer.label,
        "label_probabilities": None if answer.label_probabilities is None else dict(answer.label_probabilities),
        "input_tokens": answer.input_tokens,
        "output_tokens": answer.output_tokens,
        "finish_reason": answer.finish_reason,
    }


def _decode(document: dict[str, Any]) -> LabelledRow:
    return LabelledRow(
        example_id=document["id"],
        text=document["text"],
        reasoning=document["reasoning"],
        label=document["label"],
        label_probabilities=document["label_probabilities"],
        input_tokens=document["input_tokens"],
        output_tokens=document["output_tokens"],
        finish_reason=document["finish_reason"],
    )
