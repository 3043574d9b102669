"""What a decision says: frozen values that the window, the report and the command line show alike.

Qualities, shares and probabilities run from 0 to 1, latencies are milliseconds, money is in the study's currency.
Intervals are two-sided 95 % intervals. Null means: not measured, or not defined.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from core.decide.prices import Assumption
from core.domain import Choice, FloatArray, Gate, PolicyKind, Role, Verdict
from core.i18n import Value, english
from core.metrics.percentiles import Percentiles


@dataclass(frozen=True)
class Message:
    """A sentence by code, its values, and its English text."""

    code: str
    values: dict[str, Value]
    text: str


def message(code: str, **values: Value) -> Message:
    """The message of `code`, with its English sentence filled in. Raises KeyError where no catalogue has the code."""
    return Message(code, values, english(code, **values))


@dataclass(frozen=True)
class Interval:
    """A figure and its 95 % interval; `low` and `high` are null where the figure is not uncertain or not resampled."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Quality:
    """Mean score on the held-out rows with its interval; `n` counts the rows.

    With several `seeds` it is the mean over them, and `spread` says that the interval holds theirs too.
    """

    metric: str
    value: float
    low: float
    high: float
    n: int
    seeds: int = 1

    @property
    def spread(self) -> Literal["rows", "rows and seeds"]:
        """Which spread the interval holds."""
        return "rows" if self.seeds == 1 else "rows and seeds"


@dataclass(frozen=True)
class SeedQuality:
    """The quality of the model of one seed."""

    seed: int
    quality: float


@dataclass(frozen=True)
class Retained:
    """The share of the quality of the candidate `of` that is kept, from the paired ratio."""

    of: str
    share: Interval


@dataclass(frozen=True)
class Latency:
    """Latency percentiles of single requests, one at a time; p99 is null below 299 samples, p95 below 59.

    `source`: `timed` (a timing pass), `predictions` (imported with them), `mixture` (a hybrid, from its two paths).
    `probability_within_limit` is P(p95 <= limit), null without a limit or samples.
    """

    p50: float
    p95: float | None
    p99: float | None
    samples: int
    source: Literal["timed", "predictions", "mixture"]
    probability_within_limit: float | None = None


@dataclass(frozen=True)
class TokenLatency:
    """Milliseconds of a language model's single answers; a part is null where no answer has such a time."""

    time_to_first_token: Percentiles | None
    time_to_first_output_token: Percentiles | None
    time_per_output_token: Percentiles | None


@dataclass(frozen=True)
class RuntimeRow:
    """A local model under one runtime."""

    runtime: str
    p50_ms: float | None
    requests_per_second: float | None


@dataclass(frozen=True)
class CostPart:
    """One line of a monthly bill: `name` is a code of the catalogues (`decide.cost_part.…`)."""

    name: str
    monthly: float


@dataclass(frozen=True)
class CostFigures:
    """What a candidate costs. `one_off` is paid once, before the first request; null parts have a `reason`.

    `one_off_labels` is what of it was paid for a teacher's labels, null where none were asked for.

    `replicas` counts machines (null for a vendor). `probability_within_budget` is P(monthly <= budget).
    """

    currency: str
    monthly: Interval | None
    per_million_requests: Interval | None
    per_success: Interval | None
    one_off: float | None
    one_off_labels: float | None = None
    parts: tuple[CostPart, ...] = ()
    replicas: int | None = None
    probability_within_budget: float | None = None
    reason: Message | None = None


@dataclass(frozen=True)
class GateResult:
    """One requirement against one candidate. `unknown` never counts as pass. `probability` is a chance constraint's."""

    gate: Gate
    state: Literal["pass", "fail", "unknown"]
    rule: str | None
    message: Message
    probability: float | None = None


