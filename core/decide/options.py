"""Options: every candidate measured, priced and held against the gates, ready to be chosen from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from core.decide.baselines import HardLabels, hard_labels
from core.decide.bills import UNBILLED, Bill, Pricing, bill_alone, pricing_of
from core.decide.choice import Contender
from core.decide.draws import Draws
from core.decide.gates import Memory, gates_of, latency_of, rules_of
from core.decide.measured_policies import Part
from core.decide.net_benefit import net_benefit_of
from core.decide.one_off import OneOff, judging_cost, one_off
from core.decide.outcome import GateResult, Latency, PolicyDecision
from core.decide.policies import RoutedPolicy, best_policy, evaluate_policies
from core.decide.systems import SharedRows, System, measured_system, shared_rows
from core.domain import Role, Verdict
from core.evidence import CandidateEvidence, StudyEvidence
from core.jobs.results import RouteResult
from core.spec import Candidate, CandidateModel, Study

_CACHED_EVALUATIONS = 64


@dataclass(frozen=True, eq=False)
class Option:
    """One candidate as the choice sees it. `system` is null where it is not measured yet.

    `net_benefit` is value · right answers − cost, money a month, with what is paid once spread over the horizon; null
    without a value of one right answer or without a cost.
    """

    candidate: Candidate
    evidence: CandidateEvidence
    system: System | None = None
    bill: Bill = UNBILLED
    one_off: OneOff | None = None
    judging_cost: float | None = None
    latency: Latency | None = None
    gates: tuple[GateResult, ...] = ()
    policy: PolicyDecision | None = None
    policies: tuple[RoutedPolicy, ...] = ()
    net_benefit: Draws | None = None
    parameters: int | None = None
    model_size_mib: float | None = None
    peak_memory_mib: float | None = None
    hard_labels: HardLabels | None = None
    before: Before | None = None

    @property
    def name(self) -> str:
        """The candidate's name."""
        return self.candidate.name

    @property
    def idle(self) -> bool:
        """Whether this is a hybrid that sends nothing, or everything, to the teacher: one of its models would do."""
        return self.policy is not None and self.policy.strong_share in (0.0, 1.0)

    @property
    def contender(self) -> Contender | None:
        """The same as the choice sees it; null where it is not measured yet."""
        if self.system is None:
            return None
        verdict = None if self.policy is None else self.policy.verdict
        return Contender(
            name=self.name,
            role=self.candidate.role,
            quality=self.system.quality_draws,
            success=self.system.success,
            rows=self.system.quality.n,
            monthly=self.bill.monthly,
            net_benefit=self.net_benefit,
            gates=self.gates,
            routable=verdict is not Verdict.NO_LEARNED_ROUTER and not self.idle,
            proven=verdict in (None, Verdict.RECOMMENDED),
            parameters=self.parameters,
            model_size_mib=self.model_size_mib,
        )


@dataclass(frozen=True, eq=False)
class Before:
    """What a candidate was before it compressed its model, and its compressed form by the same seed."""

    whole: Option
    compressed: Option


def decided_on(evidence: StudyEvidence) -> date | None:
    """The day of the newest measurement: the day at which listed prices are taken."""
    days = [candidate.benchmarked_at.date() for candidate in evidence.candidates if candidate.benchmarked_at]
    return max(days, default=None)


def missing_measurements(study: Study, options: Sequence[Option]) -> list[Option]:
    """Those that are not measured and will be once the study is run: what takes no pictures where the data hold some
    never is."""
    return [option for option in options if option.system is None and study.takes_inputs(option.candidate)]


def options_of(evidence: StudyEvidence, study: Study) -> list[Option]:
    """All candidates of the study as options, in study order."""
    pricing = pricing_of(study, decided_on(evidence))
    shared = shared_rows(evidence.test, study.task.counted_as) if evidence.test is not None else None
    return [_option(evidence, study, pricing, shared, candidate) for candidate in study.candidates]


def _option(
    evidence: StudyEvidence,
    study: Study,
    pricing: Pricing,
    shared: SharedRows | None,
    candidate: Candidate,
) -> Option:
    found = evidence.candidate(candidate.name)
    if candidate.role is Role.HYBRID:
        option = _hybrid(evidence, pricing, shared, candidate, found)
    else:
        option = _single(evidence, pricing, shared, candidate, found)
    if option.system is None:
        # Rules about inputs, and about where data may go, need no measurement.
        return Option(candidate, found, gates=tuple(rules_of(study, candidate)), policies=option.policies)
    paid_once = one_off(evidence, pricing, candidate.name)
    return replace(
        _judged(study, option, option.system),
        one_off=paid_once,
        judging_cost=judging_cost(evidence, pricing, candidate.name),
        net_benefit=net_benefit_of(study, option.system, option.bill, paid_once),
        before=None if shared is None else _before(pricing, shared, candidate, found),
    )


def _judged(study: Study, option: Option, system: System) -> Option:
    """The option with its latency, held against every gate."""
    latency = latency_of(system, study.criteria.service.p95_latency_ms)
    memory = Memory(option.peak_memory_mib)
    return replace(
        option, latency=latency, gates=gates_of(study, option.candidate, system, latency, option.bill, memory)
    )


