"""The decision: gates, chance constraints, Pareto front, choice, how sure it is, and what would change it."""

from __future__ import annotations

from collections.abc import Sequence

from core.decide.assumptions import assumptions_of, price_notes
from core.decide.break_even import break_even_of
from core.decide.choice import Settled, needs_margin, settle
from core.decide.class_slices import small_slices, with_classes_and_slices
from core.decide.complexity import complexity_of
from core.decide.compliance import compliance_notes
from core.decide.data_limits import suspected_rows
from core.decide.data_notes import (
    ceiling_notes,
    cut_notes,
    secret_notes,
    time_notes,
    unknown_row_notes,
    weight_notes,
)
from core.decide.flips import Answer, flips_of
from core.decide.judging import check_notes, judge_notes
from core.decide.measure_next import measure_next_of
from core.decide.options import Option, decided_on, missing_measurements, options_of
from core.decide.outcome import CandidateDecision, Confidence, Decision, Flip, Message, message
from core.decide.parts import with_parts
from core.decide.reasons import exclusions_of, headline_of, reasons_of
from core.decide.retrieval import retrieval_notes
from core.decide.rows import candidate_rows
from core.decide.seeds import seed_notes
from core.decide.unanswered import unanswered_notes
from core.domain import JobState, Role
from core.evidence import StudyEvidence
from core.i18n import Sentence, listed
from core.prices import Assumption
from core.routing.verdict import MINIMUM_GROUPS
from core.spec import Api, Study

QUALITY_MARGIN = "criteria.service.quality_margin"


def decide(evidence: StudyEvidence, study: Study | None = None, *, with_flips: bool = True) -> Decision:
    """The recommendation for stored rows; the same rows and study give the same one, byte for byte.

    `study` stands in for the evidence's own, as `apply_overrides` hands it back. `with_flips` false leaves out what
    would change the recommendation, which takes the longest. Raises UserError where the metric asks for outputs that
    imported predictions lack.
    """
    study = evidence.study if study is None else study
    options = options_of(evidence, study)
    settled = _settled(study, options)
    on = decided_on(evidence)
    assumptions = assumptions_of(study, on)
    weights = None if evidence.test is None else evidence.test.weights
    rows = with_parts(evidence, study, options, candidate_rows(study, settled, options, weights))
    rows = with_classes_and_slices(evidence, study, options, rows)
    best = settled.candidate or settled.leading or ""
    cost = study.criteria.cost
    return Decision(
        study=study.name,
        currency=cost.currency,
        monthly_requests=cost.monthly_requests,
        monthly_budget=cost.monthly_budget,
        value_per_success=cost.value_per_success,
        min_quality=study.criteria.service.min_quality,
        quality_margin=study.criteria.service.quality_margin,
        p95_limit_ms=study.criteria.service.p95_latency_ms,
        choice=settled.choice,
        candidate=settled.candidate,
        leading=settled.leading,
        reference=settled.reference,
        headline=headline_of(settled, options),
        confidence=Confidence(settled.probability_best.get(best), settled.expected_loss.get(best), settled.evpi),
        reasons=reasons_of(study, settled, options),
        excluded=exclusions_of(options),
        not_measured=tuple(option.name for option in missing_measurements(study, options)),
        candidates=rows,
        policies=tuple(policy.decision for option in options for policy in option.policies),
        front=settled.front,
        frontier=settled.frontier,
        break_even=break_even_of(study, settled.candidate, options),
        flips=_flips(evidence, study, options, settled, assumptions) if with_flips else (),
        measure_next=measure_next_of(study, settled, options),
        complexity=complexity_of(evidence, study, options, settled.reference),
        assumptions=assumptions,
        notes=_notes(evidence, study, options, rows) + tuple(price_notes(study, on)),
        decided_on=on,
        label_noise=None if evidence.profile is None else evidence.profile.label_noise,
        suspected=suspected_rows(evidence),
        small_slices=small_slices(evidence),
    )


def _settled(study: Study, options: Sequence[Option]) -> Settled:
    return settle(study, [contender for option in options if (contender := option.contender) is not None])


def _answer(evidence: StudyEvidence, study: Study) -> Answer:
    options = options_of(evidence, study)
    return _answer_of(_settled(study, options), options)


def _answer_of(settled: Settled, options: Sequence[Option]) -> Answer:
    benefits = {option.name: option.net_benefit.value for option in options if option.net_benefit is not None}
    return Answer(settled.choice, settled.candidate, benefits)


