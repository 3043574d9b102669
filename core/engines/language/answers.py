"""What a language model said of the train rows, in the folder of a label job: written once, read by who learns it.

`answers.jsonl` holds one row a line, as it was said; `answers.json` the labels, the job's result, and whether the text
to learn keeps the reasoning. The second is written last: without it the answers are not complete.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.data.jsonl import read_rows, write_rows
from core.domain import FloatArray
from core.engines.durable import disk_full_told, sync_folder, write_json
from core.engines.language.generator import FinishReason
from core.errors import UserError
from core.jobs.results import LabelResult
from core.metrics.reasoning import CLOSING, OPENING

ROWS_NAME = "answers.jsonl"
HEADER_NAME = "answers.json"
_HEADER_BYTES = 1 << 16


@dataclass(frozen=True)
class AnsweredRow:
    """One row's answer. `label` is null where the text names none, and in generation; `label_probabilities` are in the
    order of the header's labels."""

    example_id: str
    text: str
    reasoning: str | None
    label: str | None
    label_probabilities: tuple[float, ...] | None
    input_tokens: int | None
    output_tokens: int | None
    finish_reason: FinishReason

    def usable(self, classification: bool) -> bool:
        """Whether a student can learn it: a label, or a text that came to its end."""
        return self.label is not None if classification else self.finish_reason == "stop" and self.text != ""


@dataclass(frozen=True)
class TaughtRow:
    """What a student learns of one row: the text (the label itself in classification), the label, and the teacher's
    distribution over `TeacherAnswers.labels`, which sums to 1; null where the teacher told none."""

    example_id: str
    text: str
    label: str | None
    distribution: tuple[float, ...] | None


@dataclass(frozen=True)
class TeacherAnswers:
    """The usable answers by the id of their example, in the order of the train rows. `unusable` are the other ids.

    `labels` are the classes of the study in sorted order, none in generation.
    """

    labels: tuple[str, ...]
    rows: dict[str, TaughtRow]
    unusable: tuple[str, ...]

    def distributions(self, example_ids: Sequence[str]) -> FloatArray:
        """The teacher's distribution over the labels for each id, shape (rows, labels): where none was told, all of it
        lies on the row's label. Raises KeyError for an id without a usable answer."""
        places = {label: place for place, label in enumerate(self.labels)}
        matrix = np.zeros((len(example_ids), len(self.labels)), dtype=np.float64)
        for number, example_id in enumerate(example_ids):
            row = self.rows[example_id]
            if row.distribution is not None:
                matrix[number] = row.distribution
            elif row.label is not None:
                matrix[number, places[row.label]] = 1.0
        return matrix


def write_answers(
    folder: Path,
    job_id: str,
    rows: Sequence[AnsweredRow],
    labels: Sequence[str],
    reasoning: Literal["keep", "strip"],
    result: LabelResult,
) -> None:
    """Write all answers of a label job, whole. Raises UserError (disk.full)."""
    write_rows(folder / ROWS_NAME, rows, _document)
    header = {
        "job_id": job_id,
        "labels": list(labels),
        "reasoning": reasoning,
        "result": result.model_dump(mode="json"),
    }
    partial = folder / f"{HEADER_NAME}.partial"
    with disk_full_told(partial, _HEADER_BYTES):
        write_json(partial, header)
        partial.replace(folder / HEADER_NAME)
        sync_folder(folder)


def finished_result(folder: Path, job_id: str) -> LabelResult | None:
    """The result of an earlier attempt of this job that wrote all its answers; null without one."""
    try:
        header = json.loads((folder / HEADER_NAME).read_text(encoding="utf-8"))
        return LabelResult.model_validate(header["result"]) if header["job_id"] == job_id else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_answers(folder: Path) -> TeacherAnswers:
    """What a student learns from the folder of a finished label job. Raises UserError where no answer is usable."""
    header = json.loads((folder / HEADER_NAME).read_text(encoding="utf-8"))
    labels = tuple(header["labels"])
    keeps = header["reasoning"] == "keep"
    taught: dict[str, TaughtRow] = {}
    unusable = []
    first: AnsweredRow | None = None
    for row in read_rows(folder / ROWS_NAME, _row):
        if row.usable(bool(labels)):
            taught[row.example_id] = _taught(row, keeps)
        else:
            unusable.append(row.example_id)
            first = first or row
    if not taught and first is not None:
        raise none_usable(first, len(unusable), bool(labels))
    return TeacherAnswers(labels, taught, tuple(unusable))


def none_usable(row: AnsweredRow, rows: int, classification: bool) -> UserError:
    """The error for answers none of which can be learnt, such as that of `row`."""
    shown = " ".join(row.text.split())[:80]
    if row.finish_reason == "failed":
        return UserError("label.none_answered", count=rows, row=row.example_id)
    if row.finish_reason == "too_long":
        return UserError("label.none_fits", count=rows, row=row.example_id)
    if not shown:
        return UserError("label.none_said", count=rows, row=row.example_id, finish=row.finish_reason)
    code = "label.none_names_a_label" if classification else "label.none_complete"
    return UserError(code, count=rows, row=row.example_id, text=shown)


def _taught(row: AnsweredRow, keeps_reasoning: bool) -> TaughtRow:
    text = row.text if row.label is None else row.label
    if keeps_reasoning and row.reasoning and row.label is None:
        text = f"{OPENING}\n{row.reasoning}\n{CLOSING}\n\n{text}"
    return TaughtRow(row.example_id, text, row.label, row.label_probabilities)


def _document(row: AnsweredRow) -> dict[str, Any]:
    return {
        "example_id": row.example_id,
        "text": row.text,
        "reasoning": row.reasoning,
        "label": row.label,
        "label_probabilities": row.label_probabilities,
        "tokens": {"input": row.input_tokens, "output": row.output_tokens},
        "finish_reason": row.finish_reason,
    }


def _row(document: dict[str, Any]) -> AnsweredRow:
    told = document["label_probabilities"]
    return AnsweredRow(
        example_id=document["example_id"],
        text=document["text"],
        reasoning=document["reasoning"],
        label=document["label"],
        label_probabilities=None if told is None else tuple(told),
        input_tokens=document["tokens"]["input"],
        output_tokens=document["tokens"]["output"],
        finish_reason=document["finish_reason"],
    )
