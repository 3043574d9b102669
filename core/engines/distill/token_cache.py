"""The teacher's outputs on the completion tokens: its likeliest tokens and the rest, computed once, kept on disk.

A training has one temperature, at which everything is kept: the likeliest tokens, the probability of the rest, and
tokens drawn from it. A search tries many: for it the likeliest tokens are kept as they are, and of the rest what
`tempering` needs to know its probability at any temperature.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from core.domain import FloatArray, IntArray
from core.engines.device import Device
from core.engines.distill.causal_model import body_states, check_apart, head_logits
from core.engines.distill.causal_rows import CausalRows
from core.engines.distill.kept_outputs import remember_rows, rows_done, taken_over
from core.engines.distill.rest_draws import RestDraws, drawn_from_rest
from core.engines.distill.tempering import Temperatures, node_weights, tails_beyond
from core.engines.distill.token_gradient import TeacherTokens
from core.engines.distill.token_losses import CHUNK_POSITIONS, likeliest_tokens
from core.engines.distill.token_records import DRAWN, draws_of, ids_of, put_ids, record_type
from core.engines.durable import disk_full_told
from core.errors import UserError
from core.i18n import english
from core.worker.context import JobContext, Stopped

PHASE = "phase.teacher_outputs"
ARRAY_NAME = "teacher_tokens.npy"
STATE_NAME = "teacher_tokens.json"
BATCH_ROWS = 16
_SAVE_SECONDS = 5.0
_BLOCK_BYTES = 1 << 24


class TeacherOutputs(Protocol):
    """What a teacher says of the completion tokens of a training's rows."""

    def of_rows(self, rows: IntArray, device: torch.device) -> TeacherTokens:
        """Its distribution at the completion tokens of some rows, in their order."""


class TemperedCache:
    """Some rows of a cache that keeps outputs for any temperature, at one of them."""

    def __init__(self, cache: TokenCache, chosen: IntArray, temperatures: Temperatures, temperature: float) -> None:
        self._cache, self._chosen, self._temperature = cache, chosen, temperature
        self._weights = node_weights(temperatures, temperature)

    def of_rows(self, rows: IntArray, device: torch.device) -> TeacherTokens:
        """The teacher's distribution at the completion tokens of some of the chosen rows, in their order."""
        return self._cache.tempered(self._chosen[rows], device, self._temperature, self._weights)


class TokenCache:
    """The records of all rows' completion tokens, row after row, memory-mapped; `starts` says where a row begins."""

    def __init__(self, records: NDArray[np.void], rows: CausalRows) -> None:
        self._records = records
        self._starts = row_starts(rows)

    def tempered(self, rows: IntArray, device: torch.device, temperature: float, weights: FloatArray) -> TeacherTokens:
        """As `of_rows`, at a temperature, of a cache with tails; `weights` are `tempering.node_weights`."""
        picked = self._picked(rows)
        known = np.isfinite(picked["tails"]).all(axis=-1)
        tails = np.where(known[:, None], picked["tails"], 0.0) @ weights
        rest = np.where(known, tails, -np.inf).astype(np.float32)
        top = picked["top"].astype(np.float32) / np.float32(temperature)
        return _normalised(ids_of(picked), top, rest, device)

    def of_rows(self, rows: IntArray, device: torch.device) -> TeacherTokens:
        """The teacher's distribution at the completion tokens of some rows, in their order.

        Half-precision logarithms are scaled so that each position adds up to one again.
        """
        picked = self._picked(rows)
        drawn = (ids_of(picked, DRAWN), picked["drawn_mean"].copy()) if draws_of(picked.dtype) else None
        return _normalised(ids_of(picked), picked["top"].astype(np.float32), picked["rest"].copy(), device, drawn)

    def _picked(self, rows: IntArray) -> NDArray[np.void]:
        return np.concatenate([self._records[self._starts[row] : self._starts[row + 1]] for row in rows])

    @property
    def bytes_per_token(self) -> int:
        """What one token takes on disk."""
        return int(self._records.dtype.itemsize)


