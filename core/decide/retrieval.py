"""Retrieval's recall and mean reciprocal rank with their intervals, and what a reader must know of the documents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.decide.options import Option
from core.decide.outcome import Interval, Message, RetrievalFound, message
from core.domain import FloatArray
from core.i18n import Value
from core.jobs.results import BenchmarkResult, RetrievalFigures
from core.metrics.bootstrap import percentile_interval, resample_weights
from core.metrics.effective import effective_weights
from core.metrics.percentiles import percentiles
from core.metrics.proportions import wilson_interval
from core.metrics.quality import at_least, mean_rows

_RESAMPLES = 2000
# Of rows, which take a matrix.
_RESAMPLES_WEIGHTED = 500


def retrieval_found(benchmark: BenchmarkResult, weights: FloatArray | None = None) -> RetrievalFound | None:
    """How well passages were found for a candidate; null for one that is given none. `weights` is how much each test
    row counts, shape (rows,), null where all count alike."""
    told = benchmark.retrieval
    if told is None:
        return None
    ranks = told.ranks
    own = _weights_of(told, weights)
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
        recall=recall_of(ranks, own) if ranks else None,
        reciprocal_rank=reciprocal_rank_of(ranks, own) if ranks else None,
        leaked_rows=told.leaked_rows,
        unknown_documents=told.unknown_documents,
    )


def _weights_of(told: RetrievalFigures, weights: FloatArray | None) -> FloatArray | None:
    """How much each row with a rank counts; null where all count alike, or nobody noted which of the test rows they
    are."""
    if weights is None:
        return None
    if told.rank_places is not None:
        return np.asarray(weights[list(told.rank_places)])
    return weights if len(told.ranks) == len(weights) else None


def recall_of(ranks: Sequence[int], weights: FloatArray | None = None) -> Interval:
    """The share of rows with a right passage among those that were found, with Wilson's interval: where rows count
    differently, that of as many rows of equal weight as they are worth."""
    if weights is None:
        found = sum(rank > 0 for rank in ranks)
        return Interval(found / len(ranks), *wilson_interval(found, len(ranks)))
    share, worth = float(np.average(np.array(ranks) > 0, weights=weights)), effective_weights(weights)
    return Interval(share, *wilson_interval(share * worth, worth))


def reciprocal_rank_of(ranks: Sequence[int], weights: FloatArray | None = None) -> Interval:
    """The mean reciprocal rank with its bootstrap interval (percentiles of resampled rows).

    Voorhees, "The TREC-8 Question Answering Track Report" (1999). Reciprocal ranks take few values, so that drawing
    how often each occurs is the same as drawing the rows, where these count alike.
    """
    reciprocal = np.array([1.0 / rank if rank else 0.0 for rank in ranks])
    if weights is not None:
        rows = mean_rows(reciprocal).weighted(weights)
        drawn = rows.value(resample_weights([str(row) for row in range(len(ranks))], _RESAMPLES_WEIGHTED))
        value = float(rows.value())
        return Interval(value, *at_least(rows, value, *percentile_interval(drawn)))
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
