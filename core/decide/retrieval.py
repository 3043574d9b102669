"""Retrieval's recall and mean reciprocal rank with their intervals, and what a reader must know of the documents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.decide.options import Option
from core.decide.outcome import Interval, Message, RetrievalFound, message
from core.i18n import Value
from core.jobs.results import BenchmarkResult
from core.metrics.percentiles import percentiles
from core.metrics.proportions import wilson_interval

_RESAMPLES = 2000


def retrieval_found(benchmark: BenchmarkResult) -> RetrievalFound | None:
    """How well passages were found for a candidate; null for one that is given none."""
    told = benchmark.retrieval
    if told is None:
        return None
    ranks = told.ranks
    return RetrievalFound(
        method=told.method,
        top_k=told.top_k,
        documents=told.documents,
        passages=told.passages,
        index_mib=told.index_mib,
        embeddings_mib=told.embeddings_mib,
        encoder_mib=told.encoder_mib,
        search_ms=percentiles(told.milliseconds),
        right_by=told.right_by,
        rows=len(ranks),
        recall=recall_of(ranks) if ranks else None,
        reciprocal_rank=reciprocal_rank_of(ranks) if ranks else None,
        leaked_rows=told.leaked_rows,
        unknown_documents=told.unknown_documents,
    )


def recall_of(ranks: Sequence[int]) -> Interval:
    """The share of rows with a right passage among those that were found, with Wilson's interval."""
    found = sum(rank > 0 for rank in ranks)
    return Interval(found / len(ranks), *wilson_interval(found, len(ranks)))


def reciprocal_rank_of(ranks: Sequence[int]) -> Interval:
    """The mean reciprocal rank with its bootstrap interval (percentiles of resampled rows).

    Voorhees, "The TREC-8 Question Answering Track Report" (1999). Reciprocal ranks take few values, so that drawing
    how often each occurs is the same as drawing the rows.
    """
    reciprocal = np.array([1.0 / rank if rank else 0.0 for rank in ranks])
    values, counts = np.unique(reciprocal, return_counts=True)
    draws = np.random.default_rng(0).multinomial(len(ranks), counts / len(ranks), size=_RESAMPLES)
    low, high = np.quantile(draws @ values / len(ranks), [0.025, 0.975])
    return Interval(float(reciprocal.mean()), float(low), float(high))


def retrieval_notes(options: Sequence[Option]) -> list[Message]:
    """Candidates whose documents hold test rows as they are: their quality is too good; and rows that name documents
    which there are not: recall is too low by them."""
    notes = []
    for option in options:
        benchmark = option.evidence.benchmark
        told = None if benchmark is None else benchmark.retrieval
        if told is None:
            continue
        if told.leaked_rows:
            notes.append(message("decide.note.documents_leak", candidate=option.name, count=told.leaked_rows))
        if told.unknown_documents:
            values: dict[str, Value] = {"count": told.unknown_documents, "rows": len(told.ranks)}
            notes.append(message("decide.note.documents_unknown", candidate=option.name, **values))
    return notes
