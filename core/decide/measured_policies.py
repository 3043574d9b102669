"""A hybrid's policies as measured, for all prices: what the points of their curves take, and an operating point as a
system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from core.decide.bills import Paths, Used, paths_of
from core.decide.second_requests import MILLISECONDS
from core.decide.systems import ONE_SEED, SharedRows, System, mixed_rows, row_weights, system_of
from core.decide.token_samples import Mixture, TokenSamples, mixed_tokens, token_samples
from core.decide.usage import Answered, usage_of_each
from core.domain import BoolArray, FloatArray, IntArray, PolicyKind
from core.evidence import CandidateEvidence, ScoredRows, TestRows
from core.jobs.results import PolicyScores, RouteResult
from core.metrics.quality import COUNTED_METRICS
from core.metrics.unseen import unseen_row
from core.routing.curve import RoutedRows, routed_macro_f1
from core.routing.measure import PolicyMeasure, measure_policy
from core.spec import Candidate


@dataclass(frozen=True, eq=False)
class Part:
    """The teacher or the student of a hybrid: its spec, its evidence and its measured system."""

    candidate: Candidate
    evidence: CandidateEvidence
    system: System


@dataclass(frozen=True, eq=False)
class Measuring:
    """One hybrid's policies to be measured; equal to another where the rows are the same by identity (the cache that
    holds this also keeps them alive)."""

    shared: SharedRows
    route: RouteResult
    teacher: Part
    student: Part

    def _key(self) -> tuple[int, ...]:
        return tuple(id(part) for part in (self.shared, self.route, self.teacher.system, self.student.system))

    def __hash__(self) -> int:
        return hash(self._key())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Measuring) and self._key() == other._key()


@dataclass(frozen=True, eq=False)
class MeasuredPolicy:
    """A policy's measure; `order` is the place of its rows among the shared ones, `curve` what the points of its curve
    take, counted once for all prices."""

    of: Measuring
    scores: PolicyScores
    measure: PolicyMeasure
    order: IntArray
    curve: Used

    def used(self, masks: Sequence[BoolArray]) -> Used:
        """What the two models take where the rows of each of `masks`, in the measure's order, go to the teacher."""
        return self.curve if masks is self.measure.masks else _used(self.of, self.scores.kind, masks, self.order)

    def shares(self, masks: Sequence[BoolArray]) -> FloatArray:
        """The share of requests that each of `masks` sends to the teacher."""
        return np.array([self.measure.rows.share(mask) for mask in masks])


@lru_cache(maxsize=8)
def measured_policies(wanted: Measuring) -> list[MeasuredPolicy]:
    """Each fitted policy of one hybrid with its measure, in the order in which they were fitted."""
    order = _row_order(wanted.route, wanted.shared)
    found = []
    for scores in wanted.route.policies:
        measure = _measure(wanted, scores, order)
        curve = _used(wanted, scores.kind, measure.masks, order)
        found.append(MeasuredPolicy(wanted, scores, measure, order, curve))
    return found


def _used(of: Measuring, kind: PolicyKind, masks: Sequence[BoolArray], order: IntArray) -> Used:
    sample = sample_of(of.shared)
    paths = [paths_of(in_test_order(mask, order), kind) for mask in masks]
    return Used(
        teacher=usage_of_each(sample, of.teacher.system, [each.teacher for each in paths]),
        student=usage_of_each(sample, of.student.system, [each.student for each in paths]),
    )


def _measure(wanted: Measuring, scores: PolicyScores, order: IntArray) -> PolicyMeasure:
    shared, route, teacher, student = wanted.shared, wanted.route, wanted.teacher, wanted.student
    tuning = [_tuning(part.evidence.tuning, route.tuning_example_ids) for part in (teacher, student)]
    return measure_policy(
        scores,
        route,
        teacher_scores=teacher.system.rows.scores[order],
        student_scores=student.system.rows.scores[order],
        groups=[shared.test.groups[row] for row in order.tolist()],
        tuning_teacher_scores=tuning[0],
        tuning_student_scores=tuning[1],
        quality=_counted(shared, teacher.system.rows, student.system.rows, order),
        row_weights=None if shared.test.weights is None else shared.test.weights[order],
        tuning_weights=_tuning_weights(student.evidence.tuning, route.tuning_example_ids),
        resamples=len(shared.weights) - 1,
    )


@lru_cache(maxsize=4)
def sample_of(shared: SharedRows) -> SharedRows:
    """The held-out rows without their resamples, where a figure alone is asked for."""
    return SharedRows(shared.test, shared.metric, shared.weights[:1])


