"""The vectors of all passages: batch by batch into a file, going on after a kill where the last whole batch ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.engines.durable import disk_full_told
from core.engines.retrieval.encoder import BATCH_ROWS, SentenceEncoder

PARTIAL_NAME = "embeddings.partial"
_FLOAT_BYTES = 4


@dataclass(frozen=True)
class EmbeddingRun:
    """How many passages were embedded before this attempt, and how many are longer than the encoder reads."""

    resumed: int
    cut: int


def embed_passages(
    encoder: SentenceEncoder, texts: Sequence[str], folder: Path, on_rows: Callable[[int], None]
) -> EmbeddingRun:
    """Put the vectors of all texts, in batches of like length, into the partial file of `folder`.

    The batches are the same on every run, so that an interrupted run ends with the same bytes. `on_rows` hears how many
    are done after each batch, and may raise. Raises UserError (disk.full).
    """
    order, cut = embedding_order(encoder, texts)
    path = folder / PARTIAL_NAME
    row_bytes = encoder.width * _FLOAT_BYTES
    done = _whole_rows(path, row_bytes, len(texts))
    resumed = done
    with disk_full_told(path, (len(texts) - done) * row_bytes), path.open("ab") as stream:
        on_rows(done)
        while done < len(order):
            batch = order[done : done + BATCH_ROWS]
            stream.write(encoder.embed([texts[row] for row in batch]).tobytes())
            stream.flush()
            os.fsync(stream.fileno())
            done += len(batch)
            on_rows(done)
    return EmbeddingRun(resumed, cut)


def embedding_order(encoder: SentenceEncoder, texts: Sequence[str]) -> tuple[list[int], int]:
    """The rows by their length in tokens, shortest first, and how many are cut."""
    lengths, cut = encoder.lengths(texts)
    return sorted(range(len(texts)), key=lambda row: lengths[row]), cut


def _whole_rows(path: Path, row_bytes: int, rows: int) -> int:
    """How many rows of whole batches stand in the file; what a kill cut off behind them is removed."""
    if not path.exists():
        return 0
    found = path.stat().st_size // row_bytes
    whole = rows if found >= rows else found - found % BATCH_ROWS
    with path.open("r+b") as stream:
        stream.truncate(whole * row_bytes)
    return whole


def write_embeddings(partial: Path, target: Path, order: Sequence[int], width: int) -> None:
    """Write the vectors of the partial file to `target` (npy, fp32), in the order of the passages."""
    vectors = np.memmap(partial, dtype=np.float32, mode="r", shape=(len(order), width))
    ordered = np.lib.format.open_memmap(target, mode="w+", dtype=np.float32, shape=(len(order), width))
    ordered[np.asarray(order)] = vectors
    ordered.flush()
