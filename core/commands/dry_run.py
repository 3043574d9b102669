"""`tercet run --dry-run`: what the run will ask of vendors and what that costs. Nothing is started or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.table import Table

from core.commands import console
from core.commands.reading import print_table
from core.commands.running import chosen_jobs
from core.data.examples import read_examples
from core.decide.assumptions import check_prices
from core.domain import Example, JobKind, JobState
from core.engines.benchmark.asking import Asking, asking_of
from core.engines.language.answer_store import FOLDER_NAME
from core.engines.language.request_estimate import RequestEstimate, shown_money
from core.i18n import english
from core.jobs.plan import Plan, PlannedJob, build_plan
from core.jobs.specs import BenchmarkParameters, LabelParameters, LoadParameters, PrepareParameters, VendorPrice
from core.lazy import load
from core.paths import artefacts_of, job_folder
from core.store import StudyStore
from core.study_file import load_study

_COLUMNS = ("candidates", "kind", "requests", "input_tokens", "output_tokens", "money", "most_money")


@dataclass(frozen=True)
class PricedJob:
    """One job that asks an endpoint: what it will still send, and how many answers are there. `price` is null where
    the candidate's profile names none."""

    job: PlannedJob
    asking: Asking
    expected: RequestEstimate
    price: VendorPrice | None

    @property
    def money(self) -> float | None:
        """The expected price of what is still to be sent."""
        return None if self.price is None else self.expected.money(self.price)

    @property
    def most_money(self) -> float | None:
        """Its price where every answer is as long as its limit allows."""
        return None if self.price is None else self.expected.most_money(self.price)

    @property
    def refusal(self) -> str | None:
        """The cap that the job would be refused by; null where it may run."""
        model = self.asking.model
        if model.max_requests is not None and self.expected.requests > model.max_requests:
            return "max_requests"
        if model.max_cost is not None and self.money is not None and self.money > model.max_cost:
            return "max_cost"
        return None


def show_dry_run(study_file: Path, store_path: Path, only: str | None, *, as_json: bool) -> None:
    """Print each job that will ask an endpoint, with requests, tokens and money. Raises UserError as the run would."""
    loaded = load_study(study_file)
    plan = build_plan(loaded.study, loaded.base)
    check_prices(loaded.study)
    states = _states(store_path)
    chosen = None if only is None else chosen_jobs(list(plan.jobs), only)
    due = [
        job
        for job in plan.jobs
        if states.get(job.job_id) is not JobState.SUCCEEDED and (chosen is None or job.job_id in chosen)
    ]
    priced = _priced(plan, due, states, store_path)
    currency = loaded.study.criteria.cost.currency
    if as_json:
        console.print_json(_document(loaded.study.name, currency, priced, len(due) - len(priced)))
    else:
        _print(priced, currency, len(due) - len(priced))


def _states(store_path: Path) -> dict[str, JobState]:
    if not store_path.exists():
        return {}
    with StudyStore.open(store_path, write=False) as store:
        return {row.job_id: row.state for row in store.jobs(superseded=True)}


def _priced(plan: Plan, due: Sequence[PlannedJob], states: Mapping[str, JobState], store_path: Path) -> list[PricedJob]:
    """The jobs among `due` that ask an endpoint; an answer that two of them need is bought by the first."""
    asking_jobs = [
        (job, job.spec.parameters)
        for job in due
        if isinstance(job.spec.parameters, LabelParameters | BenchmarkParameters | LoadParameters)
        and job.spec.parameters.loadable is not None
        and job.spec.parameters.loadable.source == "endpoint"
    ]
    if not asking_jobs:
        return []
    examples = _examples(plan, states, store_path)
    answers = artefacts_of(store_path) / FOLDER_NAME
    elsewhere: set[str] = set()
    priced = []
    for job, parameters in asking_jobs:
        asking = asking_of(parameters, examples, answers)
        if asking is not None:
            priced.append(PricedJob(job, asking, asking.estimate(elsewhere), parameters.price))
            elsewhere |= set() if asking.requests is not None else set(asking.keys)
    return priced


