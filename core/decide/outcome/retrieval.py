"""What a decision says of a candidate's retrieval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.decide.outcome.figures import Interval
from core.metrics.percentiles import Percentiles


@dataclass(frozen=True)
class RetrievalFound:
    """How well passages were found on the test rows, and what that took.

    `recall` is the share of rows with a right passage among the `top_k`, `reciprocal_rank` the mean of 1 ÷ the place
    of the first right one (0 where there is none), over the `rows` whose right passage can be told `right_by` the
    document that the data names or by the answer's words; null where there are none. `unknown_documents` are rows
    that name a document which the index does not have, and count as not found. `search_ms` is of single rows.
    """

    method: str
    top_k: int
    documents: int
    passages: int
    index_mib: float
    embeddings_mib: float
    encoder_mib: float
    search_ms: Percentiles
    right_by: Literal["document", "answer"] | None
    rows: int
    recall: Interval | None
    reciprocal_rank: Interval | None
    leaked_rows: int
    unknown_documents: int = 0
