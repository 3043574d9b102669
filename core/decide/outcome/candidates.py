"""What a decision says of each candidate and of each policy of a hybrid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.decide.outcome.figures import (
    ClassRecall,
    CostFigures,
    CutInputs,
    GateResult,
    Interval,
    Latency,
    LoadFigures,
    Message,
    Quality,
    Retained,
    RuntimeRow,
    SeedQuality,
    SliceQuality,
    TokenLatency,
    Unanswered,
    Uncompressed,
)
from core.decide.outcome.retrieval import RetrievalFound
from core.domain import FloatArray, PolicyKind, Role, Verdict
from core.jobs.results import CheckResult, JudgeResult, PeakMemory
from core.metrics.fields import PartFigures


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
    added to it; both null where that was not measured. `uncompressed` is what was trained and then compressed
    within this candidate. `retrieval` is how well passages were found for a candidate that is given some. `parts` are
    the fields of an extraction, or the labels where rows have several, each with its own figures. `by_class` holds the
    recall of each class, the rarest first, `by_slice` the quality of each slice that is large enough. `cut_inputs` is
    null where nobody counted, `unanswered` of what has no answers of its own (a hybrid).
    `judging` is how its answers got their scores, where a job of its own gave them, and `judges_itself` says that the
    judge is this candidate's own model, or taught it. `checking` is what the checks of its answers found.
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
    memory: PeakMemory | None = None
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
    uncompressed: Uncompressed | None = None
    retrieval: RetrievalFound | None = None
    parts: tuple[PartFigures, ...] = ()
    by_class: tuple[ClassRecall, ...] = ()
    by_slice: tuple[SliceQuality, ...] = ()
    cut_inputs: CutInputs | None = None
    unanswered: Unanswered | None = None
    judging: JudgeResult | None = None
    judges_itself: bool = False
    checking: CheckResult | None = None
    load: LoadFigures | None = None

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
