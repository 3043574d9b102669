"""The jobs of a study that ask an endpoint, each with what it will still send and what that costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.examples import read_examples
from core.domain import Example, JobKind, JobState
from core.engines.language.request_estimate import RequestEstimate
from core.engines.pricing.asking import Asking, asking_of
from core.engines.pricing.known import KnownStudy
from core.engines.pricing.later import judging, re_asking
from core.engines.pricing.suites import suite_asking
from core.jobs.plan import Plan, PlannedJob
from core.jobs.specs import (
    BenchmarkParameters,
    CheckParameters,
    JudgeParameters,
    LabelParameters,
    LoadParameters,
    PrepareParameters,
    SuiteParameters,
    VendorPrice,
)
from core.lazy import load
from core.paths import artefacts_of, job_folder
from core.spec import EndpointModel, Judge


@dataclass(frozen=True)
class PricedJob:
    """One job that asks an endpoint: what it will still send, and how many answers are there. `price` is null where
    the profile of who is asked names none."""

    job: PlannedJob
    asking: Asking
    expected: RequestEstimate
    price: VendorPrice | None

    @property
    def is_counted(self) -> bool:
        """Whether it is known how many requests there are at most."""
        return self.asking.bound is None or self.asking.bound.counted

    @property
    def money(self) -> float | None:
        """The expected price of what is still to be sent; null where there is no price, or no bound of the requests."""
        return None if self.price is None or not self.is_counted else self.expected.money(self.price)

    @property
    def most_money(self) -> float | None:
        """Its price where every answer is as long as its limit allows."""
        return None if self.price is None or not self.is_counted else self.expected.most_money(self.price)

    @property
    def refusal(self) -> str | None:
        """The cap that the job would be refused by; null where it may run."""
        model = self.asking.model
        if model.max_requests is not None and self.expected.requests > model.max_requests:
            return "max_requests"
        if model.max_cost is not None and self.money is not None and self.money > model.max_cost:
            return "max_cost"
        return None


def priced_jobs(
    plan: Plan, due: Sequence[PlannedJob], states: Mapping[str, JobState], store_path: Path
) -> list[PricedJob]:
    """The jobs among `due` that ask an endpoint; an answer that two of them need is bought by the first."""
    asking_jobs = [job for job in due if _asked_model(job) is not None]
    if not asking_jobs:
        return []
    done = frozenset(job_id for job_id, state in states.items() if state is JobState.SUCCEEDED)
    known = KnownStudy(plan, done, _examples(plan, states, store_path), artefacts_of(store_path))
    elsewhere: set[str] = set()
    priced = []
    for job in asking_jobs:
        asking = _asking(known, job)
        if asking is not None:
            price = getattr(job.spec.parameters, "price", None)
            priced.append(PricedJob(job, asking, asking.estimate(elsewhere), price))
            elsewhere |= set() if asking.requests is not None else set(asking.keys)
    return priced


def _asked_model(job: PlannedJob) -> EndpointModel | None:
    """The endpoint that a job may ask; null where it asks none."""
    model: object
    match job.spec.parameters:
        case JudgeParameters(judge=Judge(model=judge)):
            model = judge
        case (
            LabelParameters() | BenchmarkParameters() | LoadParameters() | CheckParameters() | SuiteParameters() as one
        ):
            model = one.loadable
        case _:
            return None
    return model if isinstance(model, EndpointModel) else None


def _asking(known: KnownStudy, job: PlannedJob) -> Asking | None:
    match job.spec.parameters:
        case CheckParameters() as parameters:
            return re_asking(known, job, parameters)
        case JudgeParameters() as parameters:
            return judging(known, job, parameters)
        case SuiteParameters() as parameters:
            return suite_asking(parameters, known.answers_folder)
        case LabelParameters() | BenchmarkParameters() | LoadParameters() as parameters:
            return asking_of(parameters, known.examples, known.answers_folder)
        case _:
            return None


def _examples(plan: Plan, states: Mapping[str, JobState], store_path: Path) -> list[Example]:
    """The dataset: as it was prepared, else as it would be."""
    job = next(job for job in plan.jobs if job.kind is JobKind.PREPARE)
    if states.get(job.job_id) is JobState.SUCCEEDED:
        return read_examples(job_folder(artefacts_of(store_path), job.job_id))
    if not isinstance(job.spec.parameters, PrepareParameters):
        raise TypeError(job.spec.kind)
    examples: list[Example] = load("core.data.prepare").prepared_examples(job.spec.parameters)
    return examples