def _examples(plan: Plan, states: Mapping[str, JobState], store_path: Path) -> list[Example]:
    """The dataset: as it was prepared, else as it would be."""
    job = next(job for job in plan.jobs if job.kind is JobKind.PREPARE)
    if states.get(job.job_id) is JobState.SUCCEEDED:
        return read_examples(job_folder(artefacts_of(store_path), job.job_id))
    if not isinstance(job.spec.parameters, PrepareParameters):
        raise TypeError(job.spec.kind)
    examples: list[Example] = load("core.data.prepare").prepared_examples(job.spec.parameters)
    return examples


def _document(study: str, currency: str, priced: Sequence[PricedJob], others: int) -> dict[str, Any]:
    money = [job.money for job in priced if job.money is not None]
    most = [job.most_money for job in priced if job.most_money is not None]
    return {
        "study": study,
        "currency": currency,
        "jobs": [_job_document(job) for job in priced],
        "other_jobs": others,
        "requests": sum(job.expected.requests for job in priced),
        "money": sum(money),
        "most_money": sum(most),
        "unpriced_jobs": len(priced) - len(money),
    }


def _job_document(priced: PricedJob) -> dict[str, Any]:
    model, expected = priced.asking.model, priced.expected
    return {
        "id": priced.job.job_id,
        "kind": priced.job.kind.value,
        "candidates": list(priced.job.candidates),
        "model": model.model,
        "requests": expected.requests,
        "known_answers": priced.asking.known,
        "input_tokens": round(expected.input_tokens),
        "output_tokens": round(expected.output_tokens),
        "most_output_tokens": expected.most_output_tokens,
        "money": priced.money,
        "most_money": priced.most_money,
        "measured_rows": expected.measured_rows,
        "assumes": _assumes(priced),
        "max_requests": model.max_requests,
        "max_cost": model.max_cost,
        "refused_by": priced.refusal,
    }


def _assumes(priced: PricedJob) -> str:
    """What tokens and money rest on, in a sentence."""
    rows, limit = priced.expected.measured_rows, priced.asking.max_output_tokens
    if rows:
        return english("cli.dry_run.measured", count=rows)
    code = "cli.dry_run.guessed_label" if priced.asking.names_labels else "cli.dry_run.guessed_text"
    return english(code, limit=limit)


def _print(priced: Sequence[PricedJob], currency: str, others: int) -> None:
    if not priced:
        console.say(english("cli.dry_run.none", count=others))
        return
    table = Table(box=None, pad_edge=False)
    for heading in _COLUMNS:
        side: Literal["left", "right"] = "left" if heading in ("candidates", "kind") else "right"
        table.add_column(english(f"cli.dry_run.column.{heading}", currency=currency), justify=side, overflow="fold")
    for job in priced:
        table.add_row(*_cells(job))
    print_table(table)
    document = _document("", currency, priced, others)
    total = {name: shown_money(document[name]) for name in ("money", "most_money")}
    console.say(english("cli.dry_run.total", requests=document["requests"], currency=currency, **total))
    for job in priced:
        names = ", ".join(job.job.candidates)
        console.say(f"  {names}: {_assumes(job)}")
        if job.price is None:
            console.say(f"  {names}: {english('cli.dry_run.unpriced')}")
        if job.refusal is not None:
            cap = getattr(job.asking.model, job.refusal)
            console.say(f"  {names}: {english('cli.dry_run.refused', cap=job.refusal, value=f'{cap:g}')}")
    console.say(english("cli.dry_run.others", count=others))


def _cells(job: PricedJob) -> list[str]:
    money = ["–" if amount is None else shown_money(amount) for amount in (job.money, job.most_money)]
    return [
        ", ".join(job.job.candidates),
        job.job.kind.value,
        f"{job.expected.requests:,}",
        f"{job.expected.input_tokens:,.0f}",
        f"{job.expected.output_tokens:,.0f}",
        *money,
    ]