@dataclass(frozen=True)
class CandidateDecision:
    """All that the decision knows and says of one candidate.

    `state` is `measured`, or `not measured` where its jobs are not done. `gap` is its quality minus the reference
    teacher's, with `gap_lower_bound` the one-sided 95 % bound that decides non-inferiority. `net_benefit` is money per
    month, null without a value of one right answer. `ineligible` says why a candidate that passes every gate may still
    not be chosen.

    `dominated_by` names what is no worse and costs no more, or the parent that a compressed variant loses to in speed
    or quality (`core.decide.variants`).

    With several seeds `by_seed` holds each one's quality. `retained` is what a student or a compressed variant kept.
    `hard_labels` is the quality of the same student on the targets alone, and `distillation_added` what the teacher
    added to it; both null where that was not measured.
    """

    name: str
    role: Role
    source: str
    parent: str | None
    origin: Literal["measured", "imported"]
    state: Literal["measured", "not measured"]
    runtime: str | None = None
    policy: PolicyKind | None = None
    strong_share: float | None = None
    quality: Quality | None = None
    gap: Interval | None = None
    gap_lower_bound: float | None = None
    non_inferior: bool | None = None
    latency: Latency | None = None
    token_latency: TokenLatency | None = None
    requests_per_second: float | None = None
    output_tokens_per_second: float | None = None
    runtimes: tuple[RuntimeRow, ...] = ()
    peak_memory_mib: float | None = None
    model_size_mib: float | None = None
    parameters: int | None = None
    joules_per_request: float | None = None
    energy_source: str = "not measured"
    cost: CostFigures | None = None
    cost_benefit: Interval | None = None
    net_benefit: Interval | None = None
    probability_best: float | None = None
    expected_loss: float | None = None
    gates: tuple[GateResult, ...] = ()
    on_front: bool = False
    dominated_by: str | None = None
    extendedly_dominated: bool = False
    ineligible: Message | None = None
    by_seed: tuple[SeedQuality, ...] = ()
    retained: Retained | None = None
    hard_labels: Quality | None = None
    distillation_added: Interval | None = None

    @property
    def excluded_by(self) -> GateResult | None:
        """The first gate that this candidate does not pass, or null."""
        return next((gate for gate in self.gates if gate.state != "pass"), None)


@dataclass(frozen=True, eq=False)
class PolicyDecision:
    """One policy of one hybrid, evaluated at today's prices.

    `curve` has the rows (strong share, quality, money per million requests), from all-student to all-teacher.
    `apgr` is null where teacher and student do not differ. The first four baselines are APGR, the last two qualities.
    `operating` is the strong share, quality and cost of the operating point; `threshold` the priority above which a
    request goes to the teacher. `teacher_per_million_requests` and `student_…` are of each model alone.
    """

    candidate: str
    kind: PolicyKind
    apgr: float | None
    apgr_low: float | None
    apgr_high: float | None
    cpt50: float | None
    cpt80: float | None
    threshold: float | None
    strong_share: float
    quality: Quality
    per_million_requests: float | None
    curve: FloatArray
    baseline_random: float | None
    baseline_length: float | None
    baseline_hull: float | None
    baseline_oracle: float | None
    teacher_quality: float
    student_quality: float
    verdict: Verdict
    reason: Message
    teacher_per_million_requests: float | None = None
    student_per_million_requests: float | None = None


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
class ComplexityProfile:
    """The measured complexity beside the stated one. The contradiction is null where they agree or nothing is known.

    `disagreement` is the share of rows on which teacher and student answer differently, `headroom` the quality that
    a perfect router adds to the better of the two, `floor_gap` teacher minus the linear baseline.
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


@dataclass(frozen=True, eq=False)
class Decision:
    """The recommendation with everything that it rests on. Candidates stand in study order.

    `leading` is the best so far, also where the data do not suffice for a choice. `reference` is the teacher that
    quality is compared with, null where none is measured. `headline` is one sentence. `front` lists the Pareto front,
    cheapest first; `frontier` is its convex part with ICERs.
    `decided_on` is the date of the newest measurement.
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
