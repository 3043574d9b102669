"""The decision itself: what is recommended, how surely, what would change it, and what to measure next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from core.decide.outcome.candidates import CandidateDecision, PolicyDecision
from core.decide.outcome.figures import Interval, Message, SeedQuality, SmallSlice
from core.domain import Choice, Gate
from core.jobs.results import LabelNoise, LearningCurve, UsableInformation
from core.metrics.learning_curve import HeldOutSize
from core.prices import Assumption


@dataclass(frozen=True)
class Confidence:
    """How sure the choice is: P(best), its expected loss and the value of perfect information, money per month.

    `expected_loss` and `evpi` are null without a value of one right answer and without a cost to compare.
    """

    probability_best: float | None
    expected_loss: float | None
    evpi: float | None


@dataclass(frozen=True)
class Exclusion:
    """A candidate that may not be chosen, with the gate, the rule where one applies, and the reason."""

    candidate: str
    gate: Gate
    rule: str | None
    message: Message


@dataclass(frozen=True)
class BreakEven:
    """After how many requests, and months at the stated load, the choice's one-off has paid itself back against
    another candidate; both null means never."""

    against: str
    requests: float | None
    months: float | None


@dataclass(frozen=True)
class Flip:
    """The value of one assumption at which the recommendation changes, verified by deciding again with it.

    `path` is what `--set` takes. `to` is what it changes to, as a choice with its candidate (null where nothing
    within the range searched flips it). The net benefits are of the chosen candidate, money per month, at 80 % and
    120 % of the assumption.
    """

    assumption: str
    path: str
    value: float
    unit: str
    flips_at: float | None
    to: Choice | None
    to_candidate: str | None
    net_benefit_low: float | None = None
    net_benefit_high: float | None = None


@dataclass(frozen=True)
class MeasureNext:
    """A measurement worth taking, with its expected value and its cost in money where they can be told."""

    message: Message
    evppi: float | None
    cost: float | None


@dataclass(frozen=True)
class FrontierStep:
    """One candidate of the efficiency frontier, cheapest first.

    `icer` is the extra money for one more right answer against the step before (null on the first); the candidate
    is the choice for a value of one right answer from `value_from` to `value_to` (null: without end).
    """

    candidate: str
    quality: float
    per_request: float
    icer: float | None
    value_from: float
    value_to: float | None


@dataclass(frozen=True)
class SliceGap:
    """Quality of teacher and student on one slice; the gap is teacher minus student, paired, with its interval."""

    column: str
    value: str
    rows: int
    teacher: float
    student: float
    gap: Interval


@dataclass(frozen=True)
class SuspectedRow:
    """A test row whose label is probably wrong. `answered_so_by` are the measured models that answer the suggested
    label too, of `asked` whose answers are known."""

    example_id: str
    input: str
    target: str
    suggested: str
    confidence: float
    answered_so_by: tuple[str, ...]
    asked: int


@dataclass(frozen=True)
class ExpectedStudent:
    """What a student is expected at with more train rows than the `rows` that gave `quality`: (train rows, quality with
    its interval), ascending. `own` says that its own learning curve tells so; else its errors are taken to fall as
    those of the cheap family do."""

    student: str
    rows: int
    quality: float
    points: tuple[tuple[int, Interval], ...]
    own: bool = False


@dataclass(frozen=True)
class CurveSize:
    """A student's quality after learning from so many train rows, a mean over as many trainings as there are seeds;
    `by_seed` is that of each training."""

    rows: int
    seeds: int
    quality: Interval
    by_seed: tuple[SeedQuality, ...]


@dataclass(frozen=True)
class CurveLaw:
    """quality(n) = ceiling − factor · n^(−exponent), which passes through the largest measured size, and what it tells
    with its interval from the smallest size to the farthest that is expected: `points` are (rows, quality)."""

    ceiling: float
    factor: float
    exponent: float
    points: tuple[tuple[int, Interval], ...]


@dataclass(frozen=True)
class StudentCurve:
    """The learning curve of a student itself, sizes ascending, of `planned` sizes.

    `held_out` is the largest size as the law tells it from the smaller ones, null below four sizes, where there is no
    `law` and nothing is expected either. `teacher` taught every size as it is, or lent it its embeddings;
    `teacher_learnt` says that it learnt from all train rows. `linear` says that the student is a floor, which is fitted
    without epochs.
    """

    student: str
    metric: str
    planned: int
    sizes: tuple[CurveSize, ...]
    law: CurveLaw | None
    held_out: HeldOutSize | None
    expected: ExpectedStudent | None
    teacher: str | None
    teacher_learnt: bool
    linear: bool = False


@dataclass(frozen=True)
class ComplexityProfile:
    """The measured complexity beside the stated one. The contradiction is null where they agree or nothing is known.

    `disagreement` is the share of rows on which teacher and student answer differently, `headroom` the quality that
    a perfect router adds to the better of the two, `floor_gap` teacher minus the linear baseline. `usable_information`
    and `learning_curve` are of the cheap family that the profile job fits, `student_curve` is of the
    student that the study names for one, `expected_student` of that student, else of the best one that was trained.
    """

    stated: str
    teacher: str | None = None
    student: str | None = None
    disagreement: float | None = None
    gap: Interval | None = None
    headroom: float | None = None
    floor_gap: Interval | None = None
    label_entropy_bits: float | None = None
    input_length_p50: float | None = None
    input_length_p95: float | None = None
    input_length_max: int | None = None
    slices: tuple[SliceGap, ...] = ()
    measured: Literal["low", "moderate", "high"] | None = None
    contradiction: Message | None = None
    usable_information: UsableInformation | None = None
    learning_curve: LearningCurve | None = None
    expected_student: ExpectedStudent | None = None
    student_curve: StudentCurve | None = None


@dataclass(frozen=True, eq=False)
class Decision:
    """The recommendation with everything that it rests on. Candidates stand in study order.

    `leading` is the best so far, also where the data do not suffice for a choice. `reference` is the teacher that
    quality is compared with, null where none is measured. `headline` is one sentence. `front` lists the Pareto front,
    cheapest first; `frontier` is its convex part with ICERs.
    `decided_on` is the date of the newest measurement. `label_noise` and the rows `suspected` say what of the test rows
    is probably labelled wrongly; null and empty where nobody looked. `small_slices` are those without figures,
    the same of all candidates.
    """

    study: str
    currency: str
    monthly_requests: float
    monthly_budget: float | None
    value_per_success: float | None
    min_quality: float | None
    quality_margin: float
    p95_limit_ms: float | None
    choice: Choice
    candidate: str | None
    leading: str | None
    reference: str | None
    headline: Message
    confidence: Confidence
    reasons: tuple[Message, ...]
    excluded: tuple[Exclusion, ...]
    not_measured: tuple[str, ...]
    candidates: tuple[CandidateDecision, ...]
    policies: tuple[PolicyDecision, ...]
    front: tuple[str, ...]
    frontier: tuple[FrontierStep, ...]
    break_even: tuple[BreakEven, ...]
    flips: tuple[Flip, ...]
    measure_next: tuple[MeasureNext, ...]
    complexity: ComplexityProfile
    assumptions: tuple[Assumption, ...]
    notes: tuple[Message, ...]
    decided_on: date | None
    label_noise: LabelNoise | None = None
    suspected: tuple[SuspectedRow, ...] = ()
    small_slices: tuple[SmallSlice, ...] = ()

    def of(self, name: str) -> CandidateDecision:
        """The candidate of that name. Raises KeyError."""
        for candidate in self.candidates:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    @property
    def chosen(self) -> CandidateDecision | None:
        """The recommended candidate, or null."""
        return None if self.candidate is None else self.of(self.candidate)