def _flips(
    evidence: StudyEvidence,
    study: Study,
    options: Sequence[Option],
    settled: Settled,
    assumptions: Sequence[Assumption],
) -> tuple[Flip, ...]:
    if settled.why == "nothing_measured":
        return ()
    by_margin = study.criteria.cost.value_per_success is None and needs_margin(study)
    searched = [one for one in assumptions if by_margin or one.name != QUALITY_MARGIN]
    now = _answer_of(settled, options)
    return flips_of(study, searched, now, lambda changed: _answer(evidence, changed))


def _notes(
    evidence: StudyEvidence, study: Study, options: Sequence[Option], rows: Sequence[CandidateDecision]
) -> tuple[Message, ...]:
    """What a reader must know beside the figures."""
    notes = secret_notes(study) + compliance_notes(study) + left_out_notes(evidence)
    if any(not isinstance(study.profiles[name], Api) for name in study.profiles):
        notes.append(message("decide.note.machines"))
    if study.criteria.cost.value_per_success is None:
        notes.append(message("decide.note.no_value"))
    if evidence.test is not None and (groups := len(set(evidence.test.groups))) < MINIMUM_GROUPS:
        notes.append(message("decide.note.few_rows", count=groups, enough=MINIMUM_GROUPS))
    for option in options:
        notes += _candidate_notes(study, option) + _unknown_outputs(evidence, study, option)
    notes += seed_notes(options) + making_notes(study, options, rows) + retrieval_notes(options)
    notes += weight_notes(evidence, study) + time_notes(evidence, study) + cut_notes(rows) + unanswered_notes(rows)
    notes += unknown_row_notes(evidence) + ceiling_notes(evidence, study)
    notes += judge_notes(study, options) + check_notes(options)
    unknown = [option.name for option in options if option.bill.monthly is not None and option.one_off is None]
    if unknown:
        notes.append(message("decide.note.one_off_unknown", names=listed(unknown)))
    return tuple(notes)


def left_out_notes(evidence: StudyEvidence) -> list[Message]:
    """Why a run left out what is not measured: the machine that it ran on could not do it."""
    waiting = [row for row in evidence.jobs if row.state is JobState.QUEUED and row.message_code is not None]
    return [
        message("decide.note.left_out", reason=Sentence(row.message_text or "", row.message_code, row.message_values))
        for row in waiting
        if row.message_code is not None
    ]


def making_notes(study: Study, options: Sequence[Option], rows: Sequence[CandidateDecision]) -> list[Message]:
    """Searches that met none of their limits, and what lost by being compressed, or may have."""
    notes = []
    for option, row in zip(options, rows, strict=True):
        sweep, candidate = option.evidence.sweep, study.candidate(option.name)
        if sweep is not None and not any(trial.feasible for trial in sweep.trials if trial.number == sweep.chosen):
            notes.append(message("decide.note.search_missed", candidate=option.name))
        if row.uncompressed is not None and row.uncompressed.better:
            notes.append(message("decide.note.uncompressed_better", candidate=option.name))
        if option.system is not None and study.compresses_its_own(candidate) and row.uncompressed is None:
            notes.append(message("decide.note.parent_unmeasured", candidate=option.name))
    return notes


def _unknown_outputs(evidence: StudyEvidence, study: Study, option: Option) -> list[Message]:
    """Outputs measured elsewhere that are no class of the data and were scored as wrong."""
    benchmark, rows, dataset = option.evidence.benchmark, option.evidence.test, evidence.dataset
    if study.task.kind != "classification" or benchmark is None or rows is None or dataset is None:
        return []
    # A choice of the row itself is no class that was written otherwise.
    if benchmark.origin != "imported" or benchmark.row_choices or not dataset.labels:
        return []
    classes = set(dataset.labels)
    unknown = [
        output
        for output, score in zip(rows.outputs, rows.scores.tolist(), strict=True)
        if output is not None and score == 0.0 and output.strip() not in classes
    ]
    if not unknown:
        return []
    example = " ".join(unknown[0].split())[:40]
    told = message(
        "decide.note.outputs_unknown",
        candidate=option.name,
        count=len(unknown),
        rows=len(rows.outputs),
        example=example,
    )
    return [told]


def _candidate_notes(study: Study, option: Option) -> list[Message]:
    if option.system is None:
        return []
    notes = []
    hybrid = option.candidate.role is Role.HYBRID
    on_machines = not hybrid and not isinstance(study.profile_of(option.candidate), Api)
    if on_machines and option.system.one_at_a_time:
        notes.append(message("decide.note.one_at_a_time", candidate=option.name))
    if hybrid and option.bill.monthly is not None and option.bill.replicas is None:
        notes.append(message("decide.note.scoring_unpriced", candidate=option.name))
    return notes
