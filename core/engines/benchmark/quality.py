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
from core.engines.benchmark.answering import RowAnswerer
from core.engines.benchmark.plan import batches_by_length
from core.engines.durable import disk_full_told
from core.i18n import english
from core.worker.context import JobContext, Stopped

_PARTIAL_NAME = "predictions.partial.jsonl"
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
    batches, and UserError (disk.full).
    """
    tokens = answerer.token_counts(examples)
    batches = batches_by_length(tokens or [len(example.input) for example in examples], answerer.batch_rows)
    done = {prediction.example_id: prediction for prediction in known}
    begun, done_before = time.monotonic(), len(done)
    path = context.folder / _PARTIAL_NAME
    with disk_full_told(path, len(examples) * _ROW_BYTES), path.open("ab") as stream:
        for batch in batches:
            if context.should_stop():
                raise Stopped
            if all(examples[row].example_id in done for row in batch):
                continue
            answers = answerer.answer(
                [examples[row] for row in batch], [tokens[row] for row in batch] if tokens else None
            )
            fresh = [answer for answer in answers if answer.example_id not in done]
            # Handed over first: a row that stands in the file must never be missing from the events.
            context.predictions(fresh)
            _append(stream, fresh)
            done.update((answer.example_id, answer) for answer in fresh)
            speed = (len(done) - done_before) / max(time.monotonic() - begun, 1e-9)
            context.progress("phase.score", len(done), len(examples), (len(examples) - len(done)) / speed)
    ordered = [done[example.example_id] for example in examples]
    write_predictions(context.folder, ordered)
    path.unlink()
    return ordered


def _append(stream: BinaryIO, predictions: Sequence[Prediction]) -> None:
    for prediction in predictions:
        stream.write(json.dumps(asdict(prediction), allow_nan=False).encode("utf-8") + b"\n")
    stream.flush()
    os.fsync(stream.fileno())
