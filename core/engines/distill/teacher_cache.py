"""The teacher's outputs on the training rows: computed once, kept on disk, gone on with after a stop."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.engines.distill.kept_outputs import remember_rows, rows_done, taken_over
from core.engines.durable import disk_full_told
from core.engines.models.protocol import Classifier
from core.errors import UserError
from core.i18n import english
from core.worker.context import JobContext, Stopped

PHASE = "phase.teacher_outputs"
ARRAY_NAME = "teacher_log_probabilities.npy"
STATE_NAME = "teacher_log_probabilities.json"
BATCH_ROWS = 64
_SAVE_SECONDS = 5.0
_SHOWN_CHARACTERS = 60

LogProbabilities = NDArray[np.float32]


def teacher_log_probabilities(
    classifier: Classifier, teacher_sha256: str, inputs: Sequence[str], folder: Path, context: JobContext
) -> LogProbabilities:
    """The teacher's log-probabilities, float32, shape (rows, classes), memory-mapped from a file in `folder`.

    They are its logits up to a constant in each row, which no softmax sees, so any classifier can be a teacher. A file
    of the same teacher and rows is gone on with, or copied from another job beside this one; a file of others is not
    used. Raises Stopped where the job is told to stop (what is done is kept), and UserError for a full disk and for a
    row whose outputs are no numbers.
    """
    shape = (len(inputs), len(classifier.labels))
    fingerprint = _fingerprint(teacher_sha256, classifier.labels, inputs)
    path, state_path = folder / ARRAY_NAME, folder / STATE_NAME
    done = rows_done(path, state_path, fingerprint)
    with disk_full_told(path, shape[0] * shape[1] * 4):
        folder.mkdir(parents=True, exist_ok=True)
        if done == 0 and taken_over(path, state_path, fingerprint, len(inputs), context):
            return np.asarray(np.load(path, mmap_mode="r"))
        if done == 0:
            # Filled with NaN and not sparse: a full disk shows here as an error, later as a bus error.
            np.save(path, np.full(shape, np.nan, dtype=np.float32))
        if done < len(inputs):
            _compute(classifier, inputs, path, state_path, fingerprint, done, context)
        else:
            context.log(english("train.log.teacher_outputs_kept", rows=done))
    return np.asarray(np.load(path, mmap_mode="r"))


def _compute(
    classifier: Classifier,
    inputs: Sequence[str],
    path: Path,
    state_path: Path,
    fingerprint: str,
    done: int,
    context: JobContext,
) -> None:
    """Fill the file from row `done` of the length order on, remembering now and then how far it is."""
    order = _length_order(classifier, inputs)
    array = np.lib.format.open_memmap(path, mode="r+")
    begin = last_save = time.monotonic()
    first = done
    while done < len(order):
        if context.should_stop():
            _remember(array, path, state_path, fingerprint, done)
            raise Stopped
        rows = order[done : done + BATCH_ROWS]
        probabilities = classifier.probabilities([inputs[row] for row in rows])
        broken = np.flatnonzero(~np.isfinite(probabilities).all(axis=1))
        if len(broken):
            raise UserError("train.teacher_not_finite", row=inputs[rows[broken[0]]][:_SHOWN_CHARACTERS])
        array[rows] = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
        done += len(rows)
        elapsed_s = time.monotonic() - begin
        context.progress(PHASE, done, len(order), elapsed_s / (done - first) * (len(order) - done))
        if time.monotonic() - last_save > _SAVE_SECONDS or done == len(order):
            _remember(array, path, state_path, fingerprint, done)
            last_save = time.monotonic()


def _length_order(classifier: Classifier, inputs: Sequence[str]) -> NDArray[np.int64]:
    """Rows from the longest to the shortest: little padding, and too little memory shows at once."""
    lengths = classifier.token_counts(inputs) or [len(text) for text in inputs]
    return np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable").astype(np.int64)


def _remember(array: NDArray[np.float32], path: Path, state_path: Path, fingerprint: str, done: int) -> None:
    """Say how many rows are done."""
    if isinstance(array, np.memmap):
        array.flush()
    remember_rows(path, state_path, fingerprint, done)


def _fingerprint(teacher_sha256: str, labels: Sequence[str], inputs: Sequence[str]) -> str:
    """All that determines the outputs: the teacher's files, its labels, the rows in order."""
    digest = hashlib.sha256(teacher_sha256.encode())
    for text in (*labels, *inputs):
        encoded = text.encode("utf-8", errors="surrogatepass")
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)
    return digest.hexdigest()
