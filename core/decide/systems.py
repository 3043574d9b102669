"""Measured systems: each candidate's figures on the shared held-out rows, as a value and as draws.

Nothing here depends on criteria or prices, so that deciding again under other assumptions costs little. All weights
have the shape (1 + draws, rows); the first row is the plain sample, the others are resamples of whole groups. A
draw is such a resample joined by an unseen row (`core.metrics.unseen`), for which each model has outcomes of its own.

A candidate that was trained with several seeds has the mean over them, and draws that hold the spread between them too.
Seeds are drawn apart for each candidate, but alike for those made from each other: the INT8 form of seed 2 shares the
luck of seed 2. Tokens, latency, throughput, memory and size are of the first seed's model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from core.decide.draws import Draws
from core.decide.latency import latency_samples
from core.decide.second_requests import MILLISECONDS, SecondRequests, second_requests
from core.decide.token_samples import UNTIMED, TokenSamples, token_samples
from core.domain import BoolArray, FloatArray
from core.evidence import CandidateEvidence, ScoredRows, TestRows
from core.metrics.bootstrap import resample_weights, seed_weights
from core.metrics.effective import effective_rows
from core.metrics.quality import MetricRows, QualityEstimate, mean_rows, metric_rows
from core.metrics.seeds import SeededRows, estimate_seeded
from core.metrics.unseen import outcomes_of, unseen_row

RESAMPLES = 1000
FEWEST_RESAMPLES = 200
_MOST_CELLS = 20_000_000
SEED = 0


@dataclass(frozen=True, eq=False)
class SharedRows:
    """The held-out rows with the weights of every resample, and the metric that the study asks for.

    `weights` says how often each row stands in each resample. How much a row counts is told by `test.weights` and goes
    into the counts of every metric (`core.metrics.quality`) and into the means here, so it is in no resample.
    """

    test: TestRows
    metric: str
    weights: FloatArray

    def means(self, values: FloatArray) -> FloatArray:
        """The mean of one figure a row, on the sample and on each resample; rows without the figure are left out."""
        known = np.isfinite(values)
        own = self.test.weights
        if known.all() and own is None:
            return np.asarray((self.weights @ values) / self.weights.sum(axis=1))
        counted = known.astype(np.float64) if own is None else own * known
        total = self.weights @ (counted * np.where(known, values, 0.0))
        rows = self.weights @ counted
        return np.divide(total, rows, out=np.full_like(total, float(np.nanmean(values))), where=rows > 0)

    def draws(self, values: FloatArray) -> Draws:
        """The mean of one figure a row, with its draws."""
        means = self.means(values)
        return Draws(float(means[0]), means[1:])


@dataclass(frozen=True, eq=False)
class System:
    """One candidate as measured. `rows` are of its first seed, `seeded` of all under the study's metric, `right` of all
    as shares of right answers, `outcomes` whether it is right on the unseen row, shape (1 + draws, sticks). `seen` is
    the quality on the sample and its resamples without that row, shape (1 + draws,), `worth` how many rows they are.
    Tokens are means a request; `latency_ms` holds single requests, one at a time; `requests_per_second` is of one
    machine.
    `effective_latency_samples` is the length of the shorter series behind a mixture. `tokens` is when the tokens of
    single answers come. `second` are the requests for answers that failed their checks, null where there are none;
    latency and throughput hold them."""

    rows: ScoredRows
    seeded: SeededRows
    right: SeededRows
    outcomes: BoolArray
    seen: FloatArray
    worth: float
    quality: QualityEstimate
    quality_draws: Draws
    success: Draws
    latency_ms: FloatArray | None
    latency_source: Literal["timed", "predictions", "mixture"]
    requests_per_second: float | None
    one_at_a_time: bool = False
    effective_latency_samples: int | None = None
    second: SecondRequests | None = None
    tokens: TokenSamples = UNTIMED

    def chance_of_quality(self, floor: float) -> float:
        """P(quality >= floor); the same for the same rows, whoever answered them."""
        return unseen_row(len(self.seen) - 1).chance_at_least(self.seen, self.worth, floor)


def resamples_for(rows: int) -> int:
    """How many resamples a number of rows gets: 1,000, fewer where the matrix would not fit in memory."""
    return max(FEWEST_RESAMPLES, min(RESAMPLES, _MOST_CELLS // max(rows, 1)))


@lru_cache(maxsize=4)
def shared_rows(test: TestRows, metric: str) -> SharedRows:
    """The held-out rows with their resamples; the same rows always have the same resamples."""
    count = len(test.example_ids)
    resampled = resample_weights(test.groups, resamples=resamples_for(count), seed=SEED)
    return SharedRows(test, metric, np.vstack([np.ones(count), resampled]))


@lru_cache(maxsize=128)
def measured_system(shared: SharedRows, candidate: CandidateEvidence, trained: CandidateEvidence) -> System | None:
    """The system behind a candidate of its own, null where it is not measured yet.

    `trained` is the candidate whose trainings its seeds stand for: itself, or one with the same seeds that it was made
    from.
    Raises ValueError where its rows are not the shared ones, UserError where the metric needs outputs it lacks.
    """
    if candidate.benchmark is None or candidate.test is None:
        return None
    if any(rows.example_ids != shared.test.example_ids for rows in candidate.runs):
        raise ValueError(f"the rows of {candidate.name} are not the held-out rows of the study")
    timed = candidate.benchmark.runtimes[0] if candidate.benchmark.runtimes else None
    samples, source = latency_samples(timed, candidate.test)
    throughput = None if timed is None else timed.requests_per_second
    second = second_requests(candidate, shared.test, samples if source == "timed" else None, throughput)
    if second is not None and source == "timed":
        everywhere = row_weights(shared.test)
        samples = second.whole_ms(everywhere)
        throughput = None if throughput is None else throughput / (1.0 + second.share(everywhere))
    one_at_a_time = throughput is None and samples is not None
    if throughput is None and samples is not None and float(samples.mean()) > 0.0:
        throughput = MILLISECONDS / float(samples.mean())
    mixing = mixing_of(trained.runs, len(trained.runs), len(shared.weights) - 1)
    outcomes = outcomes_on_unseen(shared, candidate.runs[0])
    system = system_of(
        shared, candidate.runs, mixing, outcomes, samples, source, throughput, one_at_a_time=one_at_a_time
    )
    tokens = token_samples(candidate.benchmark, samples, asked_again=second is not None)
    return replace(system, second=second, tokens=tokens)


def row_weights(test: TestRows) -> FloatArray:
    """How much each test row counts, shape (rows,)."""
    return np.ones(len(test.example_ids)) if test.weights is None else test.weights


def mixing_of(origin: Sequence[ScoredRows], seeds: int, draws: int) -> FloatArray:
    """How much each seed counts on the sample and in each draw, shape (1 + draws, seeds). What the origin scored is the
    key, so that neither a candidate's name nor its place changes a figure."""
    key = hashlib.sha256(b"".join(rows.scores.tobytes() for rows in origin)).digest()[:8]
    alike = np.full((1, seeds), 1.0 / seeds)
    return np.vstack([alike, seed_weights(seeds, draws, (SEED, int.from_bytes(key, "big")))])