def _single(
    evidence: StudyEvidence,
    pricing: Pricing,
    shared: SharedRows | None,
    candidate: Candidate,
    found: CandidateEvidence,
) -> Option:
    system = None if shared is None else _system(pricing.study, evidence, shared, candidate)
    if shared is None or system is None:
        return Option(candidate, found)
    taught = None if found.baseline_test is None else hard_labels(shared, system, found.baseline_test)
    return replace(_served(pricing, shared, candidate, found, system), hard_labels=taught)


def _served(
    pricing: Pricing, shared: SharedRows, candidate: Candidate, found: CandidateEvidence, system: System
) -> Option:
    """A model of one's own with its bill and its sizes."""
    benchmark = found.benchmark
    return Option(
        candidate=candidate,
        evidence=found,
        system=system,
        bill=bill_alone(pricing, shared, candidate, system),
        parameters=None if benchmark is None else benchmark.parameters,
        model_size_mib=None if benchmark is None else benchmark.model_size_mib,
        peak_memory_mib=None if benchmark is None else benchmark.peak_memory_mib,
    )


def _before(pricing: Pricing, shared: SharedRows, candidate: Candidate, found: CandidateEvidence) -> Before | None:
    """Both forms of a candidate that compresses its own model, each judged as an option; null where one is missing."""
    if found.uncompressed is None:
        return None
    forms = [
        _judged(pricing.study, _served(pricing, shared, candidate, form, system), system)
        for form in (found.uncompressed, _of_first_seed(found))
        if (system := measured_system(shared, form, form)) is not None
    ]
    return Before(*forms) if len(forms) == 2 else None


@lru_cache(maxsize=128)  # systems are kept by the identity of their evidence
def _of_first_seed(found: CandidateEvidence) -> CandidateEvidence:
    return replace(found, seed_rows=(), seeds=(), seeds_planned=1) if found.seed_rows else found


def _hybrid(
    evidence: StudyEvidence,
    pricing: Pricing,
    shared: SharedRows | None,
    candidate: Candidate,
    found: CandidateEvidence,
) -> Option:
    if shared is None or found.route is None or not found.route.policies:
        return Option(candidate, found)
    parts = [_part(pricing.study, evidence, shared, name) for name in (candidate.teacher, candidate.student)]
    teacher, student = parts
    if teacher is None or student is None:
        return Option(candidate, found)
    policies = _evaluated(_Evaluation(pricing, shared, candidate.name, found.route, teacher, student))
    criteria = pricing.study.criteria.cost
    best = best_policy(policies, criteria.value_per_success, criteria.monthly_requests)
    if best is None:
        return Option(candidate, found)
    return Option(
        candidate=candidate,
        evidence=found,
        system=best.system,
        bill=best.bill,
        policy=best.decision,
        policies=tuple(policies),
        parameters=_whole(_sum(teacher, student, "parameters")),
        model_size_mib=_sum(teacher, student, "model_size_mib"),
        peak_memory_mib=_sum(teacher, student, "peak_memory_mib"),
    )


@dataclass(frozen=True, eq=False)
class _Evaluation:
    """One hybrid to be evaluated; equal to another where nothing differs that its policies depend on.

    Rows are told apart by identity: the cache that holds this also keeps them alive.
    """

    pricing: Pricing
    shared: SharedRows
    hybrid: str
    route: RouteResult
    teacher: Part
    student: Part

    def _key(self) -> tuple[object, ...]:
        study = self.pricing.study
        cost, service = study.criteria.cost, study.criteria.service
        rows = (self.shared, self.route, self.teacher.system, self.student.system)
        money = (cost.currency, cost.monthly_requests, cost.value_per_success, service.quality_margin)
        where = study.model_dump_json(include={"profiles", "candidates", "task"})
        return (*(id(part) for part in rows), self.hybrid, self.pricing.on, *money, where)

    def __hash__(self) -> int:
        return hash(self._key())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Evaluation) and self._key() == other._key()


@lru_cache(maxsize=_CACHED_EVALUATIONS)
def _evaluated(wanted: _Evaluation) -> list[RoutedPolicy]:
    return evaluate_policies(wanted.pricing, wanted.shared, wanted.hybrid, wanted.route, wanted.teacher, wanted.student)


def _part(study: Study, evidence: StudyEvidence, shared: SharedRows, name: str | None) -> Part | None:
    if name is None:
        return None
    candidate = study.candidate(name)
    system = _system(study, evidence, shared, candidate)
    return None if system is None else Part(candidate, evidence.candidate(name), system)


def _system(study: Study, evidence: StudyEvidence, shared: SharedRows, candidate: Candidate) -> System | None:
    """A candidate's system; its seeds' luck is that of the candidate that it was made from, seed by seed."""
    found = trained = evidence.candidate(candidate.name)
    while isinstance(candidate.model, CandidateModel):
        candidate = study.candidate(candidate.model.name)
        parent = evidence.candidate(candidate.name)
        if parent.seeds != found.seeds or len(parent.runs) != len(found.runs):
            break
        trained = parent
    return measured_system(shared, found, trained)


def _sum(teacher: Part, student: Part, field: str) -> float | None:
    figures = [getattr(part.evidence.benchmark, field) for part in (teacher, student)]
    return None if any(figure is None for figure in figures) else sum(figures)


def _whole(figure: float | None) -> int | None:
    return None if figure is None else round(figure)