def _normalised(
    ids: IntArray,
    top: NDArray[np.float32],
    rest: NDArray[np.float32],
    device: torch.device,
    drawn: tuple[IntArray, NDArray[np.float32]] | None = None,
) -> TeacherTokens:
    likeliest, beyond = (torch.from_numpy(part).to(device) for part in (top, rest))
    whole = torch.cat([likeliest, beyond[:, None]], dim=-1).logsumexp(dim=-1, keepdim=True)
    draws = None
    if drawn is not None:
        drawn_ids, mean = (torch.from_numpy(part).to(device) for part in drawn)
        draws = RestDraws(drawn_ids, mean - whole.squeeze(-1))
    return TeacherTokens(torch.from_numpy(ids).to(device), likeliest - whole, beyond - whole.squeeze(-1), draws)


def row_starts(rows: CausalRows) -> IntArray:
    """Where each row's records begin, shape (rows + 1,)."""
    return np.concatenate([[0], np.cumsum(rows.completion_lengths)]).astype(np.int64)


def teacher_tokens(
    teacher: Callable[[], Any],
    fingerprint_parts: tuple[str, ...],
    rows: CausalRows,
    top_k: int,
    vocabulary: int,
    temperature: float | Temperatures,
    device: Device,
    folder: Path,
    context: JobContext,
) -> TokenCache:
    """The cache in `folder`, filled where it is not yet; `teacher` opens the model, and only where it is needed.

    A file of the same teacher (`fingerprint_parts`), tokens, temperature and size is gone on with, or copied from
    another job beside this one; a file of others is not used. With a range of temperatures the cache is to be asked by
    a `TemperedCache`. Raises Stopped where the job is told to stop (what is
    done is kept), and UserError (disk.full).
    """
    kept = min(top_k, vocabulary)
    fingerprint = _fingerprint(fingerprint_parts, rows, kept, vocabulary, temperature)
    path, state_path = folder / ARRAY_NAME, folder / STATE_NAME
    total = int(row_starts(rows)[-1])
    done = rows_done(path, state_path, fingerprint)
    kind = record_type(kept, vocabulary, 0 if isinstance(temperature, float) else len(temperature.powers))
    with disk_full_told(path, total * kind.itemsize):
        folder.mkdir(parents=True, exist_ok=True)
        if done == 0 and taken_over(path, state_path, fingerprint, len(rows.names), context):
            return TokenCache(np.load(path, mmap_mode="r"), rows)
        if done == 0:
            _allocate(path, total, kind)
        if done < len(rows.names):
            filler = _Filler(rows, kept, vocabulary, temperature, device, path, state_path, fingerprint)
            filler.fill(teacher(), done, context)
        else:
            context.log(english("train.log.teacher_outputs_kept", rows=done))
    return TokenCache(np.load(path, mmap_mode="r"), rows)


def _allocate(path: Path, total: int, kind: np.dtype[np.void]) -> None:
    """Write the whole file, not a sparse one: a full disk shows here as an error, later as a bus error."""
    array = np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=(total,))
    begin = path.stat().st_size - array.nbytes
    del array
    with path.open("rb+") as stream:
        stream.seek(begin)
        left = total * kind.itemsize
        while left > 0:
            left -= stream.write(b"\xff" * min(left, _BLOCK_BYTES))
        stream.flush()
        os.fsync(stream.fileno())


