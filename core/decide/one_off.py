"""What is paid once, before the first request: machine time, and the labels that were bought of a teacher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from core.decide import cost
from core.decide.bills import Pricing
from core.domain import Role
from core.evidence import CandidateEvidence, StudyEvidence
from core.jobs.results import JudgeResult, LabelResult
from core.spec import (
    Api,
    BaselineModel,
    Candidate,
    CandidateModel,
    EndpointModel,
    SelfHosted,
    Study,
    TeacherLayers,
)


@dataclass(frozen=True)
class OneOff:
    """Money paid once: for machine time and a vendor's answers while measuring, and for labels (null where none were
    asked for), and for a judge's verdicts (null where none judged)."""

    measuring: float
    labels: float | None = None
    judging: float | None = None

    @property
    def total(self) -> float:
        """All together."""
        return self.measuring + (self.labels or 0.0) + (self.judging or 0.0)


def one_off(evidence: StudyEvidence, pricing: Pricing, name: str) -> OneOff | None:
    """What making and measuring the candidate costs once, and making all that it is made from.

    Machine time of training, with assistants and searches, of compressing and of measuring; what an endpoint's vendor
    takes for the answers that were measured; what the teacher's profile takes for the labels, and the judge's for its
    verdicts on those answers. Of several seeds the first counts, for one model is deployed; the hard-label baseline is
    left out. Null where a part was made elsewhere, or where a price is not known.
    """
    own = pricing.study.candidate(name)
    measured = {name, own.teacher, own.student}
    paid, counted = 0.0, set[str]()
    asked: dict[tuple[str | None, LabelResult], None] = {}
    for part in sorted(lineage(pricing.study, name)):
        candidate, found = pricing.study.candidate(part), evidence.candidate(part)
        amount = _paid(pricing, candidate, found, counted, measured=part in measured)
        if amount is None:
            return None
        paid += amount
        if found.label is not None:
            asked[(pricing.study.teacher_of(candidate), found.label)] = None
    labels = [_labels(pricing, teacher, label) for teacher, label in asked]
    verdicts = _verdicts(evidence, pricing, name)
    known, judging = _total(labels), _total(verdicts)
    if known is None or judging is None:
        return None
    return OneOff(paid, known if labels else None, judging if verdicts else None)


def judging_cost(evidence: StudyEvidence, pricing: Pricing, name: str) -> float | None:
    """What a judge's verdicts on a candidate's answers cost, those of a hybrid's models included; null where none
    judged or the price is not known."""
    verdicts = _verdicts(evidence, pricing, name)
    return _total(verdicts) if verdicts else None


def _verdicts(evidence: StudyEvidence, pricing: Pricing, name: str) -> list[float | None]:
    own = pricing.study.candidate(name)
    parts = [part for part in (own.teacher, own.student) if part is not None] or [name]
    found = [evidence.candidate(part).judging for part in parts]
    return [_verdict(pricing, judged) for judged in found if judged is not None and judged.judge is not None]


def _verdict(pricing: Pricing, judged: JudgeResult) -> float | None:
    """What one job's verdicts cost under the judge's profile, those of earlier jobs included."""
    name = pricing.study.judge_profile()
    profile = None if name is None else pricing.study.profiles.get(name)
    if name is None or profile is None:
        return None
    if isinstance(profile, SelfHosted):
        return judged.seconds / cost.SECONDS_PER_HOUR * cost.machine_hour(profile)
    requests = judged.bought + judged.kept
    return _vendor(pricing, name, requests, float(judged.input_tokens), float(judged.output_tokens))


