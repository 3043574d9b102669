"""Each candidate as the window and the report show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.decide.baselines import retained
from core.decide.bills import cost_figures
from core.decide.choice import Contender, Settled
from core.decide.cost import MILLION, cost_benefit
from core.decide.draws import Draws
from core.decide.judging import is_near_judge
from core.decide.load import limits_of, load_figures
from core.decide.options import Option
from core.decide.outcome import (
    CandidateDecision,
    CostFigures,
    CutInputs,
    Interval,
    Quality,
    RuntimeRow,
    SeedQuality,
    TokenLatency,
    Uncompressed,
)
from core.decide.reasons import ineligible_because
from core.decide.retrieval import retrieval_found
from core.decide.systems import System
from core.decide.unanswered import unanswered_of
from core.decide.variants import dominating_parent, loses_to
from core.domain import FloatArray, Role
from core.evidence import CandidateEvidence, ScoredRows
from core.jobs.results import BenchmarkResult
from core.metrics.percentiles import percentiles
from core.metrics.quality import QualityEstimate
from core.spec import Candidate, CandidateModel, PredictionsModel, Study, SweepModel, TeacherLayers

HYBRID_SOURCE = "hybrid"


def candidate_rows(
    study: Study, settled: Settled, options: Sequence[Option], weights: FloatArray | None
) -> tuple[CandidateDecision, ...]:
    """All candidates in study order; `weights` is how much each test row counts, null where all count alike."""
    contenders = {contender.name: contender for option in options if (contender := option.contender)}
    reference = contenders.get(settled.reference or "")
    rows = [
        _with_counted(_row(study, settled, option, contenders, reference), option.evidence, weights)
        for option in options
    ]
    known = {option.name: option for option in options}
    # What no other option beats in money may still lose to its own parent on this machine.
    return tuple(
        replace(row, dominated_by=row.dominated_by or dominating_parent(option.candidate, known))
        for row, option in zip(rows, options, strict=True)
    )


def _row(
    study: Study,
    settled: Settled,
    option: Option,
    contenders: Mapping[str, Contender],
    reference: Contender | None,
) -> CandidateDecision:
    candidate, system, contender = option.candidate, option.system, contenders.get(option.name)
    row = CandidateDecision(
        name=option.name,
        role=candidate.role,
        source=_source(candidate),
        parent=_parent(study, candidate),
        origin="imported" if _is_imported(study, candidate) else "measured",
        state="not measured",
        gates=option.gates,
    )
    if system is None or contender is None:
        return row
    row = replace(row, state="measured", retained=retained(study, candidate, contenders, settled.reference))
    row = _with_quality(study, row, option, system, contender, reference)
    row = _with_speed_and_size(row, option, system)
    row = replace(row, load=load_figures(option.evidence.load, limits_of(study.criteria.service)))
    return _with_standing(study, settled, row, option, system, contender)


def _with_quality(
    study: Study,
    row: CandidateDecision,
    option: Option,
    system: System,
    contender: Contender,
    reference: Contender | None,
) -> CandidateDecision:
    """The row with how well the candidate answers, alone and beside what it is held against."""
    gap = None if reference is None else contender.gap(reference)
    margin = study.criteria.service.quality_margin
    taught = option.hard_labels
    return replace(
        row,
        quality=_quality(study, system.quality),
        by_seed=_by_seed(option),
        gap=None if gap is None else gap.interval,
        gap_lower_bound=None if gap is None else gap.lower_bound,
        non_inferior=None if reference is None else contender.is_non_inferior(reference, margin),
        hard_labels=None if taught is None else _quality(study, taught.quality),
        distillation_added=None if taught is None else taught.added.interval,
        uncompressed=_uncompressed(study, option),
        judging=option.evidence.judging,
        checking=option.evidence.checking,
        judges_itself=is_near_judge(study, option.candidate),
    )


def _with_speed_and_size(row: CandidateDecision, option: Option, system: System) -> CandidateDecision:
    """The row with what serving the candidate takes of a machine."""
    row = replace(
        row,
        policy=None if option.policy is None else option.policy.kind,
        strong_share=None if option.policy is None else option.policy.strong_share,
        latency=option.latency,
        requests_per_second=None if row.role is Role.HYBRID or system.one_at_a_time else system.requests_per_second,
        peak_memory_mib=option.peak_memory_mib,
        model_size_mib=option.model_size_mib,
        parameters=option.parameters,
    )
    benchmark = option.evidence.benchmark
    if benchmark is None:
        return row
    runtimes = _runtimes(benchmark)
    return replace(
        row,
        runtime=runtimes[0].runtime if runtimes else None,
        runtimes=runtimes,
        token_latency=_token_latency(benchmark),
        memory=benchmark.runtimes[0].memory if benchmark.runtimes else None,
        output_tokens_per_second=benchmark.output_tokens_per_second,
        joules_per_request=benchmark.joules_per_request,
        energy_source=benchmark.energy_source,
    )


def _with_counted(row: CandidateDecision, found: CandidateEvidence, weights: FloatArray | None) -> CandidateDecision:
    """The row with the shares of test rows that went without an answer, a passage, or their end."""
    if row.state != "measured":
        return row
    row = replace(row, unanswered=unanswered_of(found, weights))
    if found.benchmark is None:
        return row
    cut = _cut_inputs(found.benchmark, found.test, weights)
    return replace(row, retrieval=retrieval_found(found.benchmark, weights), cut_inputs=cut)


def _cut_inputs(benchmark: BenchmarkResult, rows: ScoredRows | None, weights: FloatArray | None) -> CutInputs | None:
    """What a model did not see of the test rows; null where it was measured elsewhere, or before this was counted.

    The shares stay those of rows where only the number of cut rows is known.
    """
    if benchmark.cut_rows is None and benchmark.unfit_rows is None:
        return None
    cut, unfit, places = benchmark.cut_rows or 0, benchmark.unfit_rows or 0, benchmark.cut_places
    shares = None
    if weights is not None and rows is not None and (places is not None or cut == 0):
        is_cut = np.isin(np.arange(len(weights)), places or ())
        is_unfit = np.array([unfit > 0 and output is None for output in rows.outputs])
        shares = (float(np.average(is_cut, weights=weights)), float(np.average(is_unfit, weights=weights)))
    return CutInputs(benchmark.rows_test, cut, unfit, benchmark.max_length, shares)


def _with_standing(
    study: Study, settled: Settled, row: CandidateDecision, option: Option, system: System, contender: Contender
) -> CandidateDecision:
    """The row with what the candidate costs and how it stands among the others."""
    on_front = option.name in settled.front
    return replace(
        row,
        cost=_cost(study, option, system.success),
        cost_benefit=_cost_benefit(study, contender),
        net_benefit=None if option.net_benefit is None else option.net_benefit.interval,
        probability_best=settled.probability_best.get(option.name),
        expected_loss=settled.expected_loss.get(option.name),
        on_front=on_front,
        dominated_by=settled.dominated_by.get(option.name),
        extendedly_dominated=on_front and option.name not in {step.candidate for step in settled.frontier},
        ineligible=ineligible_because(study, option),
    )


def _uncompressed(study: Study, option: Option) -> Uncompressed | None:
    """What the candidate was before it compressed its model, judged as a variant's parent is."""
    if option.before is None:
        return None
    whole, compressed = option.before.whole, option.before.compressed
    if whole.system is None or compressed.system is None:
        return None
    return Uncompressed(
        quality=_quality(study, whole.system.quality),
        change=compressed.system.quality_draws.minus(whole.system.quality_draws).interval,
        p50_ms=None if whole.latency is None else whole.latency.p50,
        requests_per_second=whole.system.requests_per_second,
        model_size_mib=whole.model_size_mib,
        better=loses_to(compressed, whole),
    )


