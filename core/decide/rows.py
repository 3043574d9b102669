"""Each candidate as the window and the report show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.decide.baselines import retained
from core.decide.bills import cost_figures
from core.decide.choice import Contender, Settled
from core.decide.cost import MILLION, cost_benefit
from core.decide.draws import Draws
from core.decide.options import Option
from core.decide.outcome import CandidateDecision, CostFigures, Interval, Quality, RuntimeRow, SeedQuality, TokenLatency
from core.decide.reasons import ineligible_because
from core.decide.variants import dominating_parent, uncompressed_of
from core.domain import Role
from core.jobs.results import BenchmarkResult
from core.metrics.percentiles import percentiles
from core.metrics.quality import QualityEstimate
from core.spec import Candidate, CandidateModel, PredictionsModel, Study, SweepModel, TeacherLayers

HYBRID_SOURCE = "hybrid"


def candidate_rows(study: Study, settled: Settled, options: Sequence[Option]) -> tuple[CandidateDecision, ...]:
    """All candidates in study order."""
    contenders = {contender.name: contender for option in options if (contender := option.contender)}
    reference = contenders.get(settled.reference or "")
    rows = [_row(study, settled, option, contenders, reference) for option in options]
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
    benchmark = option.evidence.benchmark
    hybrid = candidate.role is Role.HYBRID
    imported = _is_imported(study, candidate)
    if system is None or contender is None:
        return CandidateDecision(
            name=option.name,
            role=candidate.role,
            source=_source(candidate),
            parent=_parent(study, candidate),
            origin="imported" if imported else "measured",
            state="not measured",
            gates=option.gates,
        )
    gap = None if reference is None else contender.gap(reference)
    margin = study.criteria.service.quality_margin
    runtimes = () if benchmark is None else _runtimes(benchmark)
    return CandidateDecision(
        name=option.name,
        role=candidate.role,
        source=_source(candidate),
        parent=_parent(study, candidate),
        origin="imported" if imported else "measured",
        state="measured",
        runtime=runtimes[0].runtime if runtimes else None,
        policy=None if option.policy is None else option.policy.kind,
        strong_share=None if option.policy is None else option.policy.strong_share,
        quality=_quality(study, system.quality),
        gap=None if gap is None else gap.interval,
        gap_lower_bound=None if gap is None else gap.lower_bound,
        non_inferior=None if reference is None else contender.is_non_inferior(reference, margin),
        latency=option.latency,
        token_latency=None if benchmark is None else _token_latency(benchmark),
        requests_per_second=None if hybrid or system.one_at_a_time else system.requests_per_second,
        output_tokens_per_second=None if benchmark is None else benchmark.output_tokens_per_second,
        runtimes=runtimes,
        peak_memory_mib=option.peak_memory_mib,
        model_size_mib=option.model_size_mib,
        parameters=option.parameters,
        joules_per_request=None if benchmark is None else benchmark.joules_per_request,
        energy_source="not measured" if benchmark is None else benchmark.energy_source,
        cost=_cost(study, option, system.success),
        cost_benefit=_cost_benefit(study, contender),
        net_benefit=None if option.net_benefit is None else option.net_benefit.interval,
        probability_best=settled.probability_best.get(option.name),
        expected_loss=settled.expected_loss.get(option.name),
        gates=option.gates,
        on_front=option.name in settled.front,
        dominated_by=settled.dominated_by.get(option.name),
        extendedly_dominated=option.name in settled.front
        and option.name not in {step.candidate for step in settled.frontier},
        ineligible=ineligible_because(study, option),
        by_seed=_by_seed(option),
        retained=retained(study, candidate, contenders, settled.reference),
        hard_labels=None if option.hard_labels is None else _quality(study, option.hard_labels.quality),
        uncompressed=uncompressed_of(study, option),
        distillation_added=None if option.hard_labels is None else option.hard_labels.added.interval,
    )


def _quality(study: Study, estimate: QualityEstimate) -> Quality:
    return Quality(study.task.metric, estimate.value, estimate.low, estimate.high, estimate.n, estimate.seeds)


def _by_seed(option: Option) -> tuple[SeedQuality, ...]:
    """Each seed's quality, where there are several."""
    if option.system is None or len(option.evidence.seeds) < 2:
        return ()
    values = option.system.seeded.by_seed().tolist()
    return tuple(SeedQuality(seed, value) for seed, value in zip(option.evidence.seeds, values, strict=True))


def _cost(study: Study, option: Option, success: Draws) -> CostFigures:
    paid = option.one_off
    if paid is None:
        return cost_figures(study, option.bill, success, None)
    return cost_figures(study, option.bill, success, paid.total, paid.labels)


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
    parts = (tokens.time_to_first_token_ms, tokens.time_to_first_output_token_ms, tokens.time_per_output_token_ms)
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