ONE_SEED = np.ones((1, 1))


def system_of(
    shared: SharedRows,
    runs: Sequence[ScoredRows],
    mixing: FloatArray,
    outcomes: BoolArray,
    latency_ms: FloatArray | None,
    latency_source: Literal["timed", "predictions", "mixture"],
    requests_per_second: float | None,
    *,
    one_at_a_time: bool = False,
    effective_latency_samples: int | None = None,
) -> System:
    """A system made of the rows of each seed, mixed as `mixing` says, of outcomes on the unseen row and of timings."""
    metric = seeded_rows(shared, runs, mixing)
    own = shared.test.weights
    success = SeededRows(tuple(mean_rows(rows.scores).weighted(own) for rows in runs), mixing)
    estimate = estimate_seeded(metric, shared.test.groups, shared.weights)
    seen = metric.values(shared.weights)
    return System(
        rows=runs[0],
        seeded=metric,
        right=success,
        outcomes=outcomes,
        seen=seen,
        worth=_worth(shared),
        quality=estimate,
        quality_draws=_joined(shared, seen, metric.alone(shared.weights), outcomes, estimate.value),
        success=draws_of(shared, success, outcomes),
        latency_ms=latency_ms,
        latency_source=latency_source,
        requests_per_second=requests_per_second,
        one_at_a_time=one_at_a_time,
        effective_latency_samples=effective_latency_samples,
    )