def _quality(study: Study, estimate: QualityEstimate) -> Quality:
    return Quality(
        study.task.metric, estimate.value, estimate.low, estimate.high, estimate.n, estimate.seeds, estimate.method
    )


def _by_seed(option: Option) -> tuple[SeedQuality, ...]:
    """Each seed's quality, where there are several."""
    if option.system is None or len(option.evidence.seeds) < 2:
        return ()
    values = option.system.seeded.by_seed().tolist()
    return tuple(SeedQuality(seed, value) for seed, value in zip(option.evidence.seeds, values, strict=True))


def _cost(study: Study, option: Option, success: Draws) -> CostFigures:
    paid = option.one_off
    if paid is None:
        return cost_figures(study, option.bill, success, None, one_off_judging=option.judging_cost)
    return cost_figures(study, option.bill, success, paid.total, paid.labels, option.judging_cost)


def _cost_benefit(study: Study, contender: Contender) -> Interval | None:
    """Quality ÷ money per million requests, the base formula, with its interval."""
    monthly = contender.monthly
    if monthly is None:
        return None
    scale = MILLION / study.criteria.cost.monthly_requests
    value = cost_benefit(contender.quality.value, monthly.value * scale)
    if value is None or not (monthly.draws > 0.0).all():
        return None
    return Draws(value, contender.quality.draws / (monthly.draws * scale)).interval


def _token_latency(benchmark: BenchmarkResult) -> TokenLatency | None:
    tokens = benchmark.runtimes[0].tokens if benchmark.runtimes else None
    if tokens is None:
        return None
    parts = (
        tokens.time_to_first_token_ms,
        tokens.time_to_first_output_token_ms,
        tokens.time_per_output_token_ms,
        tokens.inter_token_ms,
    )
    return TokenLatency(*(percentiles(part) if part else None for part in parts))


def _runtimes(benchmark: BenchmarkResult) -> tuple[RuntimeRow, ...]:
    return tuple(
        RuntimeRow(figures.runtime, percentiles(figures.latency.milliseconds).p50, figures.requests_per_second)
        for figures in benchmark.runtimes
    )


def _source(candidate: Candidate) -> str:
    return HYBRID_SOURCE if candidate.model is None else candidate.model.source


def _parent(study: Study, candidate: Candidate) -> str | None:
    """The candidate whose weights this one starts from."""
    if isinstance(candidate.model, CandidateModel):
        return candidate.model.name
    return study.teacher_of(candidate) if isinstance(candidate.model, TeacherLayers | SweepModel) else None


def _is_imported(study: Study, candidate: Candidate) -> bool:
    """A hybrid is imported where both of its models are."""
    if candidate.role is Role.HYBRID:
        names = (candidate.teacher, candidate.student)
        return all(name is not None and _is_imported(study, study.candidate(name)) for name in names)
    return isinstance(candidate.model, PredictionsModel)