def _total(amounts: Sequence[float | None]) -> float | None:
    """The sum; null where one of them is not known."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None


def _paid(
    pricing: Pricing, candidate: Candidate, found: CandidateEvidence, counted: set[str], *, measured: bool
) -> float | None:
    """What one candidate of a lineage costs once, its labels apart; null where that is not known."""
    study = pricing.study
    if isinstance(candidate.model, EndpointModel) and isinstance(study.profile_of(candidate), Api):
        return _answers(pricing, candidate, found) if measured else 0.0
    if candidate.role is Role.HYBRID:
        hour = _hybrid_hour(study, candidate)
        spent = None if found.route is None else found.route.seconds
    else:
        hour = _hour(study, candidate)
        spent = _seconds(found, counted, measured=measured)
    if spent is None or (hour is None and spent > 0.0):
        return None
    return spent / cost.SECONDS_PER_HOUR * (hour or 0.0)


def lineage(study: Study, name: str) -> set[str]:
    """The candidate and all others that it is made from."""
    candidate = study.candidate(name)
    if candidate.role is Role.HYBRID:
        parts = [part for part in (candidate.teacher, candidate.student) if part is not None]
    else:
        parts = [candidate.model.name] if isinstance(candidate.model, CandidateModel) else []
        teacher = study.teacher_of(candidate)
        learns = study.training_of(candidate).method == "distill" or isinstance(candidate.model, TeacherLayers)
        embeds = isinstance(candidate.model, BaselineModel) and candidate.model.kind != "tfidf_linear"
        if (learns or embeds) and teacher is not None:
            parts.append(teacher)
    found = {name}
    for part in parts:
        found |= lineage(study, part)
    return found


def _labels(pricing: Pricing, teacher: str | None, label: LabelResult) -> float | None:
    """What the labels cost under the profile of the teacher that gave them, those of earlier attempts included; null
    where its price is not known, or is by the token and no token was counted."""
    if teacher is None:
        return None
    candidate = pricing.study.candidate(teacher)
    if not isinstance(pricing.study.profile_of(candidate), Api):
        hour = _hour(pricing.study, candidate)
        return None if hour is None else label.seconds / cost.SECONDS_PER_HOUR * hour
    requests = label.bought + label.kept
    return _vendor(
        pricing, pricing.profile_name(candidate), requests, float(label.input_tokens), float(label.output_tokens)
    )


def _answers(pricing: Pricing, candidate: Candidate, found: CandidateEvidence) -> float | None:
    """What the vendor takes for the rows that were measured, second requests included."""
    parts = [rows for rows in (found.test, found.tuning) if rows is not None]
    requests = sum(len(rows.scores) for rows in parts)
    requests += 0 if found.checking is None else found.checking.second_requests
    columns = [[rows.input_tokens for rows in parts], [rows.output_tokens for rows in parts]]
    totals = [sum(0.0 if own is None else float(np.nansum(own)) for own in column) for column in columns]
    return _vendor(pricing, pricing.profile_name(candidate), requests, *totals)


def _vendor(pricing: Pricing, profile: str, requests: int, input_tokens: float, output_tokens: float) -> float | None:
    price = pricing.prices.get(profile)
    if price is None:
        return None
    if price.per_million_requests is not None:
        return requests * price.per_million_requests / cost.MILLION
    if requests > 0 and input_tokens + output_tokens == 0.0:
        return None
    return cost.api_cost_per_request(price, input_tokens, output_tokens)


def _hour(study: Study, candidate: Candidate) -> float | None:
    profile = study.profile_of(candidate)
    return cost.machine_hour(profile) if isinstance(profile, SelfHosted) else None


def _hybrid_hour(study: Study, hybrid: Candidate) -> float | None:
    """A policy is fitted on a machine of the hybrid's own, where it has one."""
    hours = [_hour(study, study.candidate(name)) for name in (hybrid.student, hybrid.teacher) if name]
    return next((hour for hour in hours if hour is not None), None)


class _Timed(Protocol):
    """A job's result, with the seconds that it took."""

    @property
    def seconds(self) -> float: ...


def _seconds(candidate: CandidateEvidence, counted: set[str], *, measured: bool) -> float | None:
    """Machine seconds of one candidate; a job that several share is counted where it comes first."""
    if candidate.benchmark is not None and candidate.benchmark.origin == "imported":
        return None
    measuring = (candidate.benchmark, candidate.checking) if measured else ()
    parts: tuple[_Timed | None, ...] = (candidate.training, candidate.compression, *measuring)
    took = [part.seconds for part in parts if part is not None]
    making = [(job, seconds) for job, seconds in candidate.making_seconds if job not in counted]
    counted.update(job for job, _ in making)
    return sum(took) + sum(seconds for _, seconds in making)