class _Filler:
    """Fills a cache row batch by row batch, from the longest rows to the shortest."""

    def __init__(
        self,
        rows: CausalRows,
        top_k: int,
        vocabulary: int,
        temperature: float | Temperatures,
        device: Device,
        path: Path,
        state_path: Path,
        fingerprint: str,
    ) -> None:
        self._rows, self._top_k, self._vocabulary, self._temperature = rows, top_k, vocabulary, temperature
        self._device, self._path, self._state_path, self._fingerprint = device, path, state_path, fingerprint
        self._starts = row_starts(rows)

    def fill(self, model: Any, done: int, context: JobContext) -> None:
        """Go on from row `done` of the length order. Raises Stopped, and UserError for a model of an unknown build."""
        check_apart(model, self._device.torch_device)
        order = np.argsort(-self._rows.tokens.lengths, kind="stable").astype(np.int64)
        array = np.lib.format.open_memmap(self._path, mode="r+")
        first, begin = done, time.monotonic()
        last_save = begin
        while done < len(order):
            if context.should_stop():
                self._remember(array, done)
                raise Stopped
            batch = order[done : done + BATCH_ROWS]
            self._compute(model, batch, array)
            done += len(batch)
            elapsed_s = time.monotonic() - begin
            context.progress(PHASE, done, len(order), elapsed_s / (done - first) * (len(order) - done))
            if time.monotonic() - last_save > _SAVE_SECONDS or done == len(order):
                self._remember(array, done)
                last_save = time.monotonic()

    def _compute(self, model: Any, rows: IntArray, array: NDArray[np.void]) -> None:
        ids, mask = (torch.from_numpy(part).to(self._device.torch_device) for part in self._rows.tokens.padded(rows, 0))
        followed = torch.from_numpy(self._rows.followed(rows))
        with torch.inference_mode():
            states = body_states(model, ids, mask)[:, :-1]
            # The last layer of a spread model need not be where the tokens are.
            hidden = states[followed.to(states.device)]
            places = np.concatenate([np.arange(self._starts[row], self._starts[row + 1]) for row in rows])
            chunks = zip(
                *(torch.split(part, CHUNK_POSITIONS) for part in (hidden, torch.from_numpy(places))), strict=True
            )
            records = np.concatenate([self._records(model, part, where, array.dtype) for part, where in chunks])
        taken = 0
        for row in rows:
            first, last = int(self._starts[row]), int(self._starts[row + 1])
            if np.isnan(records["top"][taken : taken + last - first]).any():
                raise UserError("train.teacher_not_finite", row=self._rows.names[row])
            array[first:last] = records[taken : taken + last - first]
            taken += last - first

    def _records(
        self, model: Any, hidden: torch.Tensor, places: torch.Tensor, kind: np.dtype[np.void]
    ) -> NDArray[np.void]:
        """What is kept of some positions, given their hidden states and their places in the file."""
        logits, temperature = head_logits(model, hidden, self._vocabulary), self._temperature
        found, rest = likeliest_tokens(logits, self._top_k, temperature if isinstance(temperature, float) else 1.0)
        records = np.empty(len(hidden), dtype=kind)
        put_ids(records, found.ids.cpu().numpy())
        # Half precision ends at −65,504; no probability that small matters.
        records["top"] = found.log_probabilities.clamp(min=-60000.0).cpu().numpy()
        if isinstance(temperature, float):
            records["rest"] = found.log_rest.cpu().numpy()
        else:
            records["tails"] = tails_beyond(logits, found.ids, temperature).cpu().numpy()
        if draws := draws_of(kind):
            drawn = drawn_from_rest(rest, draws, places)
            put_ids(records, drawn.ids.cpu().numpy(), DRAWN)
            records["drawn_mean"] = drawn.mean_log_probability.cpu().numpy()
        return records

    def _remember(self, array: NDArray[np.void], done: int) -> None:
        """Say how many rows are done."""
        if isinstance(array, np.memmap):
            array.flush()
        remember_rows(self._path, self._state_path, self._fingerprint, done)


def _fingerprint(
    parts: tuple[str, ...], rows: CausalRows, top_k: int, vocabulary: int, temperature: float | Temperatures
) -> str:
    """All that determines the outputs: the teacher, the tokens (and with them tokenizer, template and prompt), what is
    kept of each distribution, and the temperature."""
    digest = hashlib.sha256("\0".join(parts).encode())
    digest.update(f"{top_k} {vocabulary} {temperature!r}".encode())
    for array in (rows.tokens.ids, rows.tokens.starts, rows.prompt_lengths):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
