"""What is kept of one token of a teacher's outputs, in few bytes: the likeliest tokens, and the rest.

Of the rest its whole probability is kept, and tokens that were drawn from it by their probability (`rest_draws`); for
a search over temperatures, which no draw could serve, its probability at several of them (`tempering`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.domain import IntArray

MOST_BYTES_PER_TOKEN = 200
# The whole softmax brings students no closer to the teacher than so many, and fewer bring them less close
# (`tests/benchmarks/README.md`).
_DRAWS = 16
_TOKENS_OF_TWO_BYTES, _MOST_TOKENS = 1 << 16, 1 << 24
LIKELIEST, DRAWN = "ids", "drawn"
_THIRD_BYTE = "_third_byte"


def record_type(top_k: int, vocabulary: int, tails: int = 0) -> np.dtype[np.void]:
    """What is kept of one token: ids (2 bytes each, and a third one in a vocabulary that needs it), log-probabilities
    (2 bytes each), and the rest's (4 bytes) with 16 ids drawn from it, or as many as 200 bytes leave room for, and the
    mean of their log-probabilities (4 bytes); or of the rest so many `tails` (4 bytes each)."""
    if vocabulary > _MOST_TOKENS:
        raise ValueError(f"ids of three bytes name {_MOST_TOKENS} tokens, and the vocabulary has {vocabulary}")
    top = [*_id_fields(LIKELIEST, top_k, vocabulary), ("top", "<f2", (top_k,))]
    if tails:
        return np.dtype([*top, ("tails", "<f4", (tails,))])
    rest = [("rest", "<f4"), ("drawn_mean", "<f4")]
    if top_k >= vocabulary:
        return np.dtype([*top, rest[0]])
    room = MOST_BYTES_PER_TOKEN - np.dtype([*top, *rest]).itemsize
    draws = min(_DRAWS, room // np.dtype(_id_fields(DRAWN, 1, vocabulary)).itemsize)
    return np.dtype([*top, *rest, *_id_fields(DRAWN, draws, vocabulary)])


def _id_fields(name: str, count: int, vocabulary: int) -> list[tuple[str, str, tuple[int, ...]]]:
    third = [(name + _THIRD_BYTE, "u1", (count,))] if vocabulary > _TOKENS_OF_TWO_BYTES else []
    return [(name, "<u2", (count,)), *third]


def draws_of(kind: np.dtype[np.void]) -> int:
    """How many tokens a record holds that were drawn from the rest; 0 in files for many temperatures, in those of a
    whole vocabulary, and in those of earlier versions."""
    return int(kind[DRAWN].shape[0]) if DRAWN in (kind.names or ()) else 0


def ids_of(records: NDArray[np.void], name: str = LIKELIEST) -> IntArray:
    """The ids of the likeliest tokens that are kept, shape (positions, top_k), or of those `DRAWN` from the rest."""
    ids: IntArray = records[name].astype(np.int64)
    if name + _THIRD_BYTE in (records.dtype.names or ()):
        ids += records[name + _THIRD_BYTE].astype(np.int64) * _TOKENS_OF_TWO_BYTES
    return ids


def put_ids(records: NDArray[np.void], ids: IntArray, name: str = LIKELIEST) -> None:
    """Write ids, shape (positions, count), so that `ids_of` finds them."""
    if name + _THIRD_BYTE not in (records.dtype.names or ()):
        records[name] = ids  # all two bytes, or four in a file of an earlier version
        return
    records[name + _THIRD_BYTE], records[name] = np.divmod(ids, _TOKENS_OF_TWO_BYTES)
