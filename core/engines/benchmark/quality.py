"""The quality pass: an answer for every evaluation row, durable batch by batch, resumed where it was cut off."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from core.data.predictions import FILE_NAME, read_predictions, write_predictions
from core.domain import Example, Prediction
from core.engines.benchmark.answering import PutOff, RowAnswerer
from core.engines.benchmark.plan import batches_by_length
from core.engines.durable import disk_full_told
from core.i18n import english
from core.worker.context import JobContext, Stopped

_PARTIAL_NAME = "predictions.partial.jsonl"
_PUT_OFF_NAME = "put_off.jsonl"
_ROW_BYTES = 200


def answered_before(folder: Path) -> list[Prediction]:
    """What an earlier attempt answered, in its order; a line that was cut off is removed from the file."""
    if (folder / FILE_NAME).exists():
        return read_predictions(folder)
    path = folder / _PARTIAL_NAME
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        with path.open("r+b") as stream:
            stream.truncate(len(whole))
    return [Prediction(**json.loads(line)) for line in whole.splitlines()]


def answer_all(answerer: RowAnswerer, examples: Sequence[Example], context: JobContext) -> list[Prediction]:
    """One prediction for each example, in the examples' order, going on where an earlier attempt ended.

    Raises Stopped and UserError (disk.full).
    """
    known = answered_before(context.folder)
    context.started(answerer.device, len(known))
    if known:
        context.log(english("benchmark.log.resumed", rows=len(known)))
    context.progress("phase.score", len(known), len(examples))
    return answer_rows(answerer, examples, known, context)


def answer_rows(
    answerer: RowAnswerer, examples: Sequence[Example], known: Sequence[Prediction], context: JobContext
) -> list[Prediction]:
    """One prediction for each example, in the examples' order; those in `known` are taken as they are.

    Each batch is handed over before it counts as done: after a kill at most one batch is answered twice, and the
    results are the same. They end up in `predictions.jsonl`, in the order of the examples. Raises Stopped between
    batches, and UserError (disk.full). What the answerer puts off is asked for once more behind all others.
    """
    tokens = answerer.token_counts(examples)
    batches = batches_by_length(tokens or [len(example.input) for example in examples], answerer.batch_rows)
    path, put_off = context.folder / _PARTIAL_NAME, _PutOff(context.folder / _PUT_OFF_NAME)

    def answer(batch: list[int]) -> list[Prediction]:
        if context.should_stop():
            raise Stopped
        return answerer.answer([examples[row] for row in batch], [tokens[row] for row in batch] if tokens else None)

    with disk_full_told(path, len(examples) * _ROW_BYTES), path.open("ab") as stream:
        kept = _Kept(known, len(examples), stream, context)
        for batch in sorted(batches, key=lambda batch: put_off.has(examples[batch[0]].example_id)):
            if all(examples[row].example_id in kept.done for row in batch):
                continue
            try:
                kept.take(answer(batch))
            except PutOff:
                put_off.add(batch, examples[batch[0]].example_id)
        # Kept together: where the last of them shows that nobody answers any more, none of them counts as wrong.
        for answers in [answer(batch) for batch in put_off.batches]:
            kept.take(answers)
    ordered = [kept.done[example.example_id] for example in examples]
    write_predictions(context.folder, ordered)
    path.unlink()
    return ordered


class _PutOff:
    """The batches to be asked for again. A later attempt asks last for what earlier ones put off: a row that nobody
    answers must not be the one that shows whether there is anybody."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
        self._earlier = {line for line in lines if line}
        self.batches: list[list[int]] = []

    def add(self, batch: list[int], first_row: str) -> None:
        """Put a batch off; `first_row` is the id that names it."""
        self.batches.append(batch)
        if not self.has(first_row):
            with self._path.open("a", encoding="ascii") as stream:
                stream.write(json.dumps(first_row) + "\n")

    def has(self, first_row: str) -> bool:
        """Whether an earlier attempt put that batch off."""
        return json.dumps(first_row) in self._earlier


class _Kept:
    """The predictions that are there, by row; those of this attempt are handed over and written down as they come."""

    def __init__(self, known: Sequence[Prediction], rows: int, stream: BinaryIO, context: JobContext) -> None:
        self.done = {prediction.example_id: prediction for prediction in known}
        self._before = len(self.done)
        self._begun = time.monotonic()
        self._rows = rows
        self._stream = stream
        self._context = context

    def take(self, answers: Sequence[Prediction]) -> None:
        """Keep the predictions of one batch."""
        fresh = [answer for answer in answers if answer.example_id not in self.done]
        # Handed over first: a row that stands in the file must never be missing from the events.
        self._context.predictions(fresh)
        _append(self._stream, fresh)
        self.done.update((answer.example_id, answer) for answer in fresh)
        done = len(self.done)
        speed = (done - self._before) / max(time.monotonic() - self._begun, 1e-9)
        self._context.progress("phase.score", done, self._rows, (self._rows - done) / speed)


def _append(stream: BinaryIO, predictions: Sequence[Prediction]) -> None:
    for prediction in predictions:
        stream.write(json.dumps(asdict(prediction), allow_nan=False).encode("utf-8") + b"\n")
    stream.flush()
    os.fsync(stream.fileno())