def seeded_rows(shared: SharedRows, runs: Sequence[ScoredRows], mixing: FloatArray) -> SeededRows:
    """The metric rows of each seed's model under the study's metric."""
    return SeededRows(tuple(counted(shared, rows) for rows in runs), mixing)


def counted(shared: SharedRows, rows: ScoredRows) -> MetricRows:
    """The metric rows of what was answered to the shared rows, each counting as much as it does in production."""
    found = metric_rows(shared.metric, rows.scores, rows.outputs, shared.test.targets)
    return found.weighted(shared.test.weights)


def outcomes_on_unseen(shared: SharedRows, rows: ScoredRows) -> BoolArray:
    """Whether the model behind some rows is right on the unseen row, shape (1 + draws, sticks).

    Rows of the same job are the same model's, whatever the candidate is called and wherever it stands; what no job
    measured is told apart by its scores.
    """
    key = rows.scores.tobytes() if rows.job is None else rows.job.encode()
    return outcomes_of(key, len(shared.weights) - 1)


@lru_cache(maxsize=4)
def _worth(shared: SharedRows) -> float:
    return effective_rows(shared.test.groups, shared.test.weights)


def draws_of(shared: SharedRows, rows: SeededRows, outcomes: BoolArray, value: float | None = None) -> Draws:
    """A figure of metric rows with its draws; `value` null means that of the plain sample."""
    values = rows.values(shared.weights)
    return _joined(shared, values, rows.alone(shared.weights), outcomes, float(values[0]) if value is None else value)


def _joined(
    shared: SharedRows, values: FloatArray, alone: FloatArray | None, outcomes: BoolArray, value: float
) -> Draws:
    unseen, worth = unseen_row(len(shared.weights) - 1), _worth(shared)
    by_rows = values if alone is None else alone
    joined = unseen.joined(by_rows, outcomes, worth)
    return Draws(
        value=value,
        draws=unseen.joined(values, outcomes, worth)[1:],
        of_rows=None if alone is None else joined[1:],
        unseen=(joined - by_rows)[1:],
    )


def draws_within(shared: SharedRows, system: System, mask: BoolArray) -> Draws:
    """The quality on the rows of a mask, shape (rows,), in the draws that have some of them: for every system the
    same."""
    some = shared.weights[:, mask].sum(axis=1) > 0
    values = system.seeded.within(mask, shared.weights)
    own, members = shared.test.weights, np.flatnonzero(mask).tolist()
    worth = effective_rows([shared.test.groups[row] for row in members], None if own is None else own[mask])
    joined = unseen_row(len(some) - 1).joined(values, system.outcomes, worth, some)
    return Draws(float(values[0]), joined[1:])


def mixed_rows(teacher: ScoredRows, student: ScoredRows, sent: BoolArray) -> ScoredRows:
    """What a hybrid answers: the teacher's rows where they are sent, the student's elsewhere. Tokens and latency of the
    two paths are priced and timed apart, so they are left out."""
    outputs = tuple(
        strong if to_teacher else weak
        for strong, weak, to_teacher in zip(teacher.outputs, student.outputs, sent.tolist(), strict=True)
    )
    scores = np.where(sent, teacher.scores, student.scores)
    return ScoredRows(student.example_ids, scores, outputs, None, None, None, None)