def _counted(shared: SharedRows, teacher: ScoredRows, student: ScoredRows, rows: IntArray) -> RoutedRows | None:
    if shared.metric not in COUNTED_METRICS:
        return None
    order = rows.tolist()
    return routed_macro_f1(
        [teacher.outputs[row] for row in order],
        [student.outputs[row] for row in order],
        [shared.test.targets[row] for row in order],
        shared.metric,
        None if shared.test.weights is None else shared.test.weights[rows],
    )


def _tuning(rows: ScoredRows | None, example_ids: tuple[str, ...]) -> FloatArray | None:
    return None if rows is None or not example_ids else rows.scores[_places(rows, example_ids)]


def _tuning_weights(rows: ScoredRows | None, example_ids: tuple[str, ...]) -> FloatArray | None:
    if rows is None or rows.weights is None or not example_ids:
        return None
    return rows.weights[_places(rows, example_ids)]


def _places(rows: ScoredRows, example_ids: tuple[str, ...]) -> list[int]:
    index = {example_id: row for row, example_id in enumerate(rows.example_ids)}
    return [index[example_id] for example_id in example_ids]


def _row_order(route: RouteResult, shared: SharedRows) -> IntArray:
    """For each row of the route result its place among the shared rows. Raises ValueError where they differ."""
    index = _index(shared.test.example_ids)
    if set(route.example_ids) != set(index):
        raise ValueError("the policies were scored on other rows than the held-out ones")
    return np.array([index[example_id] for example_id in route.example_ids], dtype=np.int64)


@lru_cache(maxsize=4)
def _index(example_ids: tuple[str, ...]) -> dict[str, int]:
    return {example_id: row for row, example_id in enumerate(example_ids)}


def in_test_order(sent: BoolArray, rows: IntArray) -> BoolArray:
    """A mask of rows in a measure's order, whose places among the test rows are `rows`, in the order of these."""
    placed = np.zeros(len(rows), dtype=np.bool_)
    placed[rows] = sent
    return placed


@lru_cache(maxsize=512)
def operating_point(measured: MeasuredPolicy, sent: bytes) -> tuple[System, Paths]:
    """The hybrid that sends those rows, and who answers what; prices that send the same rows share it. `sent` holds the
    bytes of the mask in the measure's order."""
    mask = np.frombuffer(sent, dtype=np.bool_)
    shared, teacher, student = measured.of.shared, measured.of.teacher.system, measured.of.student.system
    share, placed = measured.measure.rows.share(mask), in_test_order(mask, measured.order)
    paths = paths_of(placed, measured.scores.kind)
    timed = _timed(measured, paths, share)
    effective = None
    if teacher.latency_ms is not None and student.latency_ms is not None:
        effective = min(len(teacher.latency_ms), len(student.latency_ms))
    system = system_of(
        shared,
        (mixed_rows(teacher.rows, student.rows, placed),),
        ONE_SEED,
        unseen_row(len(shared.weights) - 1).routed(teacher.outcomes, student.outcomes, share),
        timed.whole_ms,
        "mixture",
        None,
        effective_latency_samples=effective,
    )
    return replace(system, tokens=timed), paths


def _timed(measured: MeasuredPolicy, paths: Paths, strong_share: float) -> TokenSamples:
    """When the hybrid answers single requests: each of its models with the second requests of answers that stand, and
    a cascade's student without any before the teacher is asked."""
    test, student = measured.of.shared.test, measured.of.student.system
    strong, weak = (
        _times(test, part, answered)
        for part, answered in ((measured.of.teacher, paths.teacher), (measured.of.student, paths.student))
    )
    mix = Mixture(
        strong_share=strong_share,
        score_ms=measured.scores.score_seconds * MILLISECONDS,
        cascade=measured.scores.kind is PolicyKind.CASCADE,
        handed_on_ms=None if student.second is None else student.second.first_ms,
    )
    whole = None
    if strong.whole_ms is not None and weak.whole_ms is not None:
        whole = mix.latency(strong.whole_ms, weak.whole_ms)
    return mixed_tokens(strong, weak, whole, mix)


def _times(test: TestRows, part: Part, answered: Answered) -> TokenSamples:
    """When a model answers, with the second requests of the rows whose answer is its own."""
    second, benchmark = part.system.second, part.evidence.benchmark
    if second is None or second.first_ms is None or benchmark is None:
        return part.system.tokens
    return token_samples(benchmark, second.whole_ms(answered.stands * row_weights(test)), asked_again=True)
